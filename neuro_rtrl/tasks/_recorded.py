"""What tasks made of recorded data have in common: parts, provenance, classes by vote."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neuro_rtrl.contracts import Trial
from neuro_rtrl.errors import unknown
from neuro_rtrl.tasks._common import Draw, Measure, stream

PARTS = ("test", "validation")
"""What a task can be tested on."""


@dataclass(frozen=True)
class RecordedTask:
    """A task whose batches are drawn from recordings, with a held-out part that stays as it is.

    Attributes:
        draw: makes a training batch.
        held_out: the trial that tests.
        measure: the score.
        inputs, outputs: widths of a trial.
        batch: sequences in a training batch.
        key: tells the streams of one task from those of another.
        origin: what a run's file says of the data.
    """

    draw: Draw
    held_out: Trial
    measure: Measure
    inputs: int
    outputs: int
    batch: int
    key: int
    origin: Mapping[str, str]

    def train(self, iteration: int) -> Trial:
        """The batch of an iteration; no order of calls is assumed."""
        return self.draw(stream(self.key, 0, iteration), self.batch)

    def test(self) -> Trial:
        """The held-out trial."""
        return self.held_out

    def score(self, predictions: np.ndarray, trial: Trial) -> float:
        """The task's figure of merit of predictions (batch, steps, outputs)."""
        return self.measure(predictions, trial)


def need_part(task: str, tested_on: str) -> None:
    """Refuses what is neither "test" nor "validation".

    Raises:
        DescriptionError: it is neither.
    """
    if tested_on not in PARTS:
        raise unknown("part", tested_on, PARTS, where=f"{task}: tested_on")


def own_file(path: Path, kind: str) -> dict[str, str]:
    """The provenance of a user's own file: its name without the folder, and its checksum."""
    return {
        "data": kind,
        "data_file": path.name,
        "data_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def evenly(count: int, wanted: int) -> np.ndarray:
    """At most `wanted` of the numbers 0 .. count - 1, as far apart as can be.

    >>> evenly(10, 3).tolist(), evenly(2, 5).tolist()
    ([0, 4, 9], [0, 1])
    """
    return np.linspace(0, count - 1, min(count, wanted)).astype(np.int64)


def voted_classes(predictions: np.ndarray, trial: Trial) -> float:
    """Fraction of sequences whose class is named by the logits of all steps with a target.

    The class with the largest sum of logits is that of the largest product of probabilities, as
    the norm of a softmax is the same for all classes of a step.

    >>> trial = Trial(np.zeros((1, 2, 1)), np.array([[[0.0, 1.0], [0.0, 1.0]]]))
    >>> voted_classes(np.array([[[1.0, 0.0], [0.0, 3.0]]]), trial)
    1.0
    """
    asked = np.isfinite(trial.targets[:, :, :1])
    votes = np.where(asked, predictions, 0).sum(axis=1)
    return float(np.mean(votes.argmax(axis=1) == classes(trial)))


def classes(trial: Trial) -> np.ndarray:
    """The class of each sequence, from its one-hot targets."""
    return np.nan_to_num(trial.targets).sum(axis=1).argmax(axis=1)


def one_hot_at(labels: np.ndarray, asked: np.ndarray, outputs: int) -> np.ndarray:
    """Targets (sequences, steps, outputs): one-hot where `asked` (sequences, steps), else NaN."""
    targets = np.full((*asked.shape, outputs), np.nan)
    targets[asked] = np.eye(outputs)[np.repeat(labels, asked.sum(axis=1))]
    return targets


def last_steps(lengths: np.ndarray, steps: int, asked: int) -> np.ndarray:
    """Which steps have a target: the last `asked` of each length; all of it if `asked` is 0.

    >>> last_steps(np.array([2, 3]), 3, 1).astype(int).tolist()
    [[0, 1, 0], [0, 0, 1]]
    """
    step, end = np.arange(steps), lengths[:, None]
    return (step < end) & (step >= (end - asked if asked else 0))
