"""Losses against their formulas, and their slopes against differences."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.kernels.jit import kernel
from neuro_rtrl.kernels.losses import LOSSES, loss_and_slope, normal, slope_by_reward


@kernel
def call(kind: int, y: np.ndarray, target: np.ndarray, slope: np.ndarray) -> float:
    return loss_and_slope(kind, y, target, slope)


def loss(name: str, y: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray]:
    slope = np.full(y.size, 99.0)
    return call(LOSSES.index(name), y, target, slope), slope


def formula(name: str, y: np.ndarray, t: np.ndarray) -> float:
    probability = 1 / (1 + np.exp(-y))
    cross = -(t * np.log(probability) + (1 - t) * np.log(1 - probability))
    made = {
        "mse": ((y - t) ** 2).mean(),
        "sse": ((y - t) ** 2).sum() / 2,
        "bce": cross.mean(),
        "cross_entropy": -(t * np.log(np.exp(y) / np.exp(y).sum())).sum(),
    }
    return float(made[name])


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("outputs", [1, 2, 5])
def test_formula_and_slope(name: str, outputs: int, rng: np.random.Generator) -> None:
    for _ in range(5):
        y = 2 * rng.standard_normal(outputs)
        target = rng.dirichlet(np.ones(outputs)) if outputs > 1 else rng.random(1)
        found, slope = loss(name, y, target)
        assert found == pytest.approx(formula(name, y, target), rel=1e-12)
        for o in range(outputs):
            step = np.zeros(outputs)
            step[o] = 1e-6
            ends = loss(name, y + step, target)[0] - loss(name, y - step, target)[0]
            assert slope[o] == pytest.approx(ends / 2e-6, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", LOSSES)
def test_no_target_is_no_error(name: str) -> None:
    found, slope = loss(name, np.array([1.0, -2.0]), np.array([np.nan, np.nan]))
    assert found == 0.0
    np.testing.assert_array_equal(slope, [0.0, 0.0])


@pytest.mark.parametrize("name", ["bce", "cross_entropy"])
def test_large_predictions_do_not_overflow(name: str) -> None:
    found, slope = loss(name, np.array([800.0, -800.0]), np.array([0.0, 1.0]))
    assert found == pytest.approx(800.0 if name == "bce" else 1600.0)
    np.testing.assert_allclose(slope, [0.5, -0.5] if name == "bce" else [1.0, -1.0])


def test_the_sum_of_the_targets_counts() -> None:
    """Targets that sum to 2 weigh twice as much."""
    y, target = np.array([0.3, -0.2, 1.0]), np.array([0.2, 0.3, 0.5])
    once, slope = loss("cross_entropy", y, target)
    twice, slopes = loss("cross_entropy", y, 2 * target)
    assert twice == pytest.approx(2 * once)
    np.testing.assert_allclose(slopes, 2 * slope)


@kernel
def rewarded(
    kind: int,
    y: np.ndarray,
    target: np.ndarray,
    slope: np.ndarray,
    reward: np.ndarray,
    state: np.ndarray,
) -> None:
    slope_by_reward(kind, y, target, slope, reward, state)


@kernel
def drawn(state: np.ndarray) -> float:
    return normal(state)


def test_a_reward_in_the_place_of_a_target_for_numbers() -> None:
    y, target, slope = np.array([0.5, -1.0]), np.array([0.2, 0.3]), np.zeros(2)
    reward, state = np.array([1.0, 0.4, 0.1, -0.7]), np.array([12345], np.uint64)
    again = state.copy()
    rewarded(0, y, target, slope, reward, state)
    step = 0.4 * np.array([drawn(again), drawn(again)])
    earned = -np.mean((y + step - target) ** 2)
    np.testing.assert_allclose(slope, -step / 0.4**2 * (earned + 0.7), rtol=1e-12)
    np.testing.assert_allclose(reward[3], -0.7 + 0.1 * (earned + 0.7), rtol=1e-12)


def test_a_reward_in_the_place_of_a_target_for_classes() -> None:
    target, chosen = np.array([0.0, 1.0, 0.0]), np.zeros(3)
    p = np.array([0.2, 0.5, 0.3])
    state = np.array([99], np.uint64)
    for _ in range(3000):
        slope, reward = p - target, np.array([1.0, 0.4, 0.5, 0.25])
        rewarded(3, p, target, slope, reward, state)
        action = int(np.argmin(slope / (reward[3] - 0.25) / 2))
        earned = 0.25 + 2 * (reward[3] - 0.25)
        wanted = (p - np.eye(3)[action]) * (earned - 0.25)
        np.testing.assert_allclose(slope, wanted, rtol=1e-9, atol=1e-12)
        chosen[action] += 1
    np.testing.assert_allclose(chosen / 3000, p, atol=0.03)
