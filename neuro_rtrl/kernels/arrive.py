"""Arrivals change the influence rows of their targets.

    immediate   P_k[:, column(k, l)] += B y_l       into the own block
    indirect    P_k                  += B w q_l     into the segments of the blocks that q_l carries

B is the entry vector: `gain` at the state an arrival adds to, taken through the reset if the target
spiked in this step; for inputs of map models it is F[:, input], when the update has used them.
Indirect arrivals are first collected in a list for each target, so that its row is read and written
once, whatever the number of sources.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.catch_up import catch_up_segment, own_scale, renew, settle
from neuro_rtrl.kernels.jit import inline, jit
from neuro_rtrl.kernels.layout import (
    BYTES,
    CERTIFIED,
    DEPTH,
    ENTRIES_NOW,
    LEAST_ADDS,
    MULTIPLY_ADDS,
    RANK_ONE,
    ROWS_TOUCHED,
    STEP,
    Limits,
    Mask,
    Rows,
    Run,
    Units,
    Wires,
)
from neuro_rtrl.kernels.limits import accepts, event_block, hear_errors, negligible, within_depth
from neuro_rtrl.kernels.rows import blend, transform
from neuro_rtrl.kernels.small import identity, is_identity


@inline
def receive(
    units: Units,
    wires: Wires,
    mask: Mask,
    carried: np.ndarray,
    run: Run,
    rows: Rows,
    limits: Limits | None,
    entries: np.ndarray,
    count: int,
) -> None:
    """All that the groups in `entries` (2, count) bring to the influence rows.

    `carried` (E,) are the weights through which sensitivities pass: those of the network, or what a
    rule puts in their place (feedback).
    """
    touched = pairs = 0
    total = rows.matrix[4]
    target, segment, head = wires.target, mask.segment, rows.pair_head
    for i in range(count):
        event, group = entries[0, i], entries[1, i]
        y, row = run.value[event], run.row[event]
        if limits is not None and limits.switch[RANK_ONE]:
            limits.heard[group] += y
        low, last = wires.first[group], wires.first[group + 1]
        while low < last:
            k, high = target[low], low + 1
            while high < last and target[high] == k:
                high += 1
            if units.d[units.population[k]] == 1:
                total[0] = hear_one(units, wires, mask, carried, run, rows, group, low, high, y)
            else:
                hear(units, wires, mask, carried, run, rows, group, low, high, y, total)
            low = high
            if row >= 0 and segment[k] < segment[k + 1] and accepts(limits, k):
                if head[k] < 0:
                    rows.touched[touched] = k
                    touched += 1
                pairs = _indirect(units, rows, k, row, total, pairs)
    for i in range(touched):
        absorb(units, mask, run, rows, limits, rows.touched[i])
        head[rows.touched[i]] = -1


@inline
def hear_one(
    units: Units,
    wires: Wires,
    mask: Mask,
    carried: np.ndarray,
    run: Run,
    rows: Rows,
    group: int,
    low: int,
    high: int,
    y: float,
) -> float:
    """Synapses low..high of one source on one unit with one state: sum of w B; own block += B y."""
    k = wires.target[low]
    p = units.population[k]
    collects = wires.collects[group]
    scale, at = 1.0, 0
    if collects:
        at = units.at_df[p] + (k - units.first[p]) * units.inputs[p]
    elif run.held[k] and units.blind[p, 0]:
        return 0.0
    elif rows.has_after[k]:
        scale = rows.after[k, 0]
    stored = 0.0 if y == 0.0 else y / own_scale(units, mask, run, rows, k)
    F, gain, variable, slot = run.F, wires.gain, wires.variable, wires.slot
    own, base, alive = rows.own, mask.own_at[k] - mask.own[k], rows.alive
    total = 0.0
    for e in range(low, high):
        b = gain[e] * (F[at + variable[e]] if collects else scale)
        total += carried[e] * b
        if y != 0.0 and slot[e] >= 0:
            own[base + slot[e]] += own.dtype.type(b * stored)
            if not alive[slot[e]]:
                come_alive(mask, rows, k, slot[e])
    rows.counts[MULTIPLY_ADDS] += high - low
    return total


@jit
def hear(
    units: Units,
    wires: Wires,
    mask: Mask,
    carried: np.ndarray,
    run: Run,
    rows: Rows,
    group: int,
    low: int,
    high: int,
    y: float,
    total: np.ndarray,
) -> None:
    """The same for several states: total (d,) <- sum of w B."""
    k = wires.target[low]
    d = units.d[units.population[k]]
    total[:d] = 0.0
    if y != 0.0:
        settle(units, mask, run, rows, k)
    entry, size = rows.matrix[5], mask.own[k + 1] - mask.own[k]
    for e in range(low, high):
        if not entry_vector(units, wires, run, rows, group, e, entry):
            continue
        for v in range(d):
            total[v] += carried[e] * entry[v]
        slot = wires.slot[e]
        if y != 0.0 and slot >= 0:
            at = mask.own_at[k] + slot - mask.own[k]
            for v in range(d):
                rows.own[at + v * size] += rows.own.dtype.type(entry[v] * y)
            rows.counts[MULTIPLY_ADDS] += d
            if not rows.alive[slot]:
                come_alive(mask, rows, k, slot)


@inline
def entry_vector(
    units: Units, wires: Wires, run: Run, rows: Rows, group: int, e: int, out: np.ndarray
) -> bool:
    """out <- B of synapse e; False where the arrival is blocked."""
    k, variable, gain = wires.target[e], wires.variable[e], wires.gain[e]
    p = units.population[k]
    d = units.d[p]
    if wires.collects[group]:
        n = units.inputs[p]
        at = units.at_df[p] + (k - units.first[p]) * d * n + variable
        for v in range(d):
            out[v] = gain * run.F[at + v * n]
        return True
    if run.held[k] and units.blind[p, variable]:
        return False
    for v in range(d):
        if rows.has_after[k]:
            out[v] = gain * rows.after[k, v * d + variable]
        else:
            out[v] = gain if v == variable else 0.0
    return True


@jit
def come_alive(mask: Mask, rows: Rows, k: int, slot: int) -> None:
    """The first arrival through a synapse since the restart: it waits for a column."""
    rows.alive[slot] = 1
    rows.fresh[mask.own[k] + rows.fresh_count[k]] = mask.own_parameter[slot]
    rows.fresh_count[k] += 1


@inline
def _indirect(units: Units, rows: Rows, k: int, row: int, total: np.ndarray, pairs: int) -> int:
    """Add (row, total) to the list of unit k; the same source twice is one pair."""
    d = units.d[units.population[k]]
    factor = rows.pair_factor
    tail = rows.pair_tail[k]
    if rows.pair_head[k] >= 0 and rows.pair_row[tail] == row:
        for v in range(d):
            factor[tail, v] += total[v]
        return pairs
    for v in range(d):
        factor[pairs, v] = total[v]
    rows.pair_row[pairs] = row
    rows.pair_next[pairs] = -1
    if rows.pair_head[k] < 0:
        rows.pair_head[k] = pairs
    else:
        rows.pair_next[tail] = pairs
    rows.pair_tail[k] = pairs
    return pairs + 1


@inline
def absorb(units: Units, mask: Mask, run: Run, rows: Rows, limits: Limits | None, k: int) -> None:
    """Unit k's segments <- pending times themselves plus all listed sensitivities."""
    if limits is not None and limits.switch[CERTIFIED]:
        hear_errors(units, rows, limits, k)
    for s in range(mask.segment[k], mask.segment[k + 1]):
        b = mask.segment_block[s]
        if limits is not None:
            renew(run, rows, s)
            if limits.switch[DEPTH] >= 0:
                catch_up_segment(units, run, rows, k, s)
                if not within_depth(units, mask, rows, limits, k, s):
                    continue
        live = rows.live[b]
        sources = 0
        pair = rows.pair_head[k]
        while pair >= 0:
            row = rows.pair_row[pair]
            filled = rows.q_length[row, b]
            if filled > 0 and not negligible(units, rows, limits, k, b, pair):
                at = event_block(rows, row, b)
                rows.Q[at + filled : at + live] = 0
                rows.q_length[row, b] = live
                rows.sources[sources] = at
                rows.sources[rows.sources.shape[0] - 1 - sources] = pair
                sources += 1
            pair = rows.pair_next[pair]
        if sources > 0:
            extend(units, mask, run, rows, k, s, live)
            if limits is not None:
                rows.born[s] = run.clock[STEP]
            _blend_segment(units, mask, rows, k, s, sources)


