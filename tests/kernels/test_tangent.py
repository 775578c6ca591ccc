"""Tangents through a step: with a column for each learned value they are the influence matrix."""

from __future__ import annotations

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine.build import build
from neuro_rtrl.engine.tangent_storage import make_tangents, share
from neuro_rtrl.kernels.tangent import FREE_ROWS
from tests.reference.networks import Case, plain, random_case
from tests.reference.tangents import DENSE, data, network


def check(case: Case) -> None:
    learner = nr.Learner(case.net, rule=DENSE, loss=case.loss, update="sequence")
    learner.run(case.inputs[None], case.targets[None])
    for name, wanted in case.twin.gradient.items():
        error = abs(learner.gradient[name] - wanted).max() / abs(wanted).max()
        assert error < 1e-10, f"{name}: {error:.2e}"


@pytest.mark.parametrize("model", plain())
def test_every_model_against_the_twin(model: str) -> None:
    """Delays, resets, refractory periods, unit parameters, both kinds of arrivals."""
    check(random_case(np.random.default_rng([0, 31]), (model,)))


@pytest.mark.parametrize("seed", range(6))
def test_mixed_networks_against_the_twin(seed: int) -> None:
    check(random_case(np.random.default_rng([seed, 32])))


def test_event_rows_are_given_back() -> None:
    """What is not under way any more holds no number and is free."""
    learner = nr.Learner(network(), rule=DENSE, update="sequence")
    inputs, targets = data(steps=40)
    inputs[:, 30:] = 0.0
    for x, target in zip(inputs[0], targets[0], strict=True):
        learner.step(x, target)
    tangents, run = learner._session.lanes[0].tangents, learner._session.lanes[0].run
    assert learner.ledger.sensitive > 40
    used = np.unique(tangents.row[tangents.row >= 0])
    free = tangents.free[: tangents.counts[FREE_ROWS]]
    states = run.h.size
    together = np.sort(np.concatenate([used, free]))
    np.testing.assert_array_equal(together, np.arange(states, tangents.V.shape[0]))
    assert not tangents.V[free].any() and tangents.V[:states].any()
    assert used.size < 3 * run.s.size


def test_bounds_go_with_the_absolute_values() -> None:
    """A bound that holds at one step holds at the next: |V| <= bound, where V starts at random."""
    learner = nr.Learner(network(), rule=DENSE, update="sequence")
    inputs, targets = data(steps=30)
    lane = None
    for t, (x, target) in enumerate(zip(inputs[0], targets[0], strict=True)):
        if t == 10:
            lane = learner._session.lanes[0]
            lane.rule.absorb = lambda *_: 0
            lane.tangents.bound[:] = abs(lane.tangents.V).max(axis=1)
        learner.step(x, target)
        if lane is not None:
            largest = abs(lane.tangents.V).max(axis=1)
            assert (largest <= lane.tangents.bound * (1 + 1e-12)).all()
    assert lane is not None and lane.tangents.bound.max() > 0
    assert (largest < 0.99 * lane.tangents.bound).any()


def test_readouts_are_not_handed_out() -> None:
    built = build(network())
    shared = share(built, residual=False)
    tangents = make_tangents(built, shared, 2, residual=False)
    names = built.plan.names
    for name in ("h_y", "g_y", "y.bias"):
        assert not shared.learned[names[name]].any()
    for name in ("x_h", "h_h", "g_g", "h.bias", "g.b_u"):
        assert shared.learned[names[name]].all()
    assert tangents.hidden.tolist() == [1] * 7 + [0]
