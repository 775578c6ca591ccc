"""UORO: right on average, wrong in each draw; the signs of the paper's recursion."""

from __future__ import annotations

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine.tangent_phase import Immediate
from neuro_rtrl.rules.uoro import RULE
from tests.reference.tangents import data, deviations, draws, exact, flat, network


def test_it_says_what_it_is() -> None:
    assert RULE.name == "uoro" and RULE.online and "unbiased" in RULE.exactness


def test_the_mean_of_draws_is_the_exact_gradient() -> None:
    found = draws("uoro", 300)
    distance = deviations(found)
    assert distance.max() < 4.5 and 0.5 < np.sqrt((distance**2).mean()) < 1.5
    one = np.linalg.norm(found[0] - exact()) / np.linalg.norm(exact())
    assert one > 0.1


class Tangents:
    """A state of four rows."""

    def __init__(self, V: np.ndarray) -> None:
        self.V = V


def test_one_update_by_hand() -> None:
    """s~ th~^T + I on average, over all four pairs of signs."""
    s, theta = np.array([1.0, 0.0, 2.0, 0.0]), np.array([0.5, -1.0, 0.0])
    phase = Immediate(
        np.array([1, 1, 3]), np.array([0, 1, 2]), np.array([2.0, 1.0, 3.0]), np.array([1.0, 2, 1])
    )
    wanted = np.outer(s, theta)
    wanted[[1, 1, 3], [0, 1, 2]] += phase.value
    total = np.zeros((4, 3))
    for signs in ((1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)):
        rule = RULE.make(type("B", (), {"values": theta})(), None, Signs(signs))
        rule.theta[:] = theta
        tangents = Tangents(s[:, None].copy())
        rule.absorb(tangents, phase)
        total += np.outer(tangents.V[:, 0], rule.theta) / 4
        # The two vectors share the length of what they were.
        assert abs(np.outer(tangents.V[:, 0], rule.theta) - wanted).max() > 0.1
    np.testing.assert_allclose(total, wanted, atol=1e-14)


class Signs:
    """A generator that draws what it was told."""

    def __init__(self, signs: tuple[float, ...]) -> None:
        self.signs = np.array(signs)

    def choice(self, values: list[float], size: int) -> np.ndarray:
        assert values == [-1.0, 1.0] and size == self.signs.size
        return self.signs


def test_it_learns() -> None:
    inputs, targets = data(batch=4, steps=25)
    learner = nr.Learner(network(), "uoro", nr.Adam(1e-2), update="sequence")
    losses = [learner.run(inputs, targets).loss for _ in range(30)]
    assert np.mean(losses[-5:]) < 0.8 * losses[0]


@pytest.mark.verification
@pytest.mark.parametrize("rule", ["uoro", "kf-rtrl", "ok-1", "ok-4"])
def test_ten_thousand_draws(rule: str) -> None:
    """Mean within 4 standard errors, in every value; the error falls as 1/sqrt(draws)."""
    found = draws(rule, 10_000)
    distance = deviations(found)
    size = np.linalg.norm(exact())
    parts = {n: found.reshape(-1, n, found.shape[1]).mean(axis=1) for n in (1, 10, 100, 1000)}
    errors = {n: np.sqrt(((p - exact()) ** 2).sum(axis=1).mean()) / size for n, p in parts.items()}
    slope = np.polyfit(np.log(list(errors)), np.log(list(errors.values())), 1)[0]
    whole = np.linalg.norm(found.mean(axis=0) - exact()) / size
    print(f"{rule}: {distance.size} values, largest distance {distance.max():.2f} standard errors,")
    print(f"  rms {np.sqrt((distance**2).mean()):.3f}; relative error of a mean of n draws:")
    print("  " + ", ".join(f"{n}: {e:.4f}" for n, e in errors.items()) + f"; 10000: {whole:.4f}")
    print(f"  exponent {slope:.3f}")
    assert distance.max() < 4.0
    assert -0.6 < slope < -0.4


def test_single_draws_are_far_and_means_nearer() -> None:
    found = draws("uoro", 256)
    errors = [
        np.sqrt(((found.reshape(-1, n, found.shape[1]).mean(axis=1) - exact()) ** 2).sum(1).mean())
        for n in (1, 16)
    ]
    assert 3.0 < errors[0] / errors[1] < 5.3


def test_a_restart_forgets() -> None:
    learner = nr.Learner(network(), "uoro", update="sequence")
    learner.run(*data())
    assert not learner._session.lanes[0].rule.theta.any()
    learner.run(np.zeros((1, 5, 3)), np.ones((1, 5, 1)))
    reference = nr.Learner(network(), "rtrl", update="sequence", precision="float64")
    reference.run(np.zeros((1, 5, 3)), np.ones((1, 5, 1)))
    assert np.isfinite(flat(learner)).all()
    np.testing.assert_array_equal(learner.gradient["x_h"], reference.gradient["x_h"])
