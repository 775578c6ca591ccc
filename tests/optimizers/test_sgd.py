"""Sgd against the recursion written out."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.optimizers.sgd import Sgd


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_equals_the_recursion(momentum: float) -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=5)
    expected, step = values.copy(), np.zeros(5)
    sgd = Sgd(0.1, momentum)
    for _ in range(20):
        gradient = rng.normal(size=5)
        step = momentum * step - 0.1 * gradient
        expected = expected + step
        sgd.update(values, gradient)
    np.testing.assert_allclose(values, expected, rtol=1e-14)


def test_works_in_place_and_keeps_the_precision() -> None:
    values = np.ones(3, np.float32)
    same = values
    Sgd(0.5, 0.5).update(values, np.ones(3))
    assert same.dtype == np.float32
    np.testing.assert_array_equal(same, np.full(3, 0.5, np.float32))


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        ((0.0,), "learning_rate"),
        ((-1.0,), "learning_rate"),
        ((float("nan"),), "learning_rate"),
        ((0.1, 1.0), "momentum"),
        ((0.1, -0.1), "momentum"),
    ],
)
def test_refuses_what_is_out_of_range(arguments: tuple[float, ...], key: str) -> None:
    with pytest.raises(DescriptionError, match=f"sgd: {key}: .*given: .*expected: "):
        Sgd(*arguments)
