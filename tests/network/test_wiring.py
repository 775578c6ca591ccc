"""Pairs, weights and delays of one projection."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.network import wiring

EVERY = (np.repeat(np.arange(3), 2), np.tile(np.arange(2), 3))


def test_density_is_the_probability_of_a_pair(rng: np.random.Generator) -> None:
    pre, post = wiring.pairs_by_density(300, 200, 0.1, rng)
    assert pre.size == pytest.approx(6000, rel=0.06)
    flat = pre * 200 + post
    assert (np.diff(flat) > 0).all()
    assert pre.max() < 300 and post.max() < 200
    # Every source and every target gets its share.
    assert np.bincount(pre, minlength=300).std() == pytest.approx(np.sqrt(200 * 0.09), rel=0.3)
    assert np.bincount(post, minlength=200).std() == pytest.approx(np.sqrt(300 * 0.09), rel=0.3)


def test_no_pair_and_every_pair(rng: np.random.Generator) -> None:
    assert wiring.pairs_by_density(3, 4, 0.0, rng)[0].size == 0
    assert wiring.pairs_by_density(3, 4, 1.0, rng)[0].size == 12


def test_gaps_are_drawn_until_the_end() -> None:
    """A generator whose gaps are all one reaches the end in several goes."""

    class Ones:
        def geometric(self, density: float, count: int) -> np.ndarray:
            return np.ones(count, np.int64)

    pre, _ = wiring.pairs_by_density(40, 40, 0.01, Ones())  # type: ignore[arg-type]
    assert pre.size == 1600


def test_indegree_is_exact(rng: np.random.Generator) -> None:
    for loops in (True, False):
        pre, post = wiring.pairs_by_indegree(10, 10, 4, rng, loops)
        assert (np.bincount(post) == 4).all()
        for k in range(10):
            mine = pre[post == k]
            assert np.unique(mine).size == 4
            assert loops or k not in mine


def test_indegree_can_take_all_others(rng: np.random.Generator) -> None:
    pre, post = wiring.pairs_by_indegree(4, 4, 3, rng, False)
    assert {(a, b) for a, b in zip(pre, post, strict=True)} == {
        (a, b) for a in range(4) for b in range(4) if a != b
    }


@pytest.mark.parametrize(
    ("pairs", "text"),
    [
        (3, "here: pairs must be two lists of whole numbers of equal length"),
        (([0, 1], [0]), "pairs must be"),
        (([0.5], [0]), "pairs must be"),
        ((["a"], [0]), "pairs must be"),
        (([0], [0], [0]), "pairs must be"),
        (([[0]], [[0]]), "pairs must be"),
        (([3], [0]), "an index in pre is out of range; given: 3; expected: 0 to 2"),
        (([0], [-1]), "an index in post is out of range; given: -1; expected: 0 to 1"),
    ],
)
def test_pairs_that_are_refused(pairs: Any, text: str) -> None:
    with pytest.raises(DescriptionError, match=text):
        wiring.given_pairs(pairs, 3, 2, "here")


def test_there_may_be_no_pairs() -> None:
    assert wiring.given_pairs(([], []), 3, 2, "here")[0].dtype == np.int64


def test_weights_in_every_form(rng: np.random.Generator) -> None:
    def made(value: Any) -> np.ndarray:
        return wiring.weights(value, *EVERY, (3, 2), rng, "here")

    np.testing.assert_array_equal(made(0.5), np.full(6, 0.5))
    np.testing.assert_array_equal(made(range(6)), np.arange(6.0))
    np.testing.assert_array_equal(made([[0, 1], [2, 3], [4, 5]]), np.arange(6.0))
    assert made("uniform(2, 3)").min() >= 2
    made(0.5)[0] = 1.0  # not a view of one number


def test_the_default_is_scaled_by_the_fan_in(rng: np.random.Generator) -> None:
    pre, post = wiring.pairs_by_density(400, 100, 1.0, rng)
    made = wiring.weights(None, pre, post, (400, 100), rng, "here")
    assert made.std() == pytest.approx(1 / 20, rel=0.03)
    glorot = wiring.weights("glorot_normal", pre, post, (400, 100), rng, "here")
    assert glorot.std() == pytest.approx(np.sqrt(2 / 500), rel=0.03)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.zeros((2, 3)), r"here: the weight matrix has the wrong shape; given: \(2, 3\)"),
        (np.zeros(5), "here: wrong shape"),
        (np.zeros((3, 2, 1)), "here: wrong shape"),
        ("heavy", "here"),
        (np.nan, "here: wrong shape, or numbers that are not finite"),
    ],
)
def test_weights_that_are_refused(value: Any, text: str, rng: np.random.Generator) -> None:
    with pytest.raises(DescriptionError, match=text):
        wiring.weights(value, *EVERY, (3, 2), rng, "here")


def test_delays_are_rounded_to_steps(rng: np.random.Generator) -> None:
    def made(value: Any, dt: float = 1e-3) -> list[int]:
        steps: list[int] = wiring.delays(value, 3, dt, rng, "here").tolist()
        return steps

    assert made("2 ms") == [2, 2, 2]
    assert made([0.0, 1.4e-3, 1.6e-3]) == [0, 1, 2]
    assert made("0.3 ms", 1e-4) == [3, 3, 3]
    assert set(made("uniform(1 ms, 3 ms)")) <= {1, 2, 3}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("-1 ms", "here: a negative delay; given: -0.001 s; expected: 0 s or more"),
        ("2000 second", "here: a delay is too long.*at most 1000000 steps of 0.001 s"),
        ("1 mV", "here"),
        (1.0, "here: a number without its unit"),
    ],
)
def test_delays_that_are_refused(value: Any, text: str, rng: np.random.Generator) -> None:
    with pytest.raises(DescriptionError, match=text):
        wiring.delays(value, 3, 1e-3, rng, "here")


def test_no_synapses_have_no_delays(rng: np.random.Generator) -> None:
    assert wiring.delays("1 ms", 0, 1e-3, rng, "here").shape == (0,)