@inline
def extend(units: Units, mask: Mask, run: Run, rows: Rows, k: int, s: int, live: int) -> None:
    """Segment s up to date and as long as its block has columns in use."""
    catch_up_segment(units, run, rows, k, s)
    d, b = units.d[units.population[k]], mask.segment_block[s]
    stride = rows.capacity[b]
    first = rows.at_p[b] + mask.segment_row[s] * stride
    for v in range(d):
        rows.P[first + v * stride + rows.length[s] : first + v * stride + live] = 0
    rows.counts[ENTRIES_NOW] += (live - rows.length[s]) * d
    rows.length[s] = live


@inline
def _blend_segment(units: Units, mask: Mask, rows: Rows, k: int, s: int, sources: int) -> None:
    d, b = units.d[units.population[k]], mask.segment_block[s]
    stride, live = rows.capacity[b], rows.length[s]
    first = rows.at_p[b] + mask.segment_row[s] * stride
    pending = rows.pending[s]
    if d > 1 and not is_identity(d, pending):
        transform(rows.P, first, stride, live, d, pending, rows.tile)
        rows.counts[MULTIPLY_ADDS] += live * d * d
    end = rows.sources.shape[0] - 1
    for v in range(d):
        used = 0
        for i in range(sources):
            factor = rows.pair_factor[rows.sources[end - i], v]
            if factor != 0.0:
                rows.factors[used] = rows.P.dtype.type(factor)
                rows.sources[sources + used] = rows.sources[i]
                used += 1
        chosen = rows.sources[sources : sources + used]
        scale = pending[0] if d == 1 else 1.0
        blend(rows.P, first + v * stride, live, scale, rows.Q, chosen, rows.factors, used)
        rows.counts[MULTIPLY_ADDS] += live * used
        rows.counts[LEAST_ADDS] += live * used
        rows.counts[BYTES] += live * (used + 2) * rows.P.itemsize
    identity(d, pending)
    rows.counts[ROWS_TOUCHED] += 1
