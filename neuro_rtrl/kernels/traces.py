"""Own blocks without arrivals: what all units of a population hear alike is kept once.

The influence of a unit's own synapses follows P <- D P, plus B y when a source sends y. Where D is
constant and the same for a population, and no arrival is ever blocked, the trace of a group g of
synapses (those of one source with one delay)

    Z_g <- D Z_g + B y

is common to all its targets. Units differ by what their own events have done to them,

    P_kj = gain_j (R_kj + Z_g(j)),    R <- D R    between the events of unit k,

and at an event of unit k, with A and ds/dh as in kernels/influence.py and delta the arrivals of
this very step (already in Z, and taken through A by P),

    R <- T (R + Z - delta) + A delta - Z,    T = A + (R(h) - h) ds/dh

So an arrival costs one addition whatever the fan-out, and own blocks are worked on at live units
only. (The factor gain_j waits until the gradient is scattered to parameters.)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuro_rtrl.kernels.catch_up import catch_up_own
from neuro_rtrl.kernels.jit import inline, jit, leaf
from neuro_rtrl.kernels.layout import COLUMNS, MULTIPLY_ADDS, Mask, Rows, Run, Units
from neuro_rtrl.kernels.small import identity

TINY = 1e-30
LONG_RUN, WORTH_A_SEARCH = 8, 16


class Traces(NamedTuple):
    """Traces of groups. C populations that share them, G groups; Z and delta as the rows."""

    shared: np.ndarray  # (N,) number of the unit's population among those that share, or -1
    shares: np.ndarray  # (G,) whether all that a group brings to own blocks goes to traces
    group: np.ndarray  # (own entries,) group of each own synapse
    gain: np.ndarray  # (own entries,) that waits; 1 where nothing is shared
    worth: np.ndarray  # (synapses,) the same by their numbers; 0 for what is nobody's own
    d: np.ndarray  # (C,) states
    flow: np.ndarray  # (C, dm*dm) D
    variable: np.ndarray  # (C, G) state that a group adds to, -1: does not reach it
    learned: np.ndarray  # (G,) learned synapses that share
    heard: np.ndarray  # (G,) whether anything has come since the restart
    columns: np.ndarray  # (1,) learned synapses of groups that were heard
    z: np.ndarray  # (C, dm, G) Z
    delta: np.ndarray  # (G,)
    run: np.ndarray  # (N + 1,) runs of own synapses whose groups follow each other
    run_first: np.ndarray  # (runs + 1,) first own synapse of each
    common: np.ndarray  # scratch: Z of the own synapses of a unit, and as many numbers more
    came: np.ndarray  # (G,) groups that came in this step
    coming: np.ndarray  # (1,) and how many


@jit
def advance_traces(rows: Rows, traces: Traces) -> None:
    """Z <- D Z. Far below any rounding it is zero: numbers too small for their format are slow."""
    size, work = traces.delta.shape[0], rows.matrix[3]
    for c in range(traces.d.shape[0]):
        d, z, flow = traces.d[c], traces.z[c], traces.flow[c]
        if d == 1:
            factor, tiny, only = z.dtype.type(flow[0]), z.dtype.type(TINY), z[0]
            for g in range(size):
                left = factor * only[g]
                only[g] = left if abs(left) > tiny else z.dtype.type(0.0)
        else:
            for g in range(size):
                for v in range(d):
                    work[v] = 0.0
                    for u in range(d):
                        work[v] += flow[v * d + u] * z[u, g]
                for v in range(d):
                    z[v, g] = z.dtype.type(work[v] if abs(work[v]) > TINY else 0.0)
        rows.counts[MULTIPLY_ADDS] += size * d * d


@jit
def sort_arrivals(run: Run, traces: Traces, entries: np.ndarray, count: int) -> int:
    """delta += y of groups that share; the others move to the front, their number is returned."""
    kept = 0
    for i in range(count):
        event, group = entries[0, i], entries[1, i]
        if traces.shares[group] == 0:
            entries[0, kept], entries[1, kept] = event, group
            kept += 1
        else:
            note_arrival(traces, group, run.value[event])
    return kept


@inline
def note_arrival(traces: Traces, group: int, y: float) -> None:
    """delta += y."""
    if y != 0.0:
        if traces.delta[group] == 0:
            traces.came[traces.coming[0]] = group
            traces.coming[0] += 1
        traces.delta[group] += traces.delta.dtype.type(y)


@jit
def add_arrivals(rows: Rows, traces: Traces) -> None:
    """Z <- Z + B delta; delta <- 0."""
    for i in range(traces.coming[0]):
        g = traces.came[i]
        take_in(traces, g)
        if not traces.heard[g]:
            traces.heard[g] = 1
            traces.columns[0] += traces.learned[g]
        rows.counts[MULTIPLY_ADDS] += 1
    traces.coming[0] = 0
    rows.counts[COLUMNS] += traces.columns[0]


@inline
def take_in(traces: Traces, g: int) -> None:
    """Z_g <- Z_g + B delta_g; delta_g <- 0."""
    for c in range(traces.d.shape[0]):
        if traces.variable[c, g] >= 0:
            traces.z[c, traces.variable[c, g], g] += traces.delta[g]
    traces.delta[g] = 0


@jit
def respond(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    traces: Traces,
    k: int,
    slope: np.ndarray,
    q: np.ndarray,
    turns: bool,
) -> None:
    """q <- slope . P_k; where unit k `turns`, R <- T P_k - Z, with T in `rows.matrix[4]`."""
    catch_up_own(units, run, rows, k)
    d, pending = units.d[units.population[k]], rows.own_pending[k]
    size = mask.own[k + 1] - mask.own[k]
    if d == 1:
        _respond_one(mask, rows, traces, k, slope[0], q, turns)
    else:
        _respond_several(mask, rows, traces, k, d, slope, q, turns)
    rows.counts[MULTIPLY_ADDS] += size * d * (d + (d if turns else 1))
    if turns:
        identity(d, pending)
    if turns and rows.has_after[k] and traces.coming[0] > 0:
        take_through(mask, rows, traces, k, d)


@jit
def _respond_one(
    mask: Mask, rows: Rows, traces: Traces, k: int, slope: float, q: np.ndarray, turns: bool
) -> None:
    """For one state: a single pass over what is stored."""
    kind, size, common = rows.own.dtype.type, mask.own[k + 1] - mask.own[k], traces.common
    own = rows.own[mask.own_at[k] : mask.own_at[k] + size]
    _collect(mask, traces, k, traces.z[traces.shared[k], 0], common)
    scale, factor, by = kind(rows.own_pending[k, 0]), kind(rows.matrix[4, 0]), kind(slope)
    if turns:
        for j in range(size):
            entry = scale * own[j] + common[j]
            q[j] = by * entry
            own[j] = factor * entry - common[j]
    else:
        for j in range(size):
            q[j] = by * (scale * own[j] + common[j])


@inline
def has_long_runs(mask: Mask, traces: Traces, k: int) -> bool:
    """Whether most of unit k's own synapses have groups that follow each other."""
    return bool(LONG_RUN * (traces.run[k + 1] - traces.run[k]) <= mask.own[k + 1] - mask.own[k])


