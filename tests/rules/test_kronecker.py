"""What a phase adds is a Kronecker product, read where there are synapses."""

from __future__ import annotations

from typing import Any

import numpy as np

import neuro_rtrl as nr
from neuro_rtrl.engine.build import build
from neuro_rtrl.engine.tangent import TangentRule
from neuro_rtrl.engine.tangent_storage import share
from neuro_rtrl.rules._kronecker import factors, number_slots, read
from tests.reference.tangents import Columns, data, network


class Compared(Columns):
    """The dense rule, which looks at every phase on its way."""

    def __init__(self, built: Any, shared: Any, rng: np.random.Generator) -> None:
        super().__init__(built, shared, rng)
        self.slots = number_slots(built, shared)
        self.seen = 0

    def absorb(self, tangents: Any, phase: Any) -> int:
        rows = tangents.V.shape[0]
        wanted = np.zeros((rows, self.place.size))
        np.add.at(wanted, (phase.row, phase.parameter), phase.value)
        a, C = factors(self.slots, phase, rows)
        found = np.array([read(self.slots, a[None], row[None], self.place.size) for row in C])
        np.testing.assert_allclose(found, wanted, rtol=1e-14, atol=0)
        self.seen += 1
        return 0


def test_every_phase_is_a_product() -> None:
    rule = TangentRule("compared", "", Compared)
    learner = nr.Learner(network(), rule, update="sequence")
    learner.run(*data())
    assert learner._session.lanes[0].rule.seen == 40


def test_slots_and_groups() -> None:
    built = build(network())
    shared = share(built, residual=False)
    slots = number_slots(built, shared)
    # alif: its current; egru: two inputs in use; and a unit parameter each.
    assert slots.slots == 4 + 3 * 2 + 4 + 3
    assert slots.parameter.size == shared.learned.sum() == slots.slot.size
    theta = np.concatenate([built.plan.names["h.bias"], built.plan.names["g.b_u"]])
    assert (slots.group[slots.place[theta]] == slots.groups - 1).all()
    pairs = np.stack([slots.slot, slots.group])
    assert np.unique(pairs, axis=1).shape[1] == slots.parameter.size
