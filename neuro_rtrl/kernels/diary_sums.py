"""Sums over the arrivals of a window, for one lot of units at a time (diary.py).

`look_back` goes from the last step to the first: what an arrival at each step is worth to each unit
of the lot. `gather` adds that up, group by group. Both work on LANES neighbouring numbers at once
(lots.py), and on CHUNK steps at a time.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.diary import (
    ARRIVALS,
    CHUNK,
    EVENTS,
    FIRST_STEP,
    HELD,
    LANE,
    LANES,
    WHEN,
    Desk,
    Diary,
)
from neuro_rtrl.kernels.jit import inline, leaf
from neuro_rtrl.kernels.layout import STEP, Mask, Rows, Run
from neuro_rtrl.kernels.lots import collect, fall, times
from neuro_rtrl.kernels.traces import Traces

TINY = 1e-200  # Far below any rounding; numbers too small for their format are slow.
SMALLEST = 1e-37  # of float32


@inline
def sort_notes(diary: Diary) -> None:
    """Arrivals by group, events by lot; those of each stay in the order of time."""
    pointer, came = diary.pointer, diary.came
    groups, chunks = pointer.shape
    pointer[:, :] = 0
    for i in range(diary.clock[ARRIVALS]):
        pointer[came[i, 0], came[i, 1] // CHUNK] += 1
    total = 0
    for g in range(groups):
        for c in range(chunks):
            size = pointer[g, c]
            pointer[g, c] = total
            total += size
    for i in range(diary.clock[ARRIVALS]):
        g, c = came[i, 0], came[i, 1] // CHUNK
        at = pointer[g, c]
        diary.sorted_step[at] = came[i, 1]
        diary.sorted_value[at] = diary.value[i]
        pointer[g, c] = at + 1
    _sort_events(diary)


@inline
def _sort_events(diary: Diary) -> None:
    event, place = diary.event, diary.place
    event[:] = 0
    for i in range(diary.clock[EVENTS]):
        event[place[diary.unit[i]] // LANES] += 1
    total = 0
    for lot in range(event.shape[0]):
        size = event[lot]
        event[lot] = total
        total += size
    for i in range(diary.clock[EVENTS]):
        number = place[diary.unit[i]]
        at = event[number // LANES]
        diary.number[at, LANE] = number % LANES
        diary.number[at, WHEN] = diary.when[i]
        diary.number[at, HELD] = diary.held[i]
        for v in range(diary.factor.shape[1]):
            diary.sorted_factor[at, v] = diary.factor[i, v]
        event[number // LANES] = at + 1
    for lot in range(event.shape[0] - 1, 0, -1):
        event[lot] = event[lot - 1]
    event[0] = 0


@inline
def group_begins(diary: Diary, g: int, c: int) -> int:
    """First arrival of group g in chunk c; `pointer` has the ends."""
    if c > 0:
        return diary.pointer[g, c - 1]
    return group_ends(diary, g - 1) if g > 0 else 0


@inline
def group_ends(diary: Diary, g: int) -> int:
    """The end of all arrivals of group g."""
    return diary.pointer[g, diary.pointer.shape[1] - 1]


@inline
def times_arrivals(diary: Diary, g: int, numbers: np.ndarray) -> float:
    """Sum over all arrivals (t, y) of group g: y times number t."""
    total = 0.0
    for a in range(group_begins(diary, g, 0), group_ends(diary, g)):
        total += numbers[diary.sorted_step[a]] * diary.sorted_value[a]
    return total


@inline
def trace(mask: Mask, rows: Rows, traces: Traces, k: int, d: int, v: int, j: int) -> float:
    """State v of P of unit k and own synapse j, but for a gain that waits: R + Z, or P alone."""
    size, place, entry = mask.own[k + 1] - mask.own[k], mask.own_at[k] + j - mask.own[k], 0.0
    for u in range(d):
        entry += rows.own_pending[k, v * d + u] * rows.own[place + u * size]
    if traces.shared[k] >= 0:
        entry += traces.z[traces.shared[k], v, traces.group[j]]
    return entry


@inline
def sum_up(run: Run, diary: Diary, desk: Desk, lot: int, which: int, only: int, end: int) -> None:
    """Row `which` of the desk's sums <- over all arrivals, y mu; nu <- before the first step.

    Args:
        only: column of `diary.signal` that units listen to, -1: what their synapses say.
        end: the state whose nu is 1 after the last step, -1: none.
    """
    steps = run.clock[STEP] - diary.clock[FIRST_STEP]
    low, high = diary.row[lot], diary.row[lot + 1]
    sums = desk.sums[which, : (high - low) * LANES]
    sums[:] = 0
    desk.nu[:] = 0.0
    if end >= 0:
        desk.nu[end * LANES : (end + 1) * LANES] = 1.0
    event = diary.event[lot + 1]
    for c in range((steps - 1) // CHUNK, -1, -1):
        first, left = c * CHUNK, event
        nothing = is_nothing(desk.nu)
        event = look_back(
            diary.states[lot], desk.worth, desk.nu, desk.work, desk.before, diary.decay[lot],
            first, min(steps, first + CHUNK), diary.number, diary.sorted_factor, diary.event[lot],
            event, diary.hears[lot * LANES :], diary.output, diary.weight, diary.signal, only,
        )  # fmt: skip
        if event < left or not nothing:
            desk.adds[0] += (min(steps, first + CHUNK) - first) * LANES
            gather(sums, diary, desk, c, low, high)


@inline
def beyond(factor: np.ndarray, i: int, wide: int) -> float:
    """What event i is worth beyond its learning signal, where a column of `factor` says so."""
    column = wide + 3 * wide * wide
    return factor[i, column] if column < factor.shape[1] else 0.0


@leaf
def look_back(
    d: int,
    worth: np.ndarray,
    nu: np.ndarray,
    work: np.ndarray,
    before: np.ndarray,
    decay: np.ndarray,
    first: int,
    end: int,
    number: np.ndarray,
    factor: np.ndarray,
    least: int,
    event: int,
    hears: np.ndarray,
    output: np.ndarray,
    weight: np.ndarray,
    signal: np.ndarray,
    only: int,
) -> int:
    """worth <- mu of steps `first` to `end`; the number of events that are left is returned."""
    tiny = SMALLEST if worth.itemsize == 4 else TINY
    for t in range(end - 1, first - 1, -1):
        for v in range(d):
            fall(worth, (v * CHUNK + t - first) * LANES, nu, v * LANES, tiny)
        held, last = False, event
        while event > least and number[event - 1, WHEN] == t:
            event -= 1
            i, total = number[event, LANE], 0.0
            if only >= 0:
                total = signal[t, only] if hears[i] < hears[i + 1] else 0.0
            else:
                for e in range(hears[i], hears[i + 1]):
                    total += weight[e] * signal[t, output[e]]
                total += beyond(factor, event, nu.shape[0] // LANES)
            place = (t - first) * LANES + i
            if nu.shape[0] == LANES:  # one state: loops would take longer than what they do
                worth[place] = worth.dtype.type(factor[event, 2] * nu[i])
                nu[i] = factor[event, 0] * total + factor[event, 1] * nu[i]
                before[i] = factor[event, 3] * nu[i]
            else:
                _pass_event(d, worth, place, nu, work, before, i, factor[event], total)
            held |= number[event, HELD] != 0
        _flow(d, nu, work, decay)
        if held:
            for e in range(event, last):
                if number[e, HELD]:
                    for v in range(d):
                        i = v * LANES + number[e, LANE]
                        nu[i] = before[i]
    return event


@inline
def _pass_event(
    d: int,
    worth: np.ndarray,
    place: int,
    nu: np.ndarray,
    work: np.ndarray,
    before: np.ndarray,
    i: int,
    factor: np.ndarray,
    total: float,
) -> None:
    """mu <- A nu, nu <- y' S + T nu of lane i; before <- D' nu."""
    kind = worth.dtype.type
    wide = nu.shape[0] // LANES
    after, flow = wide + wide * wide, wide + 2 * wide * wide
    for v in range(d):
        work[v * LANES + i] = nu[v * LANES + i]
    for u in range(d):
        turned, arrived = factor[u] * total, 0.0
        for v in range(d):
            turned += factor[wide + v * wide + u] * work[v * LANES + i]
            arrived += factor[after + v * wide + u] * work[v * LANES + i]
        nu[u * LANES + i] = turned
        worth[place + u * CHUNK * LANES] = kind(arrived)
    for u in range(d):
        moved = 0.0
        for v in range(d):
            moved += factor[flow + v * wide + u] * nu[v * LANES + i]
        before[u * LANES + i] = moved


@inline
def _flow(d: int, nu: np.ndarray, work: np.ndarray, decay: np.ndarray) -> None:
    """nu <- nu D, for all lanes."""
    wide = nu.shape[0] // LANES
    if d == 1:
        times(nu, 0, nu, 0, decay, 0, False)
        return
    for u in range(d):
        for v in range(d):
            times(work, u * LANES, nu, v * LANES, decay, (v * wide + u) * LANES, v > 0)
    for i in range(d * LANES):
        nu[i] = work[i]


@inline
def is_nothing(nu: np.ndarray) -> bool:
    """Whether nothing that comes is worth anything."""
    some = False
    for i in range(nu.shape[0]):
        some |= nu[i] != 0.0
    return not some


@inline
def gather(sums: np.ndarray, diary: Diary, desk: Desk, chunk: int, low: int, high: int) -> None:
    """sums (rows times LANES) += y mu of all arrivals of rows `low` to `high` in this chunk."""
    for r in range(low, high):
        g = diary.group[r]
        begin, end = group_begins(diary, g, chunk), diary.pointer[g, chunk]
        if begin < end:
            collect(
                sums, (r - low) * LANES, begin, end, diary.sorted_step, diary.sorted_value,
                desk.worth, (chunk - diary.state[r]) * CHUNK,
            )  # fmt: skip
            desk.adds[0] += (end - begin) * diary.heard[r]
