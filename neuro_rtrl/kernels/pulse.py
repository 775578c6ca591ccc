"""The event of a unit with one state in a single pass: its trace, its reset, filter and gradient.

With Z the traces of its sources, R what is its own (kernels/traces.py), z its trace behind a filter
of one state and c the learning signals since its last event (kernels/filters.py), all for each of
its synapses,

    P = D^n R + Z,   R <- T P - Z,   g += c z,   z <- M z + B y' P

reads and writes R, g and z once. The general way (`respond`, then `enter`) has four passes.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.catch_up import catch_up_own
from neuro_rtrl.kernels.filters import Filters
from neuro_rtrl.kernels.jit import inline, jit, leaf
from neuro_rtrl.kernels.layout import (
    BYTES,
    ENTRIES_NOW,
    GRADIENT_ADDS,
    MULTIPLY_ADDS,
    Mask,
    Rows,
    Run,
    Units,
)
from neuro_rtrl.kernels.traces import Traces, has_long_runs, take_through


@inline
def is_plain(units: Units, filters: Filters, traces: Traces, k: int) -> bool:
    """Whether one number is all that unit k, its traces and the only filter keep of a synapse."""
    one = units.d[units.population[k]] == 1 and traces.shared[k] >= 0
    return bool(one and filters.d.shape[0] == 1 and filters.d[0] == 1 and filters.loop[k] < 0)


@jit
def pulse(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    filters: Filters,
    traces: Traces,
    k: int,
    slope: float,
    turns: bool,
) -> None:
    """All of it for unit k; T is in `rows.matrix[4]`, dy/dtheta in `filters.q`."""
    catch_up_own(units, run, rows, k)
    kind, size = rows.own.dtype.type, mask.own[k + 1] - mask.own[k]
    m = int(units.m[units.population[k]])
    at, first, own = filters.own[k], filters.at[0, k], rows.own[mask.own_at[k] :][:size]
    gathered, behind = filters.gathered[at:][: size + m], filters.z[first:][: size + m]
    if not filters.filled[0, k]:
        for j in range(size + m):
            behind[j] = 0
        filters.pending[0, k, 0] = 0.0
        filters.filled[0, k] = 1
        rows.counts[ENTRIES_NOW] += size + m
    c, keep = kind(filters.signal[0, k, 0]), kind(filters.pending[0, k, 0])
    entry, stay = kind(filters.entry[0, 0] * filters.brought[0, k]), kind(rows.own_pending[k, 0])
    after, by, z = kind(rows.matrix[4, 0]), kind(slope), traces.z[traces.shared[k], 0]
    if has_long_runs(mask, traces, k):
        for r in range(traces.run[k], traces.run[k + 1]):
            low, high = traces.run_first[r] - mask.own[k], traces.run_first[r + 1] - mask.own[k]
            source = traces.group[traces.run_first[r]]
            long = high - low
            _pass(
                own[low:][:long], z[source:][:long], None, behind[low:][:long],
                gathered[low:][:long], stay, after, by, c, keep, entry, turns,
            )  # fmt: skip
    else:
        _pass(
            own, z, traces.group[mask.own[k] :][:size], behind, gathered,
            stay, after, by, c, keep, entry, turns,
        )  # fmt: skip
    for j in range(size, size + m):
        gathered[j] += c * behind[j]
        behind[j] = keep * behind[j] + entry * filters.q[j]
    _close(mask, rows, filters, traces, k, turns)
    rows.counts[MULTIPLY_ADDS] += size * (2 if turns else 1) + 2 * (size + m)
    rows.counts[BYTES] += 2 * (size + m) * behind.itemsize
    rows.counts[GRADIENT_ADDS] += size + m


@inline
def _close(mask: Mask, rows: Rows, filters: Filters, traces: Traces, k: int, turns: bool) -> None:
    """Nothing is pending; arrivals of this step pass through the reset."""
    filters.signal[0, k, 0] = 0.0
    filters.pending[0, k, 0] = 1.0
    filters.waits[k] = 1
    if turns:
        rows.own_pending[k, 0] = 1.0
        if rows.has_after[k] and traces.coming[0] > 0:
            take_through(mask, rows, traces, k, 1)


@leaf
def _pass(
    own: np.ndarray,
    z: np.ndarray,
    group: np.ndarray | None,
    behind: np.ndarray,
    gathered: np.ndarray,
    stay: float,
    after: float,
    by: float,
    c: float,
    keep: float,
    entry: float,
    turns: bool,
) -> None:
    """Synapses of these groups; None: of groups that follow each other, as in `z`."""
    if turns:
        for j in range(own.shape[0]):
            trace = z[j] if group is None else z[group[j]]
            whole = stay * own[j] + trace
            own[j] = after * whole - trace
            gathered[j] += c * behind[j]
            behind[j] = keep * behind[j] + entry * (by * whole)
    else:
        for j in range(own.shape[0]):
            trace = z[j] if group is None else z[group[j]]
            gathered[j] += c * behind[j]
            behind[j] = keep * behind[j] + entry * (by * (stay * own[j] + trace))
