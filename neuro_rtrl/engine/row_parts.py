"""Rows of the influence matrix, read out of the storage of lanes once nothing in it is pending."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.kernels.layout import Mask, Rows
from neuro_rtrl.kernels.traces import Traces

Part = tuple[np.ndarray, np.ndarray]


def of_rows(built: Built, mask: Mask, rows: Rows, k: int) -> Iterator[Part]:
    """Own block, unit parameters, and segments of unit k."""
    units = built.units
    p = int(units.population[k])
    d, m, i = int(units.d[p]), int(units.m[p]), k - int(units.first[p])
    own = slice(int(mask.own[k]), int(mask.own[k + 1]))
    size, at = own.stop - own.start, int(mask.own_at[k])
    yield mask.own_parameter[own], rows.own[at : at + d * size].reshape(d, size)
    theta = int(units.at_dm[p]) + i * d * m
    numbers = int(built.plan.at_theta[p]) + np.arange(m) * int(units.size[p]) + i
    yield numbers, rows.theta[theta : theta + d * m].reshape(d, m)
    for s in range(int(mask.segment[k]), int(mask.segment[k + 1])):
        b, length = int(mask.segment_block[s]), int(rows.length[s])
        yield rows.parameter[mask.column_at[b] :][:length], segment(mask, rows, s, d)[:, :length]


def segment(mask: Mask, rows: Rows, s: int, d: int) -> np.ndarray:
    """(d, columns that there is room for) the storage of segment s of a unit with d states."""
    b = int(mask.segment_block[s])
    stride = int(rows.capacity[b])
    first = int(rows.at_p[b]) + int(mask.segment_row[s]) * stride
    return rows.P[first : first + d * stride].reshape(d, stride)


def of_traces(built: Built, mask: Mask, rows: Rows, traces: Traces, k: int) -> Iterator[Part]:
    """The same where a population may share the traces of its sources: P = gain (R + Z)."""
    first, *rest = of_rows(built, mask, rows, k)
    shared = int(traces.shared[k])
    if shared >= 0:
        numbers, own = first
        places = slice(int(mask.own[k]), int(mask.own[k + 1]))
        z = traces.z[shared, : len(own)][:, traces.group[places]]
        first = numbers, traces.gain[places] * (own + z)
    yield from (first, *rest)
