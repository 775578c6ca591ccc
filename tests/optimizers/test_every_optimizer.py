"""What every optimizer must do; the optimizers are found, not listed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuro_rtrl import registry
from neuro_rtrl.contracts import Optimizer
from neuro_rtrl.errors import DescriptionError

NAMES = sorted(registry.files("optimizers"))

# Options without which an optimizer does not stop where the gradient is 0.
PLAIN = {"adamw": {"weight_decay": 0.0}}


def make(name: str, learning_rate: float, **options: Any) -> Optimizer:
    kind = registry.find("optimizers", name)
    optimizer: Optimizer = kind(learning_rate=learning_rate, **PLAIN.get(name, {}), **options)
    return optimizer


def test_optimizers_are_found() -> None:
    assert len(NAMES) >= 4


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


@pytest.mark.parametrize("name", NAMES)
def test_a_clipped_gradient_is_what_it_learns_from(name: str) -> None:
    """Long gradients are shortened to norm 1 before anything else is done with them."""
    gradients = 5 * np.random.default_rng(0).normal(size=(6, 3))
    clipped, plain = make(name, 0.1, clip_norm=1.0), make(name, 0.1)
    a, b = np.ones(3), np.ones(3)
    for gradient in gradients:
        clipped.update(a, gradient)
        plain.update(b, gradient / np.linalg.norm(gradient))
    np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_schedule_scales_each_step(name: str) -> None:
    """From equal states, a step at a quarter of the way of a cosine is smaller by its factor."""
    gradients = np.random.default_rng(1).normal(size=(5, 3))
    values = {schedule: np.ones(3) for schedule in ("constant", "cosine")}
    last = {}
    for schedule, steps in (("constant", None), ("cosine", 16)):
        optimizer = make(name, 0.1, schedule=schedule, steps=steps)
        for gradient in gradients:
            before = values[schedule].copy()
            optimizer.update(values[schedule], gradient)
            last[schedule] = values[schedule] - before
    np.testing.assert_allclose(
        last["cosine"], last["constant"] * (1 + np.cos(np.pi / 4)) / 2, rtol=1e-12
    )


@pytest.mark.parametrize("name", NAMES)
def test_refusals_name_the_optimizer_and_the_option(name: str) -> None:
    with pytest.raises(DescriptionError, match=rf"{name}: schedule: .*Did you mean 'cosine'"):
        make(name, 0.1, schedule="cosin")
    for option in ("clip_norm", "clip_value", "steps"):
        with pytest.raises(DescriptionError, match=rf"{name}: {option}: .*expected: "):
            make(name, 0.1, schedule="inverse_sqrt", **{option: 0})
