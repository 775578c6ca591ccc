"""The systems against their equations, by other means than the task uses."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.tasks.chaos import SCALES, make


def path(system: str, steps: int = 400, batch: int = 1) -> np.ndarray:
    """A training batch in the system's own units."""
    mean, deviation = SCALES[system]
    task = make(np.random.default_rng(0), system=system, steps=steps, batch=batch)
    values: np.ndarray = task.train(0).inputs * deviation + mean
    return values


@pytest.mark.parametrize("system", sorted(SCALES))
def test_values_have_mean_0_and_variance_1(system: str) -> None:
    values = make(np.random.default_rng(0), system=system, steps=2000, batch=20).train(0).inputs
    np.testing.assert_allclose(values.mean(axis=(0, 1)), 0, atol=0.05)
    np.testing.assert_allclose(values.std(axis=(0, 1)), 1, atol=0.03)


def test_henon_follows_the_map() -> None:
    x, y = path("henon")[0].T
    np.testing.assert_allclose(x[1:], 1 - 1.4 * x[:-1] ** 2 + y[:-1], atol=1e-12)
    np.testing.assert_allclose(y[1:], 0.3 * x[:-1], atol=1e-12)


def test_lorenz_follows_the_equations() -> None:
    values = path("lorenz")[0]

    def rate(_: float, s: np.ndarray) -> list[float]:
        return [10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]]

    for now, after in itertools.pairwise(values[:21]):
        exact = solve_ivp(rate, (0, 0.02), now, rtol=1e-11, atol=1e-11).y[:, -1]
        np.testing.assert_allclose(after, exact, atol=1e-5)


def test_mackey_glass_follows_the_equation() -> None:
    """x(t+1) e^0.1 - x(t) is what the delayed drive adds; here by Simpson's rule on whole steps."""
    x = path("mackey_glass")[0, :, 0]
    middle = np.interp(np.arange(0.5, len(x) - 1), np.arange(len(x)), x)
    # A cubic through four points is better than the straight line.
    middle[1:-1] = (9 * (x[1:-2] + x[2:-1]) - x[:-3] - x[3:]) / 16
    drive = lambda z: 0.2 * z / (1 + z**10)  # noqa: E731
    for t in range(30, len(x) - 1):
        now, half, then = drive(x[t - 17]), drive(middle[t - 17]), drive(x[t - 16])
        added = (now + 4 * np.exp(0.05) * half + np.exp(0.1) * then) / 6
        assert np.exp(0.1) * x[t + 1] - x[t] == pytest.approx(added, abs=2e-3)


@pytest.mark.parametrize("system", sorted(SCALES))
def test_nearby_starts_part(system: str) -> None:
    """Chaos: two sequences of a batch are not alike at the end."""
    one, two = path(system, steps=300, batch=2)
    assert np.abs(one - two)[-50:].max() > 0.1


def test_an_unknown_system_gets_the_nearest() -> None:
    with pytest.raises(DescriptionError, match=r"chaos: system: .*Did you mean 'lorenz'"):
        make(np.random.default_rng(0), system="lorentz")


@pytest.mark.parametrize("option", ["steps", "batch", "test_size"])
def test_refuses_what_is_out_of_range(option: str) -> None:
    with pytest.raises(DescriptionError, match=f"chaos: {option}: .*given: 0; expected: "):
        make(np.random.default_rng(0), **{option: 0})
