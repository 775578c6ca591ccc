"""The influence matrix through the other phases of a step: update, reset, restart.

    update  own unit parameters (eager):  P <- D P + U
    reset   P <- A P + (R(h) - h) ds      with A = 1 + s (dR/dh - 1)

In the reset, ds is the sensitivity at the threshold test, before this step's arrivals, while A acts
on what they added too. So the transform A + (R(h) - h) ds/dh is put behind the row *before* the
arrivals are added, and these are taken through A (kept in `after`) on their way in.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.catch_up import catch_up_own, catch_up_segment
from neuro_rtrl.kernels.columns import close_columns
from neuro_rtrl.kernels.forward import apply_reset, reset_parts
from neuro_rtrl.kernels.jit import inline, jit, leaf
from neuro_rtrl.kernels.layout import (
    COLUMNS,
    ENTRIES,
    ENTRIES_NOW,
    LIVE,
    MULTIPLY_ADDS,
    STEPS,
    Limits,
    Mask,
    Rows,
    Run,
    Units,
)
from neuro_rtrl.kernels.limits import pass_on
from neuro_rtrl.kernels.small import identity, multiply_into


@inline
def advance_theta(units: Units, run: Run, rows: Rows) -> None:
    """Influence of own unit parameters: P <- D P + U, at every step."""
    for p in range(units.first.shape[0]):
        d, m = units.d[p], units.m[p]
        if m == 0:
            continue
        rows.counts[MULTIPLY_ADDS] += units.size[p] * d * d * m
        if d == 1:
            low, first, size = units.at_dm[p], units.at_dd[p], units.size[p]
            _advance_one(
                rows.theta[low : low + size * m], run.D[first : first + size],
                run.U[low : low + size * m], m,
            )  # fmt: skip
            continue
        for i in range(units.size[p]):
            at = units.at_dm[p] + i * d * m
            local = run.D[units.at_dd[p] + i * d * d : units.at_dd[p] + (i + 1) * d * d]
            for j in range(m):
                _column(d, m, local, rows.theta[at : at + d * m], j, rows.matrix[3])
                for v in range(d):
                    rows.theta[at + v * m + j] += run.U[at + v * m + j]


@leaf
def _advance_one(theta: np.ndarray, D: np.ndarray, U: np.ndarray, m: int) -> None:
    """The same for units with one state."""
    if m == 1:
        for i in range(D.shape[0]):
            theta[i] = D[i] * theta[i] + U[i]
    else:
        for i in range(D.shape[0]):
            for j in range(m):
                theta[i * m + j] = D[i] * theta[i * m + j] + U[i * m + j]


@jit
def _column(
    d: int, m: int, transform: np.ndarray, theta: np.ndarray, j: int, work: np.ndarray
) -> None:
    """Column j of theta (d, m) <- transform times itself."""
    for v in range(d):
        total = 0.0
        for u in range(d):
            total += transform[v * d + u] * theta[u * m + j]
        work[v] = total
    for v in range(d):
        theta[v * m + j] = work[v]


@jit
def reset_events(
    units: Units, mask: Mask, values: np.ndarray, run: Run, rows: Rows, limits: Limits | None
) -> None:
    """Reset of states and rows of live units (after the states' arrivals, before the rows')."""
    for i in range(run.clock[LIVE]):
        reset_event(units, mask, values, run, rows, limits, run.live[i])


@inline
def reset_event(
    units: Units,
    mask: Mask,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    limits: Limits | None,
    k: int,
) -> None:
    """Reset of the state and the row of one live unit."""
    p = units.population[k]
    rows.has_after[k] = 0
    if run.s[k] and units.refractory[p]:
        _catch_up_all(units, mask, run, rows, k)
    if not turns(units, run, k):
        return
    turn(units, values, run, rows, k)
    _turn_rows(units, mask, run, rows, limits, k)
    if run.s[k]:
        apply_reset(units, run, k)


@inline
def turns(units: Units, run: Run, k: int) -> bool:
    """Whether the event of a live unit changes its influence."""
    p = units.population[k]
    return bool(units.resets[p]) and bool(run.s[k] or units.reset_gradient[p])


@jit
def _catch_up_all(units: Units, mask: Mask, run: Run, rows: Rows, k: int) -> None:
    """Before a refractory period begins, so that none needs to be remembered but the last."""
    catch_up_own(units, run, rows, k)
    for s in range(mask.segment[k], mask.segment[k + 1]):
        catch_up_segment(units, run, rows, k, s)


@jit
def turn(units: Units, values: np.ndarray, run: Run, rows: Rows, k: int) -> None:
    """`rows.matrix[4]` <- A + (R(h) - h) ds/dh; `rows.after` <- A; own unit parameters through it.

    The reset itself is left in `run.work`.
    """
    reset_parts(units, values, run, k)
    p = units.population[k]
    d, i = units.d[p], k - units.first[p]
    jump = rows.matrix[5]
    whole = rows.matrix[4]
    identity(d, whole)
    for v in range(d):
        h = run.h[units.at_h[p] + v * units.size[p] + i]
        jump[v] = (run.work[v] - h) if units.jumps[p, v] else 0.0
        for u in range(d):
            if run.s[k]:
                whole[v * d + u] = run.work[d + v * d + u]
            rows.after[k, v * d + u] = whole[v * d + u]
    rows.has_after[k] = run.s[k]
    _reset_theta(units, run, rows, k, jump, whole)
    for v in range(d):
        for u in range(d):
            whole[v * d + u] += jump[v] * run.ds[units.at_h[p] + i * d + u]


@inline
def _turn_rows(
    units: Units, mask: Mask, run: Run, rows: Rows, limits: Limits | None, k: int
) -> None:
    """The transform goes behind the own block and all segments."""
    d, whole = units.d[units.population[k]], rows.matrix[4]
    if limits is not None:
        pass_on(units, rows, limits, k, whole)
    catch_up_own(units, run, rows, k)
    multiply_into(d, whole, rows.own_pending[k], rows.matrix[3])
    rows.settled[k] = -1
    for s in range(mask.segment[k], mask.segment[k + 1]):
        catch_up_segment(units, run, rows, k, s)
        if rows.length[s] > 0:
            multiply_into(d, whole, rows.pending[s], rows.matrix[3])


@inline
def _reset_theta(
    units: Units, run: Run, rows: Rows, k: int, jump: np.ndarray, after: np.ndarray
) -> None:
    """theta <- A theta + s dR/dtheta + jump (ds/dh . theta + ds/dtheta)."""
    p = units.population[k]
    d, m, i = units.d[p], units.m[p], k - units.first[p]
    at = units.at_dm[p] + i * d * m
    for j in range(m):
        spike = run.dst[units.at_m[p] + i * m + j]
        for v in range(d):
            spike += run.ds[units.at_h[p] + i * d + v] * rows.theta[at + v * m + j]
        _column(d, m, after, rows.theta[at : at + d * m], j, rows.matrix[3])
        for v in range(d):
            rows.theta[at + v * m + j] += jump[v] * spike
            if run.s[k]:
                rows.theta[at + v * m + j] += run.work[d + d * d + v * m + j]


@inline
def close_step(units: Units, run: Run, rows: Rows) -> None:
    """Forget this step's reset Jacobians; add to the ledger."""
    for i in range(run.clock[LIVE]):
        rows.has_after[run.live[i]] = 0
    rows.counts[STEPS] += 1
    rows.counts[ENTRIES] += rows.counts[ENTRIES_NOW]
    columns = 0
    for b in range(rows.live.shape[0]):
        columns += rows.live[b]
    rows.counts[COLUMNS] += columns


@inline
def restart_rows(units: Units, mask: Mask, rows: Rows) -> None:
    """No influence yet: every row is empty."""
    close_columns(mask, rows)
    rows.length[:] = 0
    rows.at[:] = -1
    rows.own_step[:] = -1
    rows.settled[:] = -1
    rows.born[:] = -(1 << 40)
    rows.alive[:] = 0
    rows.fresh_count[:] = 0
    rows.theta_open[:] = 0
    rows.own[:] = 0
    rows.theta[:] = 0.0
    rows.has_after[:] = 0
    rows.pair_head[:] = -1
    rows.counts[ENTRIES_NOW] = 0
    rows.q_count[0] = rows.q_free.shape[0]
    for i in range(rows.q_free.shape[0]):
        rows.q_free[i] = i
    for k in range(units.population.shape[0]):
        d = units.d[units.population[k]]
        identity(d, rows.own_pending[k])
        for s in range(mask.segment[k], mask.segment[k + 1]):
            identity(d, rows.pending[s])
