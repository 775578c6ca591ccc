"""What every optimizer must do; the optimizers are found, not listed."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl import registry
from neuro_rtrl.contracts import Optimizer

NAMES = sorted(registry.files("optimizers"))


def make(name: str, learning_rate: float) -> Optimizer:
    optimizer: Optimizer = registry.find("optimizers", name)(learning_rate=learning_rate)
    return optimizer


@pytest.mark.parametrize("name", NAMES)
def test_reaches_the_bottom_of_a_parabola(name: str) -> None:
    bottom = np.array([1.0, -2.0, 0.5])
    values, optimizer = np.zeros(3), make(name, 0.05)
    for _ in range(500):
        optimizer.update(values, values - bottom)
    np.testing.assert_allclose(values, bottom, atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_changes_the_values_in_place_in_their_precision(name: str, dtype: type) -> None:
    values: np.ndarray = np.ones(4, dtype)
    view, gradient = values[:], np.arange(4.0).astype(dtype)
    make(name, 0.1).update(values, gradient)
    assert view.dtype == dtype
    assert view[0] == 1
    assert np.all(view[1:] < 1)
    np.testing.assert_array_equal(gradient, np.arange(4))


@pytest.mark.parametrize("name", NAMES)
def test_two_optimizers_share_nothing(name: str) -> None:
    one, two = make(name, 0.1), make(name, 0.1)
    a, b = np.ones(2), np.ones(2)
    for _ in range(3):
        one.update(a, np.ones(2))
    two.update(b, np.ones(2))
    alone = np.ones(2)
    make(name, 0.1).update(alone, np.ones(2))
    np.testing.assert_array_equal(b, alone)
