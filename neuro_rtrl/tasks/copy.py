"""Copy: say a string of random bits again after it has ended; the strings grow as they are learned.

The copy task with curriculum of Menick et al. 2021 (arXiv 2006.07232), after Graves et al. 2014
("Neural Turing machines", arXiv 1410.5401). A sequence of length l is

    start flag, l random symbols, stop flag, l blank steps in which the symbols are asked for

so it has 2 l + 2 steps. With L the level of the curriculum, the lengths of a batch are drawn from
U{max(1, L - 5) .. L}, and L grows by one whenever a training batch has cost less than 0.15 bits for
each bit asked for. Shorter sequences end in silence without targets. Loss: "bce".
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.contracts import Trial
from neuro_rtrl.tasks._common import need, need_counts, new_key, right_signs, stream


class Copy:
    """The copy task; see `make`.

    Attributes:
        inputs, outputs: bits and two flags; one logit for each bit.
        level: L, the longest string of a training batch.
        tokens: steps of all training sequences that were reported, padding left out.
    """

    def __init__(self, key: int, width: int, level: int, curriculum: Curriculum) -> None:
        self.inputs, self.outputs = width + 2, width
        self.level, self.tokens = level, 0
        self._key, self._curriculum = key, curriculum

    def train(self, iteration: int) -> Trial:
        """The batch of an iteration: depends on the seed, `iteration` and the level."""
        rng = stream(self._key, 0, iteration)
        shortest = max(1, self.level - self._curriculum.spread)
        lengths = rng.integers(shortest, self.level + 1, size=self._curriculum.batch)
        return _trial(rng, lengths, self.level, self.outputs)

    def test(self) -> Trial:
        """A held-out batch of strings as long as the level; the same one at each time."""
        lengths = np.full(self._curriculum.test_size, self.level)
        return _trial(stream(self._key, 1, self.level), lengths, self.level, self.outputs)

    def score(self, predictions: np.ndarray, trial: Trial) -> float:
        """Fraction of bits right; under a curriculum plus the levels done, L - 1."""
        right = right_signs(predictions, trial)
        return right + (self._level_of(trial) - 1 if self._curriculum.grows else 0)

    def report(self, trial: Trial, predictions: np.ndarray) -> None:
        """Takes note of a training batch and of the logits predicted in it."""
        self.tokens += 2 * (int(np.isfinite(trial.targets[:, :, 0]).sum()) + len(trial.targets))
        self.advance(bits(predictions, trial))

    def advance(self, loss: float) -> None:
        """One level up if `loss`, in bits for each bit asked for, is below the threshold."""
        if self._curriculum.grows and loss < self._curriculum.threshold:
            self.level += 1

    def _level_of(self, trial: Trial) -> int:
        return trial.targets.shape[1] // 2 - 1


class Curriculum:
    """The numbers of the protocol.

    Args:
        batch: sequences in a training batch.
        test_size: sequences in a held-out batch.
        spread: the shortest string of a batch is that much below the longest.
        threshold: bits for each bit asked for, below which the level grows.
        grows: whether it grows at all.
    """

    def __init__(
        self, batch: int, test_size: int, spread: int, threshold: float, grows: bool
    ) -> None:
        self.batch, self.test_size, self.spread = batch, test_size, spread
        self.threshold, self.grows = threshold, grows


def make(
    rng: np.random.Generator,
    *,
    batch: int = 16,
    length: int = 1,
    width: int = 1,
    curriculum: bool = True,
    threshold: float = 0.15,
    spread: int = 5,
    test_size: int = 64,
) -> Copy:
    """The copy task.

    Args:
        rng: source of lengths and bits.
        batch: sequences in a training batch.
        length: L at the start; it stays there without a curriculum.
        width: bits in a symbol.
        curriculum: whether L grows.
        threshold: L grows when a batch costs less than that, in bits for each bit asked for.
        spread: lengths of a batch are drawn from max(1, L - spread) to L.
        test_size: sequences of the held-out batch.

    Raises:
        DescriptionError: a number lies outside its range.

    >>> task = make(np.random.default_rng(0), length=3)
    >>> task.inputs, task.train(0).inputs.shape
    (3, (16, 8, 3))
    >>> task.advance(0.1)
    >>> task.level, task.train(1).inputs.shape
    (4, (16, 10, 3))
    """
    need_counts("copy", batch=batch, length=length, width=width, test_size=test_size)
    need(threshold > 0, "copy: threshold", threshold, "a number above 0")
    need(spread >= 0, "copy: spread", spread, "a whole number from 0")
    rules = Curriculum(batch, test_size, spread, float(threshold), curriculum)
    return Copy(new_key(rng), width, length, rules)


def bits(predictions: np.ndarray, trial: Trial) -> float:
    """Mean cost of the logits, in bits for each bit asked for.

    >>> trial = Trial(np.zeros((1, 2, 3)), np.array([[[np.nan], [1.0]]]))
    >>> bits(np.zeros((1, 2, 1)), trial)
    1.0
    """
    asked = np.isfinite(trial.targets)
    y, target = predictions[asked], trial.targets[asked]
    # -log2 P(target), P(1) = 1/(1 + e^-y)
    return float(np.mean(np.logaddexp(0, y) - target * y) / np.log(2))


def _trial(rng: np.random.Generator, lengths: np.ndarray, longest: int, width: int) -> Trial:
    """Sequences of `lengths`, padded to the steps of the `longest`."""
    steps = 2 * longest + 2
    inputs = np.zeros((len(lengths), steps, width + 2))
    targets = np.full((len(lengths), steps, width), np.nan)
    for sequence, length in enumerate(lengths):
        symbols = rng.integers(2, size=(length, width)).astype(float)
        inputs[sequence, 0, width] = 1
        inputs[sequence, 1 : length + 1, :width] = symbols
        inputs[sequence, length + 1, width + 1] = 1
        targets[sequence, length + 2 : 2 * length + 2] = symbols
    return Trial(inputs, targets)
