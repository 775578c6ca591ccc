"""Utterances: padding is silent, classes are balanced as in the data, events can be undone."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.datasets.japanese_vowels import DATASET
from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.tasks._recorded import classes
from neuro_rtrl.tasks.japanese_vowels import deltas, make


def test_the_official_test_part_is_used_whole() -> None:
    arrays, trial = DATASET.load(), make(np.random.default_rng(0)).test()
    assert classes(trial).tolist() == arrays["test_labels"].tolist()
    asked = np.isfinite(trial.targets[:, :, 0]).sum(axis=1)
    assert asked.tolist() == arrays["test_lengths"].tolist()


def test_after_its_end_an_utterance_is_silent() -> None:
    for encoding in ("values", "delta"):
        trial = make(np.random.default_rng(0), encoding=encoding).test()
        over = ~np.isfinite(trial.targets[:, :, 0])
        assert over.any()
        assert not trial.inputs[over].any()


def test_values_are_normalised_over_the_training_frames() -> None:
    trial = make(np.random.default_rng(0), batch=3000).train(0)
    frames = trial.inputs[np.isfinite(trial.targets[:, :, 0])]
    np.testing.assert_allclose(frames.mean(axis=0), 0, atol=0.1)
    np.testing.assert_allclose(frames.std(axis=0), 1, atol=0.1)


def test_events_tell_the_values_to_within_a_threshold() -> None:
    values = np.random.default_rng(1).normal(size=(2, 30, 3))
    events = deltas(values, 0.25)
    rebuilt = 0.25 * np.cumsum(events[:, :, :3] - events[:, :, 3:], axis=1)
    assert np.abs(rebuilt - values).max() < 0.25
    assert not np.any((events[:, :, :3] > 0) & (events[:, :, 3:] > 0))
    assert np.mean(deltas(values, 2.0) != 0) < np.mean(events != 0)


def test_validation_utterances_do_not_train() -> None:
    task = make(np.random.default_rng(0), tested_on="validation", batch=500)
    held = {x[:7].tobytes() for x in task.test().inputs}
    assert len(held) == len(DATASET.load()["train"]) / 5
    assert not held & {x[:7].tobytes() for x in task.train(0).inputs}


def test_the_last_frames_alone() -> None:
    targets = make(np.random.default_rng(0), asked=2).test().targets
    assert set(np.isfinite(targets[:, :, 0]).sum(axis=1)) == {2}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoding": "deltas"}, "unknown encoding.*Did you mean 'delta'"),
        ({"threshold": 0.0}, "japanese_vowels: threshold"),
        ({"asked": -1}, "japanese_vowels: asked"),
    ],
)
def test_wrong_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(DescriptionError, match=message):
        make(np.random.default_rng(0), **options)  # type: ignore[arg-type]
