"""The trial's parts and rates, and the recipe's order of draws."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.tasks.evidence_accumulation import initial_weights, make


def test_the_parts_of_a_trial() -> None:
    trial = make(np.random.default_rng(0), batch=60).train(0)
    assert trial.inputs.shape == (60, 2250, 40)
    assert not trial.inputs[:, 0].any()
    cues = trial.inputs[:, :1050].reshape(60, 7, 150, 40)
    assert not cues[:, :, :50, :30].any()
    sides = cues[:, :, 50:, :20].reshape(60, 7, 100, 2, 10).mean(axis=(2, 4))
    assert np.all((sides == 0).sum(axis=2) == 1), "one side only in each cue"
    assert sides.max(axis=2).mean() == pytest.approx(0.04, abs=0.002)
    assert not trial.inputs[:, 1050:2100, :30].any()
    assert trial.inputs[:, 2100:, 20:30].mean() == pytest.approx(0.04, abs=0.003)
    assert not trial.inputs[:, 2100:, :20].any()
    assert trial.inputs[:, 1:, 30:].mean() == pytest.approx(0.01, abs=0.0005)


def test_the_label_is_the_side_of_most_cues() -> None:
    trial = make(np.random.default_rng(0), batch=60).train(0)
    cues = trial.inputs[:, :1050].reshape(60, 7, 150, 40)
    more = cues[:, :, :, 10:20].any(axis=(2, 3)).sum(axis=1)
    labels = trial.targets[:, 2100:].argmax(axis=2)
    np.testing.assert_array_equal(labels, np.repeat((more > 3)[:, None], 150, axis=1))
    assert np.isnan(trial.targets[:, :2100]).all()
    assert np.bincount(labels[:, 0]).min() > 15


def test_the_score_sums_the_recall() -> None:
    task = make(np.random.default_rng(0), batch=4, test_size=4)
    trial = task.test()
    predictions = np.nan_to_num(trial.targets) - 0.5
    predictions[:, -1] *= -1000
    assert task.score(predictions, trial) == 0
    predictions[:, -1] /= 1000
    assert task.score(predictions, trial) == 1


def test_the_recipe_is_drawn_in_order() -> None:
    """By hand: the weights, the sides, the cues of each sequence, a number for each spike."""
    source = np.random.RandomState(7)
    for shape in ((40, 100), (100, 100)):
        source.randn(*shape)
    source.rand(100, 2)
    source.randn(100, 2)
    task = make(np.random.default_rng(0), batch=2, recipe_seed=7)
    for iteration in range(2):
        odds = [(0.3, 0.7)[side] for side in source.choice([0, 1], 2)]
        cues = [source.choice([0, 1], 7, p=[p, 1 - p]) for p in odds]
        chance = source.rand(2, 2250, 40)
        trial = task.train(iteration)
        noise = (chance < 0.01)[:, 1:, 30:]
        np.testing.assert_array_equal(trial.inputs[:, 1:, 30:], noise)
        for b, shown in enumerate(cues):
            for c, cue in enumerate(shown):
                part = (b, slice(150 * c + 50, 150 * c + 150), slice(10 * cue, 10 * cue + 10))
                np.testing.assert_array_equal(trial.inputs[part], chance[part] < 0.04)
            assert trial.targets[b, -1, 1] == (np.sum(shown) > 3)


def test_batches_of_the_recipe_may_be_asked_for_in_any_order() -> None:
    one, two = (make(np.random.default_rng(i), batch=1, recipe_seed=1) for i in range(2))
    ahead = one.train(3).inputs
    np.testing.assert_array_equal(one.train(1).inputs, two.train(1).inputs)
    np.testing.assert_array_equal(two.train(3).inputs, ahead)
    assert not np.array_equal(one.train(2).inputs, ahead)
    assert not np.array_equal(one.test().inputs, two.test().inputs)


def test_the_weights_of_the_recipe() -> None:
    weights = initial_weights(3)
    source = np.random.RandomState(3)
    into = (source.randn(40, 100) / np.sqrt(40)).astype(np.float32)
    np.testing.assert_array_equal(weights["in"], into)
    recurrent = (source.randn(100, 100) / 10).astype(np.float32)
    np.fill_diagonal(recurrent, 0)
    np.testing.assert_array_equal(weights["recurrent"], recurrent)
    assert np.abs(weights["out"]).max() == pytest.approx(np.sqrt(6 / 102), rel=0.02)
    assert weights["feedback"].std() == pytest.approx(1, rel=0.2)


@pytest.mark.parametrize(
    ("option", "value"),
    [("inputs", 42), ("inputs", 0), ("batch", 0), ("units", 0), ("recipe_seed", -1)],
)
def test_refuses_what_is_out_of_range(option: str, value: int) -> None:
    with pytest.raises(
        DescriptionError, match=f"evidence_accumulation: {option}: .*given: {value}"
    ):
        make(np.random.default_rng(0), **{option: value})
