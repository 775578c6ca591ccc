"""Forecasts: what is asked lies ahead, nothing of the tested part leaks, baselines are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neuro_rtrl.contracts import Prequential
from neuro_rtrl.datasets.breathing import DATASET
from neuro_rtrl.errors import DataError, DescriptionError
from neuro_rtrl.tasks.breathing_belt import BreathingBelt, make

RNG = np.random.default_rng(0)


def table(folder: Path, rows: list[str], heading: str = "time,x,y") -> str:
    file = folder / "belt.csv"
    file.write_text("\n".join([heading, *rows]))
    return str(file)


def ramp(folder: Path, seconds: float = 90, **options: object) -> BreathingBelt:
    """Channels x = t and y = -2 t: every number tells its time."""
    rows = [f"{t / 10},{t / 10},{-t / 5}" for t in range(round(10 * seconds))]
    return make(RNG, recording=table(folder, rows), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("online", [False, True])
def test_targets_lie_ahead_by_the_horizon(tmp_path: Path, online: bool) -> None:
    task = ramp(tmp_path, horizons=[0.5, 2.1], history=1.2, online=online)
    assert (task.inputs, task.outputs, task.prequential) == (24, 4, online)
    deviation = np.std(np.arange(600) / 10)
    for trial in (task.train(0), task.test()):
        asked = np.isfinite(trial.targets[0, :, 0])
        newest, targets = trial.inputs[0, asked][:, -2:], trial.targets[0, asked]
        np.testing.assert_allclose(
            targets[:, :2] - newest, np.outer(np.ones(asked.sum()), [0.5, -0.5]) / deviation
        )
        np.testing.assert_allclose(targets[:, 2] - newest[:, 0], 2.1 / deviation)
        # The oldest frame comes first, and history is 12 frames.
        oldest = trial.inputs[0, asked][:, 0]
        np.testing.assert_allclose(newest[:, 0] - oldest, 1.1 / deviation)


def times(task: BreathingBelt, values: np.ndarray) -> np.ndarray:
    """Seconds of the values of channel x of `ramp`."""
    first = np.arange(600) / 10
    return values * first.std() + first.mean()


def test_training_knows_the_first_minute_only(tmp_path: Path) -> None:
    task = ramp(tmp_path)
    trained, tested = task.train(0), task.test()
    assert times(task, trained.targets[0, :, 0]).max() < 60
    asked = np.isfinite(tested.targets[0, :, 0])
    assert times(task, tested.inputs[0, asked, -2]).min() == pytest.approx(60)
    assert times(task, tested.targets[0, asked, 0]).max() == pytest.approx(89.9)
    half = ramp(tmp_path, tested_on="validation", training=60.0)
    mean = np.arange(300) / 10
    assert half.train(0).targets[0, :, 0].max() * mean.std() + mean.mean() < 30


def test_online_scores_count_from_the_second_minute(tmp_path: Path) -> None:
    task = ramp(tmp_path, online=True)
    assert isinstance(task, Prequential)
    trial = task.train(0)
    predictions = trial.targets.copy()
    counted = np.flatnonzero(times(task, trial.inputs[0, :, -2]) > 59.99)[0]
    predictions[0, :counted] = 99
    assert task.score(predictions, trial) == 1
    predictions[0, counted] = 99
    assert task.score(predictions, trial) < 0


def test_errors_are_normalised_by_the_spread() -> None:
    task = make(RNG, horizons=[0.1, 0.5])
    trial = task.test()
    asked = np.isfinite(trial.targets[0, :, 0])
    mean = np.broadcast_to(trial.targets[0, asked].mean(axis=0), trial.targets.shape)
    np.testing.assert_allclose(task.errors(mean, trial), [1, 1])
    np.testing.assert_allclose(task.score(mean, trial), 0, atol=1e-12)


def test_baselines_of_a_sine(tmp_path: Path) -> None:
    wave = [f"{t / 10},{np.sin(2 * np.pi * t / 40)}" for t in range(1200)]
    recording = table(tmp_path, wave, "time,x")
    found = make(RNG, recording=recording, horizons=[1.0, 2.0]).baselines()
    # |sin(a + d) - sin(a)| over the deviation of a sine is 2 sin(d/2).
    np.testing.assert_allclose(found["persistence"], [2 * np.sin(np.pi / 4), 2], rtol=0.01)
    assert found["linear"].max() < 0.01


def test_other_rates_are_brought_to_ten(tmp_path: Path) -> None:
    rows = [f"{t / 40}" for t in range(40 * 90)]
    task = make(RNG, recording=table(tmp_path, rows, "x"), rate=40.0)
    step = np.diff(task.train(0).inputs[0, :, -1])
    np.testing.assert_allclose(step, 0.1 / np.std(np.arange(600) / 10))
    with pytest.raises(DataError, match=r"no times.*Set the option 'rate'"):
        make(RNG, recording=table(tmp_path, rows, "x"))


def test_columns_of_a_table(tmp_path: Path) -> None:
    task = ramp(tmp_path, columns=["y"])
    assert task.inputs == 12
    assert np.all(np.diff(task.train(0).inputs[0, :, -1]) < 0)
    assert task.origin["data_file"] == "belt.csv"


@pytest.mark.usefixtures("real_data")
def test_persistence_on_the_real_belt() -> None:
    if not DATASET.is_kept():
        pytest.skip("real data not fetched here: neuro-rtrl data fetch breathing")
    values = DATASET.load()["values"]
    scaled = (values - values.mean()) / values.std()
    assert np.sqrt(np.mean((scaled[5:] - scaled[:-5]) ** 2)) == pytest.approx(0.735, abs=1e-3)
    found = make(RNG, horizons=[0.1, 0.5, 2.1]).baselines()
    np.testing.assert_allclose(found["persistence"], [0.158, 0.748, 1.771], atol=1e-3)
    np.testing.assert_allclose(found["linear"], [0.050, 0.352, 0.885], atol=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"horizons": []}, "horizons"),
        ({"horizons": 0.5}, "horizons.*a list of times"),
        ({"horizons": [0.25]}, "horizons.*tenths of a second"),
        ({"horizons": [0.0]}, "horizons"),
        ({"history": 0.0}, "history: .*at least 0.1 s"),
        ({"training": 600.0}, "too short; given: 600 s, 600 s of it for training"),
    ],
)
def test_wrong_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(DescriptionError, match=message):
        make(RNG, **options)  # type: ignore[arg-type]


def test_a_constant_cannot_be_normalised(tmp_path: Path) -> None:
    rows = [f"{t / 10},1" for t in range(900)]
    with pytest.raises(DescriptionError, match="a moving signal"):
        make(RNG, recording=table(tmp_path, rows, "time,x"))
