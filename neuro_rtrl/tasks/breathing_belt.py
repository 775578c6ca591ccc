"""Breathing belt: where will the chest be a moment from now?

The protocol of Pohl et al. (arXiv 2106.01100 and 2403.01607), who forecast markers on the chest for
radiotherapy: 10 samples a second; a network sees the last frames (the signal history) and predicts
the position some horizon h ahead; training and validation end after the first minute, the rest
tests. The figure of merit is the normalised root mean square error of each horizon,

    nRMSE_h = sqrt(sum_t |x(t + h) - y(t)|^2 / sum_t |x(t + h) - mean|^2)

so 1 is as good as knowing the mean. With `online`, as in the papers, the network goes on learning
after the first minute, and is scored by what it predicts from then on. The error of a forecast is
known h later: the optimizer "delayed_sgd" with a delay of 10 h keeps to that, any other learns from
the future. Without `online` it is tested with the weights of the end of training. Positions have
mean 0 and variance 1 over the training part. The recording is the belt of the data set "breathing",
or a table of one's own. Loss: "mse".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuro_rtrl.contracts import Trial
from neuro_rtrl.datasets import csv_recording
from neuro_rtrl.datasets.breathing import DATASET
from neuro_rtrl.errors import DataError, DescriptionError
from neuro_rtrl.tasks._common import need
from neuro_rtrl.tasks._recorded import need_part, own_file

RATE = 10.0
"""Samples per second."""
WARM_UP = 100
"""Steps before a tested part, without targets, in which a network forgets its initial state."""
RIDGE = 1e-3
"""Of the linear baseline, in units of the variance."""


@dataclass(frozen=True)
class BreathingBelt:
    """The forecasting task; see `make`. Every iteration is the same trial.

    Attributes:
        trial, held_out: one sequence each.
        inputs: frames of the history times channels.
        outputs: horizons times channels; the channels of the first horizon come first.
        horizons: in steps.
        prequential: whether it is scored while it learns: the training trial is the whole
            recording, then.
        scored_from: first step of `held_out` that counts.
        origin: what a run's file says of the recording.
    """

    trial: Trial
    held_out: Trial
    inputs: int
    outputs: int
    horizons: tuple[int, ...]
    prequential: bool
    scored_from: int
    origin: Mapping[str, str]

    def train(self, iteration: int) -> Trial:
        """The training part (`online`: the whole), whatever the `iteration`."""
        return self.held_out if self.prequential else self.trial

    def test(self) -> Trial:
        """The held-out part (`online`: the whole)."""
        return self.held_out

    def score(self, predictions: np.ndarray, trial: Trial) -> float:
        """1 - (mean nRMSE of the horizons); 1 is perfect, 0 as good as the mean."""
        return 1 - float(np.mean(self.errors(predictions, trial)))

    def errors(self, predictions: np.ndarray, trial: Trial) -> np.ndarray:
        """nRMSE (horizons,) of predictions (1, steps, outputs)."""
        asked = np.isfinite(trial.targets).all(axis=2)
        if trial is not self.trial:
            asked[:, : self.scored_from] = False
        targets, made = trial.targets[asked], predictions[asked]
        wrong, spread = (made - targets) ** 2, (targets - targets.mean(axis=0)) ** 2
        by_horizon = [x.sum(axis=0).reshape(len(self.horizons), -1) for x in (wrong, spread)]
        return np.sqrt(by_horizon[0].sum(axis=1) / by_horizon[1].sum(axis=1))

    def baselines(self) -> dict[str, np.ndarray]:
        """nRMSE (horizons,) on the held-out part of two predictors without a network.

        Returns:
            `persistence`: it stays where it is; `linear`: ridge regression on the history, fitted
            to the training part.
        """
        channels = self.outputs // len(self.horizons)
        newest = np.tile(self.held_out.inputs[:, :, -channels:], len(self.horizons))
        asked = np.isfinite(self.trial.targets[0]).all(axis=1)
        x, y = _with_one(self.trial.inputs[0][asked]), self.trial.targets[0][asked]
        # w = (X'X + r n 1)^-1 X'y
        weights = np.linalg.solve(x.T @ x + RIDGE * len(x) * np.eye(x.shape[1]), x.T @ y)
        linear = (_with_one(self.held_out.inputs[0]) @ weights)[None]
        return {
            "persistence": self.errors(newest, self.held_out),
            "linear": self.errors(linear, self.held_out),
        }


def make(
    rng: np.random.Generator,
    *,
    recording: str = "",
    columns: list[Any] | None = None,
    rate: float = 0.0,
    horizons: list[float] | None = None,
    history: float = 1.2,
    training: float = 60.0,
    online: bool = False,
    tested_on: str = "test",
) -> BreathingBelt:
    """Forecasting a breathing belt.

    Args:
        rng: nothing is random here; every task takes one.
        recording: path of a table (see `datasets/csv_recording.py`); empty: the data set.
        columns: channels of the table, by name or number; None: all.
        rate: samples per second of a table without times. Other rates than 10 are brought to it by
            linear interpolation, so filter before if there is much noise.
        horizons: seconds ahead, 0.1 to 2.1 in the papers; None: 0.5 alone.
        history: seconds of signal that are seen at each step.
        training: seconds at the beginning that train.
        online: go on learning in the tested part; one iteration is one pass through all.
        tested_on: "test": all that comes after `training`; "validation": the second half of
            `training`, which then does not train.

    Raises:
        DescriptionError: a number outside its range.
        DataError: the table cannot be read, or the data have not been fetched.

    The score is 1 - nRMSE, averaged over the horizons.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rows = [f"{t/10},{np.sin(t/7)}" for t in range(900)]
    ...     _ = Path(folder, "belt.csv").write_text("\\n".join(["time,chest", *rows]))
    ...     task = make(np.random.default_rng(0), recording=folder + "/belt.csv")
    >>> task.train(0).inputs.shape, task.test().inputs.shape, bool(task.baselines()["linear"] < 0.1)
    ((1, 584, 12), (1, 384, 12), True)
    """
    need_part("breathing_belt", tested_on)
    for option, seconds in (("history", history), ("training", training)):
        need(seconds * RATE >= 1, f"breathing_belt: {option}", seconds, "at least 0.1 s")
    ahead = _steps(horizons)
    values, origin = _signal(recording, columns, rate)
    end = round(training * RATE)
    begin = end // 2 if tested_on == "validation" else end
    stop = end if tested_on == "validation" else len(values)
    frames = round(history * RATE)
    needed = frames + max(ahead)
    if not (begin > needed and stop - begin > needed):
        raise DescriptionError(
            "the recording is too short",
            where="breathing_belt",
            given=f"{len(values) / RATE:g} s, {begin / RATE:g} s of it for training",
            expected=f"more than {needed / RATE:g} s (history and horizon) in either part",
        )
    mean, deviation = values[:begin].mean(axis=0), values[:begin].std(axis=0)
    need(bool(np.all(deviation > 0)), "breathing_belt: training", "a constant", "a moving signal")
    scaled = (values - mean) / deviation
    trial = _windows(scaled[:begin], frames, ahead, frames - 1)
    first = 0 if online else max(begin - WARM_UP, 0)
    whole = _windows(scaled[first:stop], frames, ahead, 0 if online else begin - first)
    widths = frames * values.shape[1], len(ahead) * values.shape[1]
    scored_from = begin - first - (frames - 1)
    return BreathingBelt(trial, whole, *widths, ahead, online, scored_from, origin)


def _steps(horizons: Sequence[float] | None) -> tuple[int, ...]:
    given = [0.5] if horizons is None else horizons
    expected = "a list of times from 0.1 s on, in tenths of a second"
    numbers = isinstance(given, (list, tuple)) and all(isinstance(h, (int, float)) for h in given)
    need(numbers and len(given) > 0, "breathing_belt: horizons", given, expected)
    steps = tuple(round(h * RATE) for h in given)
    exact = all(s >= 1 and abs(s - h * RATE) < 1e-6 for s, h in zip(steps, given, strict=True))
    need(exact, "breathing_belt: horizons", given, expected)
    return steps


def _signal(
    path: str, columns: list[Any] | None, rate: float
) -> tuple[np.ndarray, Mapping[str, str]]:
    """Positions (samples, channels), ten a second, and their provenance."""
    if not path:
        return DATASET.load()["values"][:, None], DATASET.provenance()
    read = csv_recording.read(path, columns=columns)
    time = read.time
    if time is None:
        if not rate > 0:
            raise DataError(
                "the recording has no times",
                where=path,
                given="no column named time",
                expected="a column of times, or samples per second",
                remedy="Set the option 'rate'.",
            )
        time = np.arange(len(read.values)) / rate
    grid = np.arange(int(time[-1] * RATE + 1e-9) + 1) / RATE
    even = np.stack([np.interp(grid, time, channel) for channel in read.values.T], axis=1)
    return even, own_file(Path(path), "csv_recording")


def _windows(signal: np.ndarray, frames: int, ahead: tuple[int, ...], asked_from: int) -> Trial:
    """Histories and what follows them, one step for each sample that has both.

    Args:
        signal: (samples, channels).
        asked_from: first sample with a target.
    """
    last = len(signal) - max(ahead)
    now = np.arange(frames - 1, last)
    # Oldest frame first; the channels of a frame lie together.
    seen = signal[now[:, None] + np.arange(1 - frames, 1)].reshape(len(now), -1)
    coming = np.concatenate([signal[now + h] for h in ahead], axis=1)
    coming[now < asked_from] = np.nan
    return Trial(seen[None], coming[None])


def _with_one(x: np.ndarray) -> np.ndarray:
    return np.concatenate([x, np.ones((len(x), 1))], axis=1)
