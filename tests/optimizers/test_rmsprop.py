"""RMSProp against the recursion written out for single numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.optimizers.rmsprop import RmsProp


def recursion(value: float, gradients: list[float], eta: float, rho: float) -> float:
    mean_square = 0.0
    for g in gradients:
        mean_square = rho * mean_square + (1 - rho) * g**2
        value -= eta * g / (math.sqrt(mean_square) + 1e-8)
    return value


@pytest.mark.parametrize(("eta", "rho"), [(0.01, 0.9), (0.2, 0.0)])
def test_equals_the_recursion(eta: float, rho: float) -> None:
    rng = np.random.default_rng(4)
    start, gradients = rng.normal(size=4), rng.normal(size=(30, 4))
    values, rmsprop = start.copy(), RmsProp(eta, rho)
    for gradient in gradients:
        rmsprop.update(values, gradient)
    expected = [recursion(x, list(g), eta, rho) for x, g in zip(start, gradients.T, strict=True)]
    np.testing.assert_allclose(values, expected, rtol=1e-12)


@pytest.mark.parametrize("optional", ["decay", "epsilon"])
def test_refuses_what_is_out_of_range(optional: str) -> None:
    with pytest.raises(DescriptionError, match=f"rmsprop: {optional}: .*given: .*expected: "):
        RmsProp(0.1, **{optional: -0.5})


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_refuses_a_learning_rate_that_is_not_positive(rate: float) -> None:
    with pytest.raises(DescriptionError, match="rmsprop: learning_rate: "):
        RmsProp(rate)
