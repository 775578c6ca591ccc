"""DEEP R: the walk of theta, who dies, and where the new ones come."""

from __future__ import annotations

import numpy as np

from neuro_rtrl.contracts_rewiring import Synapses
from neuro_rtrl.rewiring.deep_r import DeepR


def some(size: int, count: int, seed: int = 0) -> Synapses:
    rng = np.random.default_rng(seed)
    pre, post = np.divmod(np.sort(rng.choice(size * size, count, replace=False)), size)
    weights = rng.normal(size=count)
    return Synapses("w", pre, post, weights, (size, size), True)


def test_theta_is_pulled_and_shaken() -> None:
    """theta <- theta - eta alpha + sqrt(2 eta T) nu: mean and spread over many synapses."""
    synapses = some(300, 40000)
    before = synapses.weights.copy()
    method = DeepR(learning_rate=0.1, l1=0.02, temperature=5e-6, every=2)
    method.start(synapses, np.random.default_rng(1)).update(synapses, np.zeros(40000))
    large = np.abs(before) > 0.1
    moved = (np.sign(before) * (synapses.weights - before))[large]
    assert abs(moved.mean() + 0.1 * 0.02) < 4 * 1e-3 / np.sqrt(moved.size)
    np.testing.assert_allclose(moved.std(), np.sqrt(2 * 0.1 * 5e-6), rtol=0.02)


def test_a_synapse_dies_where_its_sign_would_turn() -> None:
    synapses = some(30, 200)
    rewirer = DeepR().start(synapses, np.random.default_rng(3))
    turned = np.arange(0, 200, 7)
    synapses.weights[turned] *= -1e-3
    change = rewirer.update(synapses, np.zeros(200))
    assert change is not None
    np.testing.assert_array_equal(np.flatnonzero(~change.keep), turned)
    assert change.pre.size == turned.size
    assert (change.weights == 0).all()
    kept = {*zip(synapses.pre[change.keep], synapses.post[change.keep], strict=True)}
    came = [*zip(change.pre, change.post, strict=True)]
    assert not kept & {*came}
    assert len({*came}) == len(came)


def test_the_places_of_the_new_are_drawn_evenly() -> None:
    """Each pair without a synapse is as likely, also that of the one which has just died."""
    counts, rounds = np.zeros(9), 4500
    rewirers = np.random.default_rng(4)
    for _ in range(rounds):
        pre, post = np.array([0, 1, 2]), np.array([0, 1, 2])
        synapses = Synapses("w", pre, post, np.array([1.0, 1.0, 1.0]), (3, 3), True)
        rewirer = DeepR().start(synapses, rewirers)
        synapses.weights[1] = -1.0
        change = rewirer.update(synapses, np.zeros(3))
        assert change is not None
        counts[change.pre * 3 + change.post] += 1
    free = np.array([False, True, True, True, True, True, True, True, False])
    assert counts[~free].sum() == 0
    deviation = (counts[free] - rounds / 7) / np.sqrt(rounds / 7 * 6 / 7)
    assert np.abs(deviation).max() < 4


def test_what_sleeps_until_the_time_comes_stays_at_zero() -> None:
    synapses = some(10, 40)
    rewirer = DeepR(every=3).start(synapses, np.random.default_rng(5))
    synapses.weights[4] *= -1
    for t in range(1, 4):
        change = rewirer.update(synapses, np.zeros(40))
        assert (change is None) == (t < 3)
        assert synapses.weights[4] == 0
        synapses.weights[4] = 0.5
    assert change is not None
    assert not change.keep[4]


def test_signs_of_the_new_follow_the_share() -> None:
    synapses = some(60, 2000)
    rewirer = DeepR(excitatory=0.8).start(synapses, np.random.default_rng(6))
    synapses.weights[:] *= -1
    change = rewirer.update(synapses, np.zeros(2000))
    assert change is not None
    assert change.pre.size == 1600 + 400
    fresh = Synapses("w", change.pre, change.post, np.full(2000, 1.0), (60, 60), True)
    second = rewirer.update(fresh, np.zeros(2000))
    assert second is not None
    # Of weight +1 those die whose sign is negative: a fifth, give or take.
    assert abs(int((~second.keep).sum()) - 400) < 4 * np.sqrt(2000 * 0.8 * 0.2)
