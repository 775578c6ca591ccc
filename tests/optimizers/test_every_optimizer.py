"""What every optimizer must do; the optimizers are found, not listed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuro_rtrl import registry
from neuro_rtrl.contracts import Optimizer
from neuro_rtrl.contracts_rewiring import Following
from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.kernels.descent import BLOCK
from tests.optimizers.twins import twin

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


CASES: list[dict[str, Any]] = [
    {},
    {"clip_norm": 0.5},
    {"clip_value": 0.3, "schedule": "cosine", "steps": 40},
    {"schedule": "inverse_sqrt"},
    {"schedule": "exponential", "steps": 20, "clip_norm": 2.0, "clip_value": 1.0},
]
OWN: dict[str, list[dict[str, Any]]] = {
    "sgd": [{"momentum": 0.9}],
    "adam": [{"beta1": 0.0}, {"beta2": 0.0, "epsilon": 1e-3}],
    "adamw": [{"weight_decay": 0.1}, {"weight_decay": 0.0}],
    "delayed_sgd": [{"delay": 3}],
    "rmsprop": [{"decay": 0.5}],
}


def sparse_gradients(rng: np.random.Generator, count: int, size: int) -> list[np.ndarray]:
    """Some places never have one, some often, and some updates have none at all."""
    often = rng.random(size) ** 3
    often[: size // 4] = 0.0
    return [
        rng.normal(size=size) * (rng.random(size) < often) * (rng.random() < 0.8)
        for _ in range(count)
    ]


def descended(
    name: str, options: dict[str, Any], dtype: type, order: np.ndarray
) -> list[np.ndarray]:
    """The values after each update, where places are in another order."""
    rng = np.random.default_rng(4)
    optimizer = registry.find("optimizers", name)(learning_rate=0.05, **options)
    values: np.ndarray = rng.normal(size=order.size).astype(dtype)[order]
    found = []
    for gradient in sparse_gradients(rng, 60, order.size):
        optimizer.update(values, gradient.astype(dtype)[order])
        found.append(values[np.argsort(order)])
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_blocks_that_rest_change_nothing_for_others(name: str, dtype: type) -> None:
    """Places that never move are in blocks of their own, or spread among the others."""
    together, spread = np.arange(4 * BLOCK), np.random.default_rng(6).permutation(4 * BLOCK)
    for options in CASES + OWN.get(name, []):
        lazy, dense = (descended(name, options, dtype, order) for order in (together, spread))
        assert np.abs(dense[-1] - dense[0]).max() > 0.01
        if "clip_norm" in options:  # the sum of squares is rounded in another order
            rtol = 1e-3 if dtype is np.float32 else 1e-9
            np.testing.assert_allclose(lazy, dense, rtol=rtol, atol=rtol)
        else:
            np.testing.assert_array_equal(lazy, dense)


@pytest.mark.parametrize("name", [n for n in NAMES if n != "delayed_sgd"])
def test_equals_its_twin(name: str) -> None:
    """Also where whole blocks, and whole updates, have no gradient."""
    for options in CASES + OWN.get(name, []):
        rng, size = np.random.default_rng(4), 3 * BLOCK + 5
        values = rng.normal(size=size)
        expected, wanted = values.copy(), twin(name, size, 0.05, **options)
        optimizer = registry.find("optimizers", name)(learning_rate=0.05, **options)
        for gradient in sparse_gradients(rng, 60, size):
            optimizer.update(values, gradient)
            wanted(expected, gradient)
            np.testing.assert_allclose(values, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_what_never_had_a_gradient_stays(name: str) -> None:
    values = np.random.default_rng(7).normal(size=2 * BLOCK)
    start, optimizer, gradient = values.copy(), make(name, 0.1), np.zeros(2 * BLOCK)
    gradient[7] = 1.0
    for _ in range(3):
        optimizer.update(values, gradient)
    assert np.flatnonzero(values != start).tolist() == [7]


@pytest.mark.parametrize("name", [n for n in NAMES if n != "delayed_sgd"])
def test_other_values_are_refused(name: str) -> None:
    """What it remembers is of another network."""
    optimizer = make(name, 0.1)
    optimizer.update(np.ones(3), np.ones(3))
    with pytest.raises(DescriptionError, match="remembers other values; given: 4 values"):
        optimizer.update(np.ones(4), np.ones(4))
    with pytest.raises(DescriptionError, match="have other shapes"):
        optimizer.update(np.ones(3), np.ones(2))


@pytest.mark.parametrize("name", NAMES)
def test_memory_follows_when_parameters_are_renumbered(name: str) -> None:
    """Permuted, with two gone and one new: survivors go on as if nothing had happened."""
    rng = np.random.default_rng(5)
    gradients = sparse_gradients(rng, 30, 20)
    options = (OWN.get(name) or [{}])[0]
    one, two = (registry.find("optimizers", name)(learning_rate=0.05, **options) for _ in range(2))
    a, b = np.ones(20), np.ones(20)
    for gradient in gradients[:15]:
        one.update(a, gradient)
        two.update(b, gradient)
    old = np.concatenate([rng.permutation(20)[:18], [-1]])
    assert isinstance(two, Following)
    two.follow(old)
    b = np.where(old >= 0, b[old], 5.0)
    for gradient in gradients[15:]:
        one.update(a, gradient)
        two.update(b, np.where(old >= 0, gradient[old], 0.0))
    np.testing.assert_allclose(b[:-1], a[old[:-1]], rtol=1e-12)
    if "weight_decay" not in options:
        assert b[-1] == 5.0
