"""RigL: how many move and when, who goes, and who of the candidates stays."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.contracts_rewiring import Change, Synapses
from neuro_rtrl.rewiring.rigl import RigL


def some(size: int, count: int) -> Synapses:
    rng = np.random.default_rng(0)
    pre, post = np.divmod(np.sort(rng.choice(size * size, count, replace=False)), size)
    return Synapses("w", pre, post, rng.normal(size=count), (size, size), True)


def after(synapses: Synapses, change: Change) -> Synapses:
    keep = change.keep
    return Synapses(
        "w",
        np.concatenate([synapses.pre[keep], change.pre]),
        np.concatenate([synapses.post[keep], change.post]),
        np.concatenate([synapses.weights[keep], change.weights]),
        synapses.shape,
        True,
    )


@pytest.mark.parametrize("updates", [0, 25, 60, 100, 150])
def test_ever_fewer_move(updates: int) -> None:
    """k = alpha/2 (1 + cos(t pi/end)) K."""
    share = 0.4 / 2 * (1 + np.cos(min(updates, 100) * np.pi / 100))
    assert RigL(end=100, every=10, fraction=0.4).moving(updates, 1000) == int(share * 1000)


def test_the_smallest_give_way_to_the_candidates_of_the_largest_gradient() -> None:
    method = RigL(end=20, every=10, fraction=0.5, trial=2, candidates=3)
    synapses = some(20, 60)
    rewirer = method.start(synapses, np.random.default_rng(2))
    rng, asked = np.random.default_rng(3), np.zeros(0)
    moving = method.moving(10, 60)
    for t in range(1, 11):
        gradient = rng.normal(size=synapses.pre.size)
        synapses.weights[60:] += 0.3  # what an optimizer does; candidates are put back to 0
        change = rewirer.update(synapses, gradient)
        assert (synapses.weights[60:] == 0).all()
        if t == 8:
            assert change is not None
            assert change.keep.all()
            assert change.pre.size == 3 * moving
            synapses, asked = after(synapses, change), np.zeros(3 * moving)
        elif t > 8:
            asked += gradient[60:]
    assert change is not None
    largest = np.sort(np.argsort(-np.abs(asked))[:moving])
    np.testing.assert_array_equal(np.flatnonzero(change.keep[60:]), largest)
    gone = np.flatnonzero(~change.keep[:60])
    np.testing.assert_array_equal(gone, np.sort(np.argsort(np.abs(synapses.weights[:60]))[:moving]))
    assert after(synapses, change).pre.size == 60


def test_with_all_pairs_on_trial_the_choice_is_that_of_the_paper() -> None:
    method = RigL(end=100, every=2, fraction=0.5, trial=1, candidates=1e6)
    synapses = some(6, 10)
    rewirer = method.start(synapses, np.random.default_rng(2))
    change = rewirer.update(synapses, np.zeros(10))
    assert change is not None
    synapses = after(synapses, change)
    assert np.unique(synapses.pre * 6 + synapses.post).size == 36
    gradient = np.random.default_rng(4).normal(size=36)
    change = rewirer.update(synapses, gradient)
    assert change is not None
    best = np.argsort(-np.abs(gradient[10:]))[: method.moving(2, 10)]
    np.testing.assert_array_equal(np.flatnonzero(change.keep[10:]), np.sort(best))


def test_after_the_end_the_wiring_stays() -> None:
    synapses = some(10, 30)
    rewirer = RigL(end=4, every=2, fraction=0.9).start(synapses, np.random.default_rng(2))
    changed = []
    for t in range(1, 12):
        change = rewirer.update(synapses, np.ones(synapses.pre.size))
        if change is not None:
            changed.append(t)
            synapses = after(synapses, change)
    assert changed
    assert max(changed) <= 4
    assert synapses.pre.size == 30