@jit
def _collect(mask: Mask, traces: Traces, k: int, numbers: np.ndarray, found: np.ndarray) -> None:
    """found <- numbers (G,) of the groups of unit k's own synapses; run by run, if these are long.

    Slices start at 0: then Numba need not look whether an index is negative, and copies in bulk.
    """
    at = mask.own[k]
    if not has_long_runs(mask, traces, k):
        group = traces.group[at : mask.own[k + 1]]
        for j in range(group.shape[0]):
            found[j] = numbers[group[j]]
        return
    for r in range(traces.run[k], traces.run[k + 1]):
        low, size = traces.run_first[r], traces.run_first[r + 1] - traces.run_first[r]
        first = traces.group[low]
        into, run = found[low - at : low - at + size], numbers[first : first + size]
        for j in range(size):
            into[j] = run[j]


@jit
def _respond_several(
    mask: Mask,
    rows: Rows,
    traces: Traces,
    k: int,
    d: int,
    slope: np.ndarray,
    q: np.ndarray,
    turns: bool,
) -> None:
    """For d states, with M the pending transform: q <- (slope M) R + slope Z, and, where it turns,
    R <- T M R + (T - 1) Z; pass by pass over all entries, which are vector code."""
    size, first, kind = mask.own[k + 1] - mask.own[k], mask.own_at[k], rows.own.dtype.type
    own, z = rows.own[first : first + d * size], traces.z[traces.shared[k]]
    pending, whole, common = rows.own_pending[k], rows.matrix[4], traces.common
    left = common[d * size : 2 * d * size]
    q[:size] = 0
    for v in range(d):
        _collect(mask, traces, k, z[v], common[v * size : (v + 1) * size])
    for u in range(d):
        stored, heard = own[u * size : (u + 1) * size], common[u * size : (u + 1) * size]
        factor = 0.0
        for v in range(d):
            factor += slope[v] * pending[v * d + u]
        _add_both(q[:size], stored, kind(factor), heard, kind(slope[u]))
    if not turns:
        return
    left[:] = 0
    for v in range(d):
        for u in range(d):
            factor = 0.0
            for w in range(d):
                factor += whole[v * d + w] * pending[w * d + u]
            stored, heard = own[u * size : (u + 1) * size], common[u * size : (u + 1) * size]
            through = whole[v * d + u] - (1.0 if u == v else 0.0)
            into = left[v * size : (v + 1) * size]
            _add_both(into, stored, kind(factor), heard, kind(through))
    for j in range(d * size):
        own[j] = left[j]


