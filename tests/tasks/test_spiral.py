"""The spirals against the formulas of the protocol, and the order of the batches."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.tasks.spiral import make


def test_every_sequence_is_a_spiral_of_its_label() -> None:
    trial = make(np.random.default_rng(3)).test()
    t = np.linspace(0, 2 * np.pi, 17)
    for sequence, target in zip(trial.inputs[:200], trial.targets[:200], strict=True):
        label = target[-1, 0]
        side = 1 if label else -1
        offset = np.arctan2(side * sequence[0, 0], sequence[0, 1])
        np.testing.assert_allclose(sequence[:, 0], side * np.sin(t + offset) / (1 + t), atol=1e-12)
        np.testing.assert_allclose(sequence[:, 1], np.cos(t + offset) / (1 + t), atol=1e-12)


def test_the_error_is_at_the_last_step_only() -> None:
    targets = make(np.random.default_rng(0)).train(0).targets
    assert np.all(np.isnan(targets[:, :-1]))
    assert set(np.unique(targets[:, -1])) == {0, 1}


def test_the_split_is_70_15_15_and_balanced() -> None:
    task = make(np.random.default_rng(0))
    assert len(task.labels) == 7000
    assert len(task.test().inputs) == 1500
    assert 0.45 < task.labels.mean() < 0.55


def test_samples_are_drawn_with_replacement() -> None:
    task = make(np.random.default_rng(0))
    different = len(np.unique(task.sequences[:, 0, 0]))
    # 1 - (1 - 1/N)^(0.7 N) of the N = 10 000 samples occur among 0.7 N draws: 1 - exp(-0.7) = 0.503
    assert different / 10_000 == pytest.approx(1 - np.exp(-0.7), abs=0.02)


def test_an_epoch_uses_every_sequence_once() -> None:
    task = make(np.random.default_rng(0), samples=100, batch=10)
    epochs = [
        np.concatenate([task.train(7 * epoch + i).inputs for i in range(7)])[:, 0, 0]
        for epoch in range(2)
    ]
    np.testing.assert_array_equal(np.sort(epochs[0]), np.sort(task.sequences[:, 0, 0]))
    np.testing.assert_array_equal(np.sort(epochs[0]), np.sort(epochs[1]))
    assert not np.array_equal(epochs[0], epochs[1])


def test_the_score_is_the_fraction_of_right_signs() -> None:
    task = make(np.random.default_rng(0), test_size=4)
    trial = task.test()
    predictions = np.zeros((4, 17, 1))
    predictions[:, -1, 0] = np.where(trial.targets[:, -1, 0] > 0, 0.1, -0.1)
    assert task.score(predictions, trial) == 1
    predictions[0] *= -1
    assert task.score(predictions, trial) == 0.75


@pytest.mark.parametrize("option", ["batch", "samples", "test_size"])
@pytest.mark.parametrize("value", [0, -3])
def test_refuses_sizes_below_one(option: str, value: int) -> None:
    with pytest.raises(DescriptionError, match=f"spiral: {option}: .*given: {value}; expected"):
        make(np.random.default_rng(0), **{option: value})


def test_refuses_more_than_there_is() -> None:
    with pytest.raises(DescriptionError, match=r"test_size: .*1 to 1500"):
        make(np.random.default_rng(0), test_size=1501)
    with pytest.raises(DescriptionError, match=r"batch: .*1 to 7000"):
        make(np.random.default_rng(0), batch=7001)
