"""The immediate influence as a Kronecker product: what kf-rtrl and ok are built on.

What a synapse adds to its target is gain * C * y: C depends on the target and the entry alone (a
*slot*: one for each unit and state or input that learned synapses act on), y on the source and the
delay alone (a *group*). So the immediate part of a phase is the product of a vector a (groups) and
a matrix C (states x slots), read where there are synapses:

    I[:, synapse] = gain C[:, slot] a[group]

exactly, also with delays, several populations and gates. A learned unit parameter is a slot of its
own, fed by one more group that is always 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.tangent_phase import Immediate
from neuro_rtrl.engine.tangent_storage import Shared


@dataclass(frozen=True)
class Slots:
    """Where each learned parameter of a hidden unit stands in the product.

    Attributes:
        parameter: (q,) parameter numbers, ascending.
        slot, group, gain: (q,) of each of them.
        place: parameter number -> its place in these, -1 for others.
        slots, groups: how many.
    """

    parameter: np.ndarray
    slot: np.ndarray
    group: np.ndarray
    gain: np.ndarray
    place: np.ndarray
    slots: int
    groups: int


def number_slots(built: Built, shared: Shared) -> Slots:
    """Slots and groups of a network."""
    wires, parameter = built.wires, np.flatnonzero(shared.learned)
    synapse = parameter[parameter < wires.target.size]
    theta = parameter[synapse.size :]
    group = np.searchsorted(wires.first, synapse, side="right") - 1
    keys = np.stack([wires.target[synapse], wires.collects[group], wires.variable[synapse]])
    kinds, slot = np.unique(keys, axis=1, return_inverse=True)
    used, group = np.unique(group, return_inverse=True)
    count, slot = kinds.shape[1], slot.reshape(-1)
    place = np.full(built.values.size, -1)
    place[parameter] = np.arange(parameter.size)
    return Slots(
        parameter=parameter,
        slot=np.concatenate([slot, count + np.arange(theta.size)]),
        group=np.concatenate([group, np.full(theta.size, used.size)]),
        gain=np.concatenate([wires.gain[synapse], np.ones(theta.size)]),
        place=place,
        slots=count + theta.size,
        groups=used.size + 1,
    )


def factors(slots: Slots, phase: Immediate, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """(a, C) of a phase, of shapes (groups,) and (rows, slots)."""
    at = slots.place[phase.parameter]
    a, C = np.zeros(slots.groups), np.zeros((rows, slots.slots))
    a[slots.group[at]] = phase.amount
    C[phase.row, slots.slot[at]] = phase.effect / slots.gain[at]
    return a, C


def read(slots: Slots, a: np.ndarray, c: np.ndarray, size: int) -> np.ndarray:
    """Gradient (size,) of all parameters, from a (terms, groups) and c = dL/dh . C (terms, slots).

    g[synapse] = gain sum over terms of c[slot] a[group]
    """
    gradient = np.zeros(size)
    gradient[slots.parameter] = slots.gain * (c[:, slots.slot] * a[:, slots.group]).sum(axis=0)
    return gradient