@leaf
def _add_both(into: np.ndarray, a: np.ndarray, by_a: float, b: np.ndarray, by_b: float) -> None:
    for j in range(into.shape[0]):
        into[j] += by_a * a[j] + by_b * b[j]


@jit
def take_through(mask: Mask, rows: Rows, traces: Traces, k: int, d: int) -> None:
    """R += (A - 1) B delta, for a unit that spiked: arrivals of its step pass through its reset."""
    size, first, at = mask.own[k + 1] - mask.own[k], mask.own_at[k], mask.own[k]
    few = traces.coming[0] * WORTH_A_SEARCH < size and not has_long_runs(mask, traces, k)
    if d == 1 and not few:
        _collect(mask, traces, k, traces.delta, traces.common)
        own, common = rows.own[first : first + size], traces.common
        factor = own.dtype.type(rows.after[k, 0] - 1.0)
        for j in range(size):
            own[j] += factor * common[j]
        return
    for i in range(traces.coming[0]):
        group = traces.came[i]
        u = traces.variable[traces.shared[k], group]
        j = _place(traces.group, at, at + size, group)
        while j < at + size and traces.group[j] == group:
            for v in range(d):
                change = rows.after[k, v * d + u] - (1.0 if u == v else 0.0)
                change *= traces.delta[group]
                rows.own[first + v * size + j - at] += rows.own.dtype.type(change)
            j += 1


@jit
def _place(sorted_groups: np.ndarray, low: int, high: int, group: int) -> int:
    """First place in low..high where the group is not smaller."""
    while low < high:
        middle = (low + high) // 2
        if sorted_groups[middle] < group:
            low = middle + 1
        else:
            high = middle
    return low


@jit
def restart_traces(traces: Traces) -> None:
    """Nothing has come."""
    traces.z[:, :, :] = 0
    traces.delta[:] = 0
    traces.heard[:] = 0
    traces.columns[0] = 0
    traces.coming[0] = 0
