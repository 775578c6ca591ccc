"""OK: right on average, exact with as many products as there are sources, better with more."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.registry import find
from neuro_rtrl.rules.ok import RULE, mixing
from tests.reference.tangents import data, deviations, draws, exact, flat, network


def test_it_says_what_it_is() -> None:
    assert RULE.name == "ok-4" and RULE.online and "unbiased" in RULE.exactness
    assert find("rules", "ok") is RULE


@pytest.mark.parametrize("rank", [1, 3])
def test_the_mean_of_draws_is_the_exact_gradient(rank: int) -> None:
    distance = deviations(draws(f"ok-{rank}", 200))
    assert distance.max() < 4.5 and 0.5 < np.sqrt((distance**2).mean()) < 1.5


def test_a_large_rank_is_exact() -> None:
    learner = nr.Learner(network(), "ok-24", update="sequence")
    learner.run(*data())
    np.testing.assert_allclose(flat(learner), exact(), atol=1e-10 * abs(exact()).max())


def test_variance_falls_with_the_rank_and_is_less_than_that_of_kf_rtrl() -> None:
    spread = [((draws(r, 40) - exact()) ** 2).sum() for r in ("kf-rtrl", "ok-1", "ok-3", "ok-8")]
    assert all(b < 0.9 * a for a, b in itertools.pairwise(spread))


class Signs:
    """A generator that draws what it was told."""

    def __init__(self, signs: tuple[float, ...]) -> None:
        self.signs = np.array(signs)

    def choice(self, values: list[float], size: tuple[int, int]) -> np.ndarray:
        assert values == [-1.0, 1.0]
        return self.signs[: size[0], None]


@pytest.mark.parametrize("s", [[5.0, 2.0, 1.0, 0.5], [1.0, 1.0, 1.0, 1.0], [9.0, 0.1, 0.1, 0.1]])
def test_mixing_has_the_right_mean_over_all_signs(s: list[float]) -> None:
    values, rank = np.array(s), 3

    total = np.zeros((4, 4))
    for signs in itertools.product((-1.0, 1.0), repeat=4):
        L = mixing(values, rank, Signs(signs))
        assert L.shape == (4, rank)
        total += L @ L.T / 16
    np.testing.assert_allclose(total, np.diag(values), atol=1e-14)


def test_mixing_keeps_what_stands_out() -> None:
    """Theorem 1: the least variance is 2 (sum of the mixed)^2 / k - ... ; what is kept has none."""
    L = mixing(np.array([9.0, 0.2, 0.1]), 2, np.random.default_rng(0))
    found = L @ L.T
    assert found[0, 0] == pytest.approx(9.0) and not found[0, 1:].any()
    # sigma_1 sigma_2 is what mixing two values into one must cost, each way.
    assert found[1, 2] ** 2 == pytest.approx(0.2 * 0.1)


@pytest.mark.parametrize("order", ["0", "x", "1001", "-1", ""])
def test_wrong_ranks_are_refused(order: str) -> None:
    with pytest.raises(nr.NeuroRtrlError, match=r"rank of ok.*expected.*'ok-4'|unknown rule"):
        find("rules", f"ok-{order}")
