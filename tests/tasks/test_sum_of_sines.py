"""The curve has the four periods, the spikes have the rate, every iteration is the same."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.tasks.sum_of_sines import PERIODS, make


def test_the_target_is_a_sum_of_four_sines() -> None:
    target = make(np.random.default_rng(1), steps=3000).test().targets[0, :, 0]
    t = np.arange(3000)[:, None]
    angles = 2 * np.pi * t / np.array(PERIODS)
    basis = np.hstack([np.sin(angles), np.cos(angles), np.ones_like(t)])
    weights, *_ = np.linalg.lstsq(basis, target, rcond=None)
    np.testing.assert_allclose(basis @ weights, target, atol=1e-10)
    strength = np.hypot(weights[:4], weights[4:8])
    # Amplitudes were drawn from U(0.5, 2): none is more than four times another.
    assert strength.max() < 4 * strength.min()


def test_the_target_starts_at_zero_and_its_largest_value_is_one() -> None:
    targets = make(np.random.default_rng(1), outputs=3).test().targets[0]
    np.testing.assert_array_equal(targets[0], 0)
    np.testing.assert_allclose(np.abs(targets).max(axis=0), 1)
    assert len(np.unique(targets[10])) == 3


def test_the_spikes_have_the_rate_and_begin_in_silence() -> None:
    spikes = make(np.random.default_rng(1), rate=0.1).train(0).inputs
    assert set(np.unique(spikes)) == {0, 1}
    assert not spikes[:, 0].any()
    assert spikes.mean() == pytest.approx(0.1, abs=0.005)


def test_every_iteration_is_the_same_trial() -> None:
    task = make(np.random.default_rng(1))
    assert task.train(0) is task.train(9) is task.test()


def test_a_constant_prediction_scores_zero() -> None:
    task = make(np.random.default_rng(1))
    trial = task.test()
    constant = np.full_like(trial.targets, trial.targets.mean())
    assert task.score(constant, trial) == pytest.approx(0)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("inputs", 0),
        ("outputs", -1),
        ("steps", 1),
        ("rate", 0.0),
        ("rate", 1.5),
    ],
)
def test_refuses_what_is_out_of_range(option: str, value: float) -> None:
    with pytest.raises(DescriptionError, match=f"sum_of_sines: {option}: .*given: .*expected: "):
        make(np.random.default_rng(0), **{option: value})
