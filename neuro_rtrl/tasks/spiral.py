"""Spirals: tell clockwise from anticlockwise inward spirals at the end of the sequence.

Protocol of A. Subramoney 2023 (arXiv 2303.05641, section 4), which takes its data from the RNN
example of Kidger & Garcia 2021 (Equinox): with t the 17 points of linspace(0, 2 pi) and an offset
o drawn once per sample, x1 = sin(t + o)/(1 + t) (equation for one arm; mirrored for label 0) and
x2 = cos(t + o)/(1 + t).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuro_rtrl.contracts import Trial
from neuro_rtrl.errors import DescriptionError

STEPS = 17


@dataclass(frozen=True)
class Spiral:
    """The spiral task; see `make`.

    Attributes:
        inputs, outputs: 2 coordinates, 1 logit (label 1 above 0).
    """

    sequences: np.ndarray
    labels: np.ndarray
    held_out: Trial
    batch: int
    key: int
    inputs: int = 2
    outputs: int = 1

    def train(self, iteration: int) -> Trial:
        """Batch `iteration` of a stream that shuffles the training split once per epoch."""
        per_epoch = len(self.labels) // self.batch
        epoch, place = divmod(iteration, per_epoch)
        order = np.random.default_rng([self.key, epoch]).permutation(len(self.labels))
        chosen = order[place * self.batch : (place + 1) * self.batch]
        return _trial(self.sequences[chosen], self.labels[chosen])

    def test(self) -> Trial:
        """The held-out test split."""
        return self.held_out

    def score(self, predictions: np.ndarray, trial: Trial) -> float:
        """Fraction of sequences whose last logit (batch, steps, 1) has the sign of the label."""
        said = predictions[:, -1, 0] > 0
        return float(np.mean(said == (trial.targets[:, -1, 0] > 0.5)))


def make(
    rng: np.random.Generator,
    *,
    batch: int = 32,
    samples: int = 10_000,
    test_size: int | None = None,
) -> Spiral:
    """The spiral task.

    Args:
        rng: source of the offsets, of the split and of the order of the batches.
        batch: sequences in a training batch.
        samples: spirals drawn; half of them have label 0. As in the protocol, as many are then
            drawn from them with replacement and split 70/15/15 into training, validation, test.
        test_size: sequences of the test split that `test()` returns; None for all of them.

    Raises:
        DescriptionError: a size is too small, or larger than what the samples allow.

    >>> task = make(np.random.default_rng(0), batch=4)
    >>> task.train(0).inputs.shape, task.test().inputs.shape
    ((4, 17, 2), (1500, 17, 2))
    """
    if samples < 20:
        raise _refuse("samples", samples, "a whole number of at least 20")
    training, testing = int(0.7 * samples), samples - int(0.85 * samples)
    if not 1 <= batch <= training:
        raise _refuse("batch", batch, f"1 to {training} (the training split)")
    test_size = testing if test_size is None else test_size
    if not 1 <= test_size <= testing:
        raise _refuse("test_size", test_size, f"1 to {testing} (the test split)")
    sequences, labels = _spirals(rng, samples)
    chosen = rng.integers(samples, size=samples)
    sequences, labels = sequences[chosen], labels[chosen]
    first = samples - testing
    held_out = _trial(sequences[first : first + test_size], labels[first : first + test_size])
    key = int(rng.integers(2**62))
    return Spiral(sequences[:training], labels[:training], held_out, batch, key)


def _spirals(rng: np.random.Generator, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """All spirals (samples, 17, 2) and their labels (samples,)."""
    t = np.linspace(0, 2 * np.pi, STEPS)
    angle = t + rng.uniform(0, 2 * np.pi, size=(samples, 1))
    labels = (np.arange(samples) >= samples // 2).astype(float)
    side = np.where(labels > 0, 1.0, -1.0)[:, None]
    x1, x2 = side * np.sin(angle) / (1 + t), np.cos(angle) / (1 + t)
    return np.stack([x1, x2], axis=2), labels


def _trial(sequences: np.ndarray, labels: np.ndarray) -> Trial:
    """The error is at the last step only: every earlier target is NaN."""
    targets = np.full((len(labels), STEPS, 1), np.nan)
    targets[:, -1, 0] = labels
    return Trial(sequences, targets)


def _refuse(option: str, given: int, expected: str) -> DescriptionError:
    return DescriptionError(
        "the size is out of range", where=f"spiral: {option}", given=given, expected=expected
    )
