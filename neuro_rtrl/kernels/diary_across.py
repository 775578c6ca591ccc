"""What events are worth to units of other populations, read from a diary (diary.py) from its end.

Where influence that crosses from one population to another is kept from one arrival to the next
(network/layers.py), an event of unit k in step t changes the states of its targets j in step
r = t + delay, and these hand it on once: with their own events in step r + 1. With a_j(r) the
derivative of the losses to come by what has arrived at j in step r, and L the learning signal,

    X_k(t) = sum over synapses from k to j in other populations: w . A_j(r) a_j(r)
    a_j(r) = D_j y'_j (L_j + X_j)           of step r + 1; zero where j has no event then

so that an event is worth y' (L + X) to the traces of its unit. X is a number for each event: the
last column of its note. Few of the targets of an event have one in the step after, so both are kept
as bits: one look tells which of 64 states they have in common.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuro_rtrl.kernels.diary import EVENTS, FIRST_STEP, Diary
from neuro_rtrl.kernels.diary_read import take_weights
from neuro_rtrl.kernels.filters import Filters
from neuro_rtrl.kernels.jit import inline, jit, kernel
from neuro_rtrl.kernels.layout import MULTIPLY_ADDS, STEP, Rows, Run, Units
from neuro_rtrl.kernels.refs import ref
from neuro_rtrl.kernels.wide import ones

BITS = 64  # of a word


class Across(NamedTuple):
    """Synapses between populations of hidden units, in groups of one source and one delay.

    N units, C such synapses, G groups.
    """

    group: np.ndarray  # (N + 1,) first group of each source
    delay: np.ndarray  # (G,) steps
    synapse: np.ndarray  # (C,) number of each among all synapses
    gain: np.ndarray  # (C,)
    entry: np.ndarray  # (C,) which state of which group it acts on
    weight: np.ndarray  # (entries,) sum of gain times weight of the time
    place: np.ndarray  # (entries,) of the state in a row of `worth`
    word: np.ndarray  # (G + 1,) first word of each group: 64 states, of which it acts on some
    where: np.ndarray  # (words,) number of these 64 among all states, dm for each unit
    bits: np.ndarray  # (words,) on which
    base: np.ndarray  # (words,) entry of the first of them
    # (longest delay + 2, N * 2 dm) A a of the present step and those that follow, a of the step
    # before; step r is in row r modulo their number. Behind the states of each is scratch.
    worth: np.ndarray
    live: np.ndarray  # (rows of `worth`, N dm / 64) which states are worth anything


@kernel
def look_across(
    units: Units,
    run: Run,
    rows: Rows,
    filters: Filters,
    diary: Diary,
    across: Across,
    values: np.ndarray,
) -> None:
    """X of all events of the window, which ends with its sequence."""
    _look(ref(units), ref(run), ref(rows), ref(filters), ref(diary), ref(across), values)


@inline
def _look(
    units: Units,
    run: Run,
    rows: Rows,
    filters: Filters,
    diary: Diary,
    across: Across,
    values: np.ndarray,
) -> None:
    take_weights(filters, diary)
    _weigh(across, values)
    across.worth[:, :] = 0.0
    across.live[:, :] = 0
    steps, low = run.clock[STEP] - diary.clock[FIRST_STEP], diary.clock[EVENTS]
    slots = across.worth.shape[0]
    for t in range(steps - 1, -1, -1):
        across.worth[(t + slots - 1) % slots, :] = 0.0
        across.live[(t + slots - 1) % slots, :] = 0
        high = low
        while low > 0 and diary.when[low - 1] == t:
            low -= 1
            _arrive(units, diary, across, low, t)
        for i in range(low, high):
            _pass_on(units, rows, diary, across, i, t)


@inline
def _weigh(across: Across, values: np.ndarray) -> None:
    across.weight[:] = 0.0
    for i in range(across.synapse.shape[0]):
        across.weight[across.entry[i]] += across.gain[i] * values[across.synapse[i]]


@jit
def _arrive(units: Units, diary: Diary, across: Across, i: int, t: int) -> None:
    """a <- a A, the reset of event i."""
    k, wide = diary.unit[i], diary.wide[0]
    d, at = units.d[units.population[k]], wide + wide * wide
    a, factor = across.worth[t % across.worth.shape[0], 2 * wide * k :], diary.factor[i]
    if d == 1:
        a[0] *= factor[at]
    else:
        _turn(d, wide, a, factor[at:])


@inline
def _turn(d: int, wide: int, a: np.ndarray, A: np.ndarray) -> None:
    """a <- a A, for several states."""
    for u in range(d):
        total = 0.0
        for v in range(d):
            total += a[v] * A[v * wide + u]
        a[d + u] = total
    for u in range(d):
        a[u] = a[d + u]


@jit
def _pass_on(
    units: Units,
    rows: Rows,
    diary: Diary,
    across: Across,
    i: int,
    t: int,
) -> None:
    """X of event i; and what that makes of `worth` in the step before."""
    k, wide, slots = diary.unit[i], diary.wide[0], across.worth.shape[0]
    d, factor, total = units.d[units.population[k]], diary.factor[i], 0.0
    sensitive = False
    for v in range(d):
        sensitive |= factor[v] != 0.0
    if sensitive:
        for g in range(across.group[k], across.group[k + 1]):
            total += _sum(rows, across, g, (t + across.delay[g]) % slots)
    factor[wide + 3 * wide * wide] = total
    for e in range(diary.hears[diary.place[k]], diary.hears[diary.place[k] + 1]):
        total += diary.weight[e] * diary.slope[t, diary.output[e]]
    if sensitive and total != 0.0:
        _flow_back(units, across, k, wide, total, factor, (t + slots - 1) % slots)


@jit
def _sum(rows: Rows, across: Across, g: int, row: int) -> float:
    """w A a of the states that group g acts on, in a row of `worth`."""
    total, one = 0.0, np.uint64(1)
    for i in range(across.word[g], across.word[g + 1]):
        bits = across.bits[i]
        found = bits & across.live[row, across.where[i]]
        while found:
            below = (found - one) & ~found
            e = across.base[i] + ones(bits & below)
            total += across.weight[e] * across.worth[row, across.place[e]]
            rows.counts[MULTIPLY_ADDS] += 1
            found &= found - one
    return total


@inline
def _flow_back(
    units: Units, across: Across, k: int, wide: int, total: float, slope: np.ndarray, row: int
) -> None:
    """a <- y' D (L + X); where a unit is refractory y' is 0, so D is that of other steps."""
    p = units.population[k]
    d, a = units.d[p], across.worth[row, 2 * wide * k :]
    at = units.at_dd[p] + (k - units.first[p]) * d * d
    for u in range(d):
        for v in range(d):
            a[u] += slope[v] * total * units.flow_d[at + v * d + u]
        state = wide * k + u
        across.live[row, state // BITS] |= np.uint64(1) << np.uint64(state % BITS)
