"""Adam against Algorithm 1 written out for single numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neuro_rtrl.errors import DescriptionError, RunFileError
from neuro_rtrl.optimizers.adam import Adam


def algorithm_1(
    value: float, gradients: list[float], alpha: float, beta1: float, beta2: float, epsilon: float
) -> float:
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        value -= alpha * (m / (1 - beta1**t)) / (math.sqrt(v / (1 - beta2**t)) + epsilon)
    return value


@pytest.mark.parametrize("rates", [(0.01, 0.9, 0.999, 1e-8), (0.3, 0.5, 0.6, 1e-2)])
def test_equals_algorithm_1(rates: tuple[float, float, float, float]) -> None:
    rng = np.random.default_rng(2)
    start, gradients = rng.normal(size=4), rng.normal(size=(30, 4))
    values, adam = start.copy(), Adam(*rates)
    for gradient in gradients:
        adam.update(values, gradient)
    expected = [algorithm_1(x, list(g), *rates) for x, g in zip(start, gradients.T, strict=True)]
    np.testing.assert_allclose(values, expected, rtol=1e-12)


def shortened_form(
    value: float, gradients: list[float], alpha: float, beta1: float, beta2: float, epsilon: float
) -> float:
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        rate = alpha * math.sqrt(1 - beta2**t) / (1 - beta1**t)
        value -= rate * m / (math.sqrt(v) + epsilon)
    return value


def test_equals_the_shortened_form_of_section_2() -> None:
    rng, rates = np.random.default_rng(2), (0.3, 0.5, 0.999, 1e-2)
    start, gradients = rng.normal(size=4), rng.normal(size=(30, 4))
    values, adam = start.copy(), Adam(*rates, epsilon_hat=True)
    for gradient in gradients:
        adam.update(values, gradient)
    expected = [shortened_form(x, list(g), *rates) for x, g in zip(start, gradients.T, strict=True)]
    np.testing.assert_allclose(values, expected, rtol=1e-12)


def test_works_in_place_and_keeps_the_precision() -> None:
    values = np.ones(3, np.float32)
    same, gradient = values, np.array([1.0, -1.0, 2.0], np.float32)
    Adam(0.25).update(values, gradient)
    assert same.dtype == np.float32
    np.testing.assert_allclose(same, [0.75, 1.25, 0.75], rtol=1e-6)
    np.testing.assert_array_equal(gradient, [1, -1, 2])


@pytest.mark.parametrize("optional", ["beta1", "beta2", "epsilon"])
def test_refuses_what_is_out_of_range(optional: str) -> None:
    with pytest.raises(DescriptionError, match=f"adam: {optional}: .*given: .*expected: "):
        Adam(0.1, **{optional: -0.5})


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_refuses_a_learning_rate_that_is_not_positive(rate: float) -> None:
    with pytest.raises(DescriptionError, match="adam: learning_rate: "):
        Adam(rate)


def test_a_number_of_updates_that_no_run_has_written_is_refused() -> None:
    adam = Adam(0.1)
    adam.steps.done = -1
    with pytest.raises(RunFileError, match="a negative number of updates; given: -1"):
        adam.update(np.ones(2), np.ones(2))
