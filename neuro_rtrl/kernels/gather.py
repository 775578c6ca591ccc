"""The gradient from rows: g += sum_k lambda_k . P_k over the units with a learning signal.

For a loss on readouts these are the readouts alone, so nothing touches the rows of the hidden
units. Segments are gathered in column space (`Rows.gathered`) and scattered to parameters when the
gradient is wanted: at an update, or before columns are given up at the start of a sequence.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.catch_up import catch_up_own, catch_up_segment
from neuro_rtrl.kernels.columns import theta_parameter
from neuro_rtrl.kernels.emit import through
from neuro_rtrl.kernels.jit import inline, jit
from neuro_rtrl.kernels.layout import GRADIENT_ADDS, Mask, Rows, Run, Units
from neuro_rtrl.kernels.rows import blend


@jit
def gather(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    k: int,
    signal: np.ndarray,
    gradient: np.ndarray,
) -> None:
    """gradient += signal . P_k, with `signal` (d,) = dL/dh_k; segments go to `gathered`."""
    p = units.population[k]
    d, m = units.d[p], units.m[p]
    weights = rows.matrix[4]
    catch_up_own(units, run, rows, k)
    through(d, signal, rows.own_pending[k], weights)
    size = mask.own[k + 1] - mask.own[k]
    for j in range(size):
        total = 0.0
        for v in range(d):
            total += weights[v] * rows.own[mask.own_at[k] + v * size + j]
        gradient[mask.own_parameter[mask.own[k] + j]] += total
    for v in range(d):
        if signal[v] != 0.0:
            gather_theta(units, rows, k, v, signal[v], gradient)
    rows.counts[GRADIENT_ADDS] += (size + m) * d
    for s in range(mask.segment[k], mask.segment[k + 1]):
        _gather_segment(units, mask, run, rows, k, s, signal, weights)


@jit
def gather_theta(
    units: Units, rows: Rows, k: int, v: int, slope: float, gradient: np.ndarray
) -> None:
    """gradient += slope times what the unit's own parameters have done to its state v."""
    p = units.population[k]
    d, m, i = units.d[p], units.m[p], k - units.first[p]
    for j in range(m):
        part = slope * rows.theta[units.at_dm[p] + (i * d + v) * m + j]
        gradient[theta_parameter(units, k, j)] += part


@inline
def _gather_segment(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    k: int,
    s: int,
    signal: np.ndarray,
    weights: np.ndarray,
) -> None:
    catch_up_segment(units, run, rows, k, s)
    d, b = units.d[units.population[k]], mask.segment_block[s]
    size, stride = rows.length[s], rows.capacity[b]
    if size == 0:
        return
    through(d, signal, rows.pending[s], weights)
    first = rows.at_p[b] + mask.segment_row[s] * stride
    used = 0
    for v in range(d):
        if weights[v] != 0.0:
            rows.sources[used] = first + v * stride
            rows.factors[used] = rows.P.dtype.type(weights[v])
            used += 1
    blend(rows.gathered, rows.at_q[b], size, 1.0, rows.P, rows.sources, rows.factors, used)
    rows.counts[GRADIENT_ADDS] += size * used


@jit
def scatter(mask: Mask, rows: Rows, gradient: np.ndarray) -> None:
    """gradient[parameter] += gathered[column]; gathered <- 0."""
    for b in range(mask.columns.shape[0]):
        start, at = mask.column_at[b], rows.at_q[b]
        for c in range(rows.live[b]):
            gradient[rows.parameter[start + c]] += rows.gathered[at + c]
            rows.gathered[at + c] = 0
