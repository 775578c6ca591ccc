"""AdamW against its algorithm written out for single numbers, and against Adam."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.optimizers.adam import Adam
from neuro_rtrl.optimizers.adamw import AdamW


def algorithm_2(value: float, gradients: list[float], alpha: float, decay: float) -> float:
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        step = (m / (1 - 0.9**t)) / (math.sqrt(v / (1 - 0.999**t)) + 1e-8)
        value -= alpha * step + alpha * decay * value
    return value


@pytest.mark.parametrize(("alpha", "decay"), [(0.01, 0.1), (0.3, 0.0)])
def test_equals_the_algorithm(alpha: float, decay: float) -> None:
    rng = np.random.default_rng(3)
    start, gradients = rng.normal(size=4), rng.normal(size=(30, 4))
    values, adamw = start.copy(), AdamW(alpha, weight_decay=decay)
    for gradient in gradients:
        adamw.update(values, gradient)
    columns = zip(start, gradients.T, strict=True)
    expected = [algorithm_2(x, list(g), alpha, decay) for x, g in columns]
    np.testing.assert_allclose(values, expected, rtol=1e-12)


def test_without_decay_it_is_adam() -> None:
    one, two = AdamW(0.1, weight_decay=0.0), Adam(0.1)
    a, b = np.ones(3), np.ones(3)
    for gradient in np.random.default_rng(0).normal(size=(5, 3)):
        one.update(a, gradient)
        two.update(b, gradient)
    np.testing.assert_array_equal(a, b)


def test_without_gradient_values_decay_by_the_learning_rate() -> None:
    values = np.array([1.0, -2.0])
    AdamW(0.1, weight_decay=0.5).update(values, np.zeros(2))
    np.testing.assert_allclose(values, [0.95, -1.9])


@pytest.mark.parametrize("optional", ["beta1", "beta2", "epsilon", "weight_decay"])
def test_refuses_what_is_out_of_range(optional: str) -> None:
    with pytest.raises(DescriptionError, match=f"adamw: {optional}: .*given: .*expected: "):
        AdamW(0.1, **{optional: -0.5})
