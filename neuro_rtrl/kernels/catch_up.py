"""Lazy rows: what is stored, and what has still to be applied to it.

The true segment of unit k's row is `pending` times what is stored. While nothing arrives, a step
only multiplies it by the local Jacobian:

    pending <- D pending,        and the row itself is not touched.

Where D is constant even that waits: `at` is the step to which `pending` holds, and D^(t - at) is
applied when the row is next used (with the refractory D for the steps in between that the unit
spent refractory). Where D changes from step to step, the small d x d product is kept up with the
run, so rows are lazy there too. A pending transform of zero (a unit without memory) empties the
row.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.jit import inline, jit
from neuro_rtrl.kernels.layout import (
    BYTES,
    ENTRIES_NOW,
    MULTIPLY_ADDS,
    STEP,
    Mask,
    Rows,
    Run,
    Units,
)
from neuro_rtrl.kernels.rows import transform
from neuro_rtrl.kernels.small import identity, is_identity, is_zero, multiply_into, power_into

SMALLEST_SCALE = 1e-4


@inline
def held_between(units: Units, run: Run, k: int, since: int, until: int) -> int:
    """Of these steps those that unit k spent refractory; only its last period can be among them."""
    end = min(until, run.last[k] + units.hold[k] - 1)
    return min(max(end - since, 0), until - since)


@inline
def flow_between(
    units: Units, run: Run, k: int, since: int, until: int, out: np.ndarray, work: np.ndarray
) -> None:
    """out <- (flow from the end of step `since` to the end of step `until`) out."""
    p = units.population[k]
    d = units.d[p]
    steps = until - since
    at = units.at_dd[p] + (k - units.first[p]) * d * d
    if units.refractory[p]:
        held = held_between(units, run, k, since, until)
        power_into(d, units.held_d[at : at + d * d], held, out, work)
        steps -= held
    power_into(d, units.flow_d[at : at + d * d], steps, out, work)


@inline
def catch_up(units: Units, run: Run, rows: Rows, k: int, pending: np.ndarray, since: int) -> None:
    """Bring `pending` of unit k from step `since` to this step (constant D only)."""
    if units.constant[units.population[k]]:
        flow_between(units, run, k, since, run.clock[STEP], pending, rows.matrix[:3])


@inline
def catch_up_segment(units: Units, run: Run, rows: Rows, k: int, s: int) -> None:
    """`pending` of segment s of unit k holds for this step; a vanished segment is emptied."""
    if rows.at[s] != run.clock[STEP]:
        if rows.length[s] > 0:
            catch_up(units, run, rows, k, rows.pending[s], rows.at[s])
        rows.at[s] = run.clock[STEP]
    d = units.d[units.population[k]]
    forgotten = rows.keep[s] >= 0 and run.clock[STEP] - rows.born[s] > rows.keep[s]
    if rows.length[s] > 0 and (forgotten or is_zero(d, rows.pending[s])):
        rows.counts[ENTRIES_NOW] -= rows.length[s] * d
        rows.length[s] = 0
        identity(d, rows.pending[s])


@inline
def renew(run: Run, rows: Rows, s: int) -> None:
    """What is kept from arrival to arrival only makes room for what arrives now."""
    if rows.keep[s] >= 0 and rows.born[s] != run.clock[STEP]:
        rows.born[s] = -(1 << 40)


@inline
def catch_up_own(units: Units, run: Run, rows: Rows, k: int) -> None:
    """`own_pending` of unit k holds for this step."""
    if rows.own_step[k] != run.clock[STEP]:
        catch_up(units, run, rows, k, rows.own_pending[k], rows.own_step[k])
        rows.own_step[k] = run.clock[STEP]


@inline
def settle_own(units: Units, mask: Mask, run: Run, rows: Rows, k: int) -> None:
    """Apply what is pending to the own block, so that arrivals can be added."""
    catch_up_own(units, run, rows, k)
    d = units.d[units.population[k]]
    if is_identity(d, rows.own_pending[k]):
        return
    size = mask.own[k + 1] - mask.own[k]
    transform(rows.own, mask.own_at[k], size, size, d, rows.own_pending[k], rows.tile)
    identity(d, rows.own_pending[k])
    rows.counts[MULTIPLY_ADDS] += size * d * d
    rows.counts[BYTES] += 2 * size * d * rows.own.itemsize


@inline
def own_scale(units: Units, mask: Mask, run: Run, rows: Rows, k: int) -> float:
    """What the own block of a unit with one state has still to be multiplied by.

    Arrivals are divided by it, so a decaying block need not be rewritten before something is added.
    """
    if rows.settled[k] != run.clock[STEP]:
        catch_up_own(units, run, rows, k)
        rows.settled[k] = run.clock[STEP]
    size = abs(rows.own_pending[k, 0])
    if not SMALLEST_SCALE < size < 1.0 / SMALLEST_SCALE:
        settle_own(units, mask, run, rows, k)
    return rows.own_pending[k, 0]


@jit
def settle(units: Units, mask: Mask, run: Run, rows: Rows, k: int) -> None:
    """Once a step (and again after a reset) the own block is brought up to date."""
    if rows.settled[k] != run.clock[STEP]:
        settle_own(units, mask, run, rows, k)
        rows.settled[k] = run.clock[STEP]


@jit
def advance_pending(units: Units, mask: Mask, run: Run, rows: Rows) -> None:
    """pending <- D pending where D is not constant (called after the Jacobians of this step)."""
    for p in range(units.first.shape[0]):
        if units.constant[p]:
            continue
        d = units.d[p]
        for i in range(units.size[p]):
            k = units.first[p] + i
            at = units.at_dd[p] + i * d * d
            local = run.D[at : at + d * d]
            multiply_into(d, local, rows.own_pending[k], rows.matrix[3])
            rows.own_step[k] = run.clock[STEP]
            for s in range(mask.segment[k], mask.segment[k + 1]):
                if rows.length[s] > 0:
                    multiply_into(d, local, rows.pending[s], rows.matrix[3])
                rows.at[s] = run.clock[STEP]
