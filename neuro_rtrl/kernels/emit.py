"""Events leave a unit, and carry its sensitivity q = dy/dtheta (dense over the columns in use).

    q = dy/dh . P_k + dy/dtheta_k      with P_k = own block + segments, each behind its `pending`

The row is only read: (dy/dh . pending) is applied while it is combined.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.catch_up import catch_up_own, catch_up_segment
from neuro_rtrl.kernels.columns import is_sensitive, open_columns, theta_parameter, theta_slope
from neuro_rtrl.kernels.jit import inline, jit
from neuro_rtrl.kernels.layout import (
    BYTES,
    LIVE,
    MULTIPLY_ADDS,
    RANK_ONE,
    Limits,
    Mask,
    Rows,
    Run,
    Units,
    Wires,
)
from neuro_rtrl.kernels.limits import event_block, factorised, measure
from neuro_rtrl.kernels.queue import new_event, schedule
from neuro_rtrl.kernels.rows import combine


@jit
def emit_events(
    units: Units, wires: Wires, mask: Mask, run: Run, rows: Rows, limits: Limits | None
) -> None:
    """An event for each live unit; all columns are opened before the first row is written."""
    for i in range(run.clock[LIVE]):
        if is_sensitive(units, run, run.live[i]):
            open_columns(units, mask, rows, run.live[i])
    for i in range(run.clock[LIVE]):
        k = run.live[i]
        if wires.group[k] == wires.group[k + 1]:
            continue
        row = -1
        if is_sensitive(units, run, k) and mask.carried[k + 1] > mask.carried[k]:
            rows.q_count[0] -= 1
            row = rows.q_free[rows.q_count[0]]
            if limits is not None and limits.switch[RANK_ONE]:
                factorised(units, wires, mask, run, rows, limits, k)
            write_sensitivity(units, mask, run, rows, k, row)
            if limits is not None:
                measure(units, mask, run, rows, limits, k, row)
        schedule(wires, run, new_event(run, k, run.y[k], row, wires.group[k]))


@inline
def write_sensitivity(units: Units, mask: Mask, run: Run, rows: Rows, k: int, row: int) -> None:
    """Row `row` of Q <- q of unit k."""
    p = units.population[k]
    d = units.d[p]
    start = units.at_h[p] + (k - units.first[p]) * d
    gradient = run.dy[start : start + d]
    weights = rows.matrix[4]
    rows.q_length[row, :] = 0
    s = mask.segment[k]
    for i in range(mask.carried[k], mask.carried[k + 1]):
        b = mask.carried_block[i]
        at = event_block(rows, row, b)
        filled = 0
        if s < mask.segment[k + 1] and mask.segment_block[s] == b:
            catch_up_segment(units, run, rows, k, s)
            filled = rows.length[s]
            if filled > 0:
                through(d, gradient, rows.pending[s], weights)
                stride = rows.capacity[b]
                first = rows.at_p[b] + mask.segment_row[s] * stride
                combine(rows.P, first, stride, filled, d, weights, rows.Q, at)
                rows.counts[MULTIPLY_ADDS] += filled * d
                rows.counts[BYTES] += filled * (d + 1) * rows.P.itemsize
            s += 1
        own = b == mask.block[k]
        if own or filled > 0:
            rows.Q[at + filled : at + rows.live[b]] = 0
            rows.q_length[row, b] = rows.live[b]
        if own:
            _add_own(units, mask, run, rows, k, gradient, at)


@jit
def through(d: int, gradient: np.ndarray, pending: np.ndarray, out: np.ndarray) -> None:
    """out <- gradient . pending."""
    for u in range(d):
        total = 0.0
        for v in range(d):
            total += gradient[v] * pending[v * d + u]
        out[u] = total


@inline
def _add_own(
    units: Units, mask: Mask, run: Run, rows: Rows, k: int, gradient: np.ndarray, at: int
) -> None:
    p = units.population[k]
    d = units.d[p]
    weights = rows.matrix[4]
    catch_up_own(units, run, rows, k)
    through(d, gradient, rows.own_pending[k], weights)
    size = mask.own[k + 1] - mask.own[k]
    Q, own, columns, parameter = rows.Q, rows.own, rows.column, mask.own_parameter
    start, first = mask.own[k], mask.own_at[k]
    for j in range(size):
        column = columns[parameter[start + j]]
        if column < 0:
            continue
        total = weights[0] * own[first + j]
        for v in range(1, d):
            total += weights[v] * own[first + v * size + j]
        Q[at + column] += Q.dtype.type(total)
    rows.counts[MULTIPLY_ADDS] += size * d
    for j in range(units.m[p]):
        total = theta_slope(units, run, rows, k, j, gradient)
        rows.Q[at + rows.column[theta_parameter(units, k, j)]] += rows.Q.dtype.type(total)


@inline
def free_rows(run: Run, rows: Rows, done: int) -> None:
    """Give back the rows of Q whose events were delivered (`done` of them)."""
    for i in range(done):
        row = run.row[run.done[i]]
        if row >= 0:
            rows.q_free[rows.q_count[0]] = row
            rows.q_count[0] += 1
