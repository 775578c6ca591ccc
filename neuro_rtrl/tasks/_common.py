"""What several tasks need: tasks whose batches are drawn by a function, checks, scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neuro_rtrl.contracts import Trial
from neuro_rtrl.errors import DescriptionError

Draw = Callable[[np.random.Generator, int], Trial]
"""(source of randomness, number of sequences) -> a batch."""

Measure = Callable[[np.ndarray, Trial], float]
"""(predictions, trial) -> score."""


@dataclass(frozen=True)
class DrawnTask:
    """A task whose batches are drawn when they are asked for, each from its own stream.

    Attributes:
        draw: makes a batch.
        measure: the score.
        inputs, outputs: widths of a trial.
        batch: sequences in a training batch.
        test_size: sequences in the held-out batch.
        key: tells the streams of one task from those of another; see `new_key`.
    """

    draw: Draw
    measure: Measure
    inputs: int
    outputs: int
    batch: int
    test_size: int
    key: int

    def train(self, iteration: int) -> Trial:
        """The batch of an iteration; no order of calls is assumed."""
        return self.draw(stream(self.key, 0, iteration), self.batch)

    def test(self) -> Trial:
        """The held-out batch, drawn once."""
        return self._held_out

    @cached_property
    def _held_out(self) -> Trial:
        return self.draw(stream(self.key, 1), self.test_size)

    def score(self, predictions: np.ndarray, trial: Trial) -> float:
        """The task's figure of merit of predictions (batch, steps, outputs)."""
        return self.measure(predictions, trial)


def new_key(rng: np.random.Generator) -> int:
    """A number that no other task drawn from `rng` has."""
    return int(rng.integers(2**62))


def stream(key: int, *numbers: int) -> np.random.Generator:
    """The source of randomness with that name.

    >>> float(stream(3, 0, 7).random()) == float(stream(3, 0, 7).random())
    True
    """
    return np.random.default_rng([key, *numbers])


def need(good: bool, where: str, given: object, expected: str) -> None:
    """Refuses a value.

    Args:
        good: whether it is accepted.
        where: "TASK: OPTION".

    Raises:
        DescriptionError: it is not.
    """
    if not good:
        raise DescriptionError(
            "the value is out of range", where=where, given=given, expected=expected
        )


def need_counts(task: str, **counts: int) -> None:
    """Refuses numbers of things below 1.

    Raises:
        DescriptionError: one of them is.
    """
    for option, given in counts.items():
        need(given >= 1, f"{task}: {option}", given, "a whole number of at least 1")


def right_signs(predictions: np.ndarray, trial: Trial) -> float:
    """Fraction of targets (0 or 1) that the sign of a logit tells, of those that are not NaN."""
    asked = np.isfinite(trial.targets)
    return float(np.mean((predictions[asked] > 0) == (trial.targets[asked] > 0.5)))


def right_classes(predictions: np.ndarray, trial: Trial) -> float:
    """Fraction of one-hot targets at which the largest logit stands, of those that are not NaN."""
    asked = np.isfinite(trial.targets[:, :, 0])
    return float(np.mean(predictions[asked].argmax(axis=1) == trial.targets[asked].argmax(axis=1)))


def explained(predictions: np.ndarray, trial: Trial) -> float:
    """1 - (mean squared error)/(variance of the targets); 1 is perfect, 0 the best constant.

    >>> trial = Trial(np.zeros((1, 3, 1)), np.array([[[1.0], [np.nan], [3.0]]]))
    >>> explained(np.full((1, 3, 1), 2.0), trial)
    0.0
    """
    asked = np.isfinite(trial.targets).all(axis=2)
    targets, made = trial.targets[asked], predictions[asked]
    return float(1 - np.mean((made - targets) ** 2) / np.mean((targets - targets.mean(0)) ** 2))
