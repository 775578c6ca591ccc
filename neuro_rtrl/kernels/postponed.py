"""Plain descent that waits: a weight is brought up to date when somebody hears of it.

Plain descent after every step, theta <- theta - eta g, moves every learned value at every step; but
of hidden unit k's synapse j the gradient of a step is a number of the unit times a trace that
stands still between the unit's events (kernels/local.py),

    g_kj(t) = L_k(t) (e M(t) . z_kj)

so all that has happened to its weight since the last event of k, and since `base`, is

    w_kj = base_kj + gain_kj (G_kj + c_k . z_kj),     c_k = - sum_t eta(t) L_k(t) e M(t)

    a step           c_k -= eta L_k e M                                  d numbers a unit
    an event of k    G_kj += c_k . z_kj, then z changes, and c_k = 0     own synapses of a live unit
    a spike of j     w_kj, for all k that it goes to                     its fan-out

which is what a local rule gathers anyway, each L times -eta: an update at every step costs no pass
over the weights. Values that are needed at every step are brought up at every step: those of
readouts (which the signals L come through), parameters of units, synapses of a unit with itself.

Sums are the same as with an update at every step, in another order; G is in the precision of the
influence, and is added to the values at the end of each call (up to a thousand steps). A pause
leaves c and G as they are, so that results do not depend on pauses.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuro_rtrl.kernels.filters import Filters
from neuro_rtrl.kernels.jit import inline, jit
from neuro_rtrl.kernels.layout import STEP, Run, Wires
from neuro_rtrl.kernels.stream import Stream, place
from neuro_rtrl.kernels.traces import Traces


class Postponed(NamedTuple):
    """Values, and what learning still owes them. q values, p unit parameters, l loops, b
    synapses to readouts."""

    open: np.ndarray  # (1,) whether something is owed
    base: np.ndarray  # (q,) values when it was not, with all that was paid since
    shown: np.ndarray  # (q,) and as somebody saw them last who may have changed them
    shift: np.ndarray  # (F, N) from places in `Filters.gathered` to those in `Filters.z`
    parameter: np.ndarray  # (3, p) unit parameters: numbers, places in `gathered`, units
    loop: np.ndarray  # (l,) synapses of units with themselves
    # (4, b) synapses that signals come through: numbers, places in `gathered`, units, and rows of
    # `Filters.feedback`, or of `brought`
    back: np.ndarray
    back_base: np.ndarray  # (b,) their `base`
    back_gain: np.ndarray  # (b,)
    pays: np.ndarray  # (1,) whether there are readouts that pay at every step, into `base`


@inline
def _owed(filters: Filters, postponed: Postponed, k: int, at: int) -> float:
    """G + c . z of a value of unit k, whose place in `gathered` is `at`."""
    total = float(filters.gathered[at])
    for f in range(filters.d.shape[0]):
        d = filters.d[f]
        for v in range(d):
            c = filters.signal[f, k, v]
            if c != 0.0:  # else z may be what another sequence has left
                step = v * (filters.own[k + 1] - filters.own[k])
                total += c * filters.z[at + postponed.shift[f, k] + step]
    return total


@inline
def _bring_up(
    wires: Wires,
    values: np.ndarray,
    filters: Filters,
    traces: Traces,
    postponed: Postponed,
    first: int,
    last: int,
) -> None:
    """Weights of these synapses are as of now."""
    nobody = filters.gathered.shape[0] - 1
    if filters.d.shape[0] == 1 and filters.d[0] == 1:
        _bring_up_one(wires, values, filters, traces, postponed, first, last)
        return
    for e in range(first, last):
        at = filters.slot[e]
        if at != nobody:
            owed = _owed(filters, postponed, wires.target[e], at)
            values[e] = postponed.base[e] + traces.worth[e] * owed


@inline
def _bring_up_one(
    wires: Wires,
    values: np.ndarray,
    filters: Filters,
    traces: Traces,
    postponed: Postponed,
    first: int,
    last: int,
) -> None:
    """The same, where a unit has one trace of one number: else all steps take 1.2 to 1.45 times
    as long."""
    nobody, signal, shift = filters.gathered.shape[0] - 1, filters.signal, postponed.shift
    base, slot, worth, target = postponed.base, filters.slot, traces.worth, wires.target
    for e in range(np.uint64(first), np.uint64(last)):
        at = slot[e]
        if at != nobody:
            k = np.uint64(target[e])
            owed, c = float(filters.gathered[np.uint64(at)]), signal[0, k, 0]
            if c != 0.0:
                owed += c * filters.z[np.uint64(at + shift[0, k])]
            values[e] = base[e] + worth[e] * owed


@jit
def bring_up_input(
    wires: Wires,
    values: np.ndarray,
    run: Run,
    filters: Filters,
    traces: Traces,
    postponed: Postponed,
    stream: Stream,
) -> None:
    """Weights through which external events of this step act before its update."""
    row, n = place(stream, run), run.s.shape[0]
    for i in range(stream.pointer[row], stream.pointer[row + 1]):
        source = n + stream.input[i]
        group, last = wires.group[source], wires.group[source + 1]
        while group < last and wires.delay[group] < 0:
            first, end = wires.first[group], wires.first[group + 1]
            _bring_up(wires, values, filters, traces, postponed, first, end)
            group += 1


@jit
def bring_up_due(
    wires: Wires,
    values: np.ndarray,
    run: Run,
    filters: Filters,
    traces: Traces,
    postponed: Postponed,
) -> None:
    """Weights through which the events act that are due in this step."""
    event = run.head[run.clock[STEP] % wires.ring[0]]
    while event >= 0:
        step = run.clock[STEP] - run.emitted[event]
        group, last = run.next_group[event], wires.group[run.source[event] + 1]
        while group < last and wires.delay[group] == step:
            first, end = wires.first[group], wires.first[group + 1]
            _bring_up(wires, values, filters, traces, postponed, first, end)
            group += 1
        event = run.link[event]


@jit
def bring_up_needed(
    wires: Wires, values: np.ndarray, filters: Filters, traces: Traces, postponed: Postponed
) -> None:
    """What is needed at every step: feedback, loops, parameters."""
    back, into = postponed.back, filters.feedback
    if postponed.pays[0]:
        _take_base(postponed)
    if filters.apart[0]:
        into = filters.brought
    for i in range(back.shape[1]):
        gain = postponed.back_gain[i]
        weight = postponed.back_base[i] + gain * filters.gathered[back[1, i]]
        into[back[3, i], back[2, i]] = gain * weight
    for e in postponed.loop:
        _bring_up(wires, values, filters, traces, postponed, e, e + 1)
    _bring_up_parameters(values, filters, postponed)


@inline
def _bring_up_parameters(values: np.ndarray, filters: Filters, postponed: Postponed) -> None:
    numbers = postponed.parameter
    for i in range(numbers.shape[1]):
        owed = _owed(filters, postponed, numbers[2, i], numbers[1, i])
        values[numbers[0, i]] = postponed.base[numbers[0, i]] + owed


@jit
def show(
    wires: Wires, values: np.ndarray, filters: Filters, traces: Traces, postponed: Postponed
) -> None:
    """All values are as of now; what is owed is owed still."""
    _bring_up(wires, values, filters, traces, postponed, 0, filters.slot.shape[0])
    _bring_up_parameters(values, filters, postponed)
    for i in range(values.shape[0]):
        postponed.shown[i] = values[i]


@jit
def take_up(values: np.ndarray, filters: Filters, postponed: Postponed) -> None:
    """Goes on from what was shown; begins anew if nothing is owed, or somebody changed it."""
    same = postponed.open[0] != 0
    for i in range(values.shape[0]):
        same &= values[i] == postponed.shown[i]
    if not same:
        _begin(values, filters, postponed)


@inline
def _begin(values: np.ndarray, filters: Filters, postponed: Postponed) -> None:
    """Nothing is owed."""
    for i in range(values.shape[0]):
        postponed.base[i] = values[i]
    _take_base(postponed)
    filters.gathered[:] = 0
    filters.waits[:] = 0
    filters.signal[:, :, :] = 0.0
    postponed.open[0] = 1


@inline
def _take_base(postponed: Postponed) -> None:
    for i in range(postponed.back.shape[1]):
        postponed.back_base[i] = postponed.base[postponed.back[0, i]]


@jit
def settle(values: np.ndarray, filters: Filters, traces: Traces, postponed: Postponed) -> None:
    """Pays what is owed, where c . z is in G already: values are as of now."""
    nobody, numbers = filters.gathered.shape[0] - 1, postponed.parameter
    for e in range(filters.slot.shape[0]):
        at = filters.slot[e]
        if at != nobody:
            values[e] = postponed.base[e] + traces.worth[e] * filters.gathered[at]
    for i in range(numbers.shape[1]):
        values[numbers[0, i]] = postponed.base[numbers[0, i]] + filters.gathered[numbers[1, i]]
    filters.gathered[:] = 0
    filters.waits[:] = 0
    postponed.open[0] = 0
