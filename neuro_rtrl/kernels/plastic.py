"""Synapses that change by events: at arrivals, at spikes of their targets, and at rewards.

Synaptic variables lie in `z`, projection by projection, synapse by synapse, in the order in which
events visit synapses. The statements are generated functions (compile/plastic.py), called by their
addresses. The order within a step is Brian2's: arrivals of presynaptic spikes, then spikes of the
targets; rewards come last.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuro_rtrl.kernels.cells import Course, Fan, Tape
from neuro_rtrl.kernels.invoke import at, invoke
from neuro_rtrl.kernels.jit import quick
from neuro_rtrl.kernels.layout import HEARD, LIVE, STEP
from neuro_rtrl.kernels.wide import fetch

PRE, POST, REWARD = range(3)
NUMBERS = 8  # in a line of the cache


class Weave(NamedTuple):
    """Plastic projections (Q of them) of a simulation. Letters as in layout.py."""

    of: np.ndarray  # (G,) plastic projection of each group; -1: weights stay as they are
    place: np.ndarray  # (G,) first synapse of each group, among those of its projection
    size: np.ndarray  # (Q,) synapses
    width: np.ndarray  # (Q,) numbers of each in z
    first: np.ndarray  # (Q,) first unit of the targets
    units: np.ndarray  # (Q,) number of the targets
    giver: np.ndarray  # (2, Q) first source whose events are rewards, and their end
    at_z: np.ndarray  # (Q,) offsets of each projection in the flat arrays
    at_c: np.ndarray
    at_in: np.ndarray  # in `incoming`
    at_heard: np.ndarray  # in `heard`
    call: np.ndarray  # (Q, 3) addresses of native functions
    incoming: np.ndarray  # for each projection (targets + 1,): its range of `heard`
    heard: np.ndarray  # synapses by target, as uint32
    z: np.ndarray  # variables
    c: np.ndarray  # coefficients
    signal: np.ndarray  # (Q,) reward of this step
    room: np.ndarray  # for a block of synapses that lie anywhere


@quick
def fetch_variables(weave: Weave, group: int, count: int) -> None:
    """Asks for the variables of a group's synapses."""
    q = weave.of[group]
    first = weave.at_z[q] + weave.width[q] * weave.place[group]
    for e in range(first, first + weave.width[q] * count, NUMBERS):
        fetch(weave.z, e)


@quick
def before_arrivals(fan: Fan, weave: Weave, course: Course, group: int) -> None:
    """The synapses of a group at the arrival of an event; `jump` is what they send."""
    q, low = weave.of[group], weave.place[group]
    if weave.call[q, PRE]:
        count = fan.first[group + 1] - fan.first[group]
        invoke(
            weave.call[q, PRE],
            (
                low,
                low + count,
                weave.size[q],
                course.clock[STEP],
                at(weave.z, weave.at_z[q]),
                at(weave.c, weave.at_c[q]),
                at(fan.jump, fan.first[group] - low),
            ),
        )


@quick
def after_arrivals(weave: Weave, course: Course, tape: Tape) -> None:
    """Spikes of targets, then rewards."""
    for q in range(weave.size.shape[0]):
        if weave.call[q, POST]:
            _hear_targets(weave, course, q)
        if weave.call[q, REWARD]:
            _hear_reward(weave, course, tape, q)


@quick
def _hear_targets(weave: Weave, course: Course, q: int) -> None:
    """The incoming synapses of all units that spike in this step."""
    for i in range(course.clock[LIVE]):
        k = course.live[i] - weave.first[q]
        if k < 0 or k >= weave.units[q]:
            continue
        incoming = weave.at_in[q] + k
        # These synapses lie anywhere in memory: all are asked for at once.
        for e in range(weave.incoming[incoming], weave.incoming[incoming + 1]):
            fetch(weave.z, weave.at_z[q] + weave.width[q] * weave.heard[weave.at_heard[q] + e])
        invoke(
            weave.call[q, POST],
            (
                weave.incoming[incoming],
                weave.incoming[incoming + 1],
                weave.size[q],
                course.clock[STEP],
                at(weave.heard, weave.at_heard[q]),
                at(weave.z, weave.at_z[q]),
                at(weave.c, weave.at_c[q]),
                at(weave.room, 0),
            ),
        )


@quick
def _hear_reward(weave: Weave, course: Course, tape: Tape, q: int) -> None:
    """All synapses, in a step in which the modulating population sends."""
    low, high = weave.giver[0, q], weave.giver[1, q]
    reward, n = 0.0, course.y.shape[0]
    t = course.clock[STEP] - tape.begin[0]
    for i in range(tape.pointer[t], tape.pointer[t + 1]):
        if low <= n + tape.input[i] < high:
            reward += tape.value[i]
    for i in range(course.clock[HEARD]):
        if low <= course.heard[i] < high:
            reward += course.y[course.heard[i]]
    if reward == 0.0:
        return
    weave.signal[q] = reward
    invoke(
        weave.call[q, REWARD],
        (
            weave.size[q],
            course.clock[STEP],
            at(weave.z, weave.at_z[q]),
            at(weave.c, weave.at_c[q]),
            at(weave.signal, q),
        ),
    )
