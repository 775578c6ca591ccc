"""Delayed XOR: two bits far apart in time, and at the end whether they differ.

A temporal form of exclusive or, the smallest problem that needs both memory and a hidden layer
(Elman 1990, "Finding structure in time", Cognitive Science 14:179, has it without the delay).
With a and b fair bits, the target at the end is a (1 - b) + (1 - a) b. Three input lines: "0", "1"
and "answer"; loss "bce".
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.contracts import Trial
from neuro_rtrl.tasks._common import DrawnTask, need, need_counts, new_key, right_signs


def make(
    rng: np.random.Generator,
    *,
    batch: int = 32,
    cue: int = 5,
    delay: int = 20,
    test_size: int = 128,
) -> DrawnTask:
    """The delayed XOR task.

    Args:
        rng: source of the bits.
        batch: sequences in a training batch.
        cue: steps in which each bit is shown; so long, too, is the answer asked for.
        delay: silent steps after each of the two bits.
        test_size: sequences of the held-out batch.

    Raises:
        DescriptionError: a number lies outside its range.

    The score is the fraction of steps with a target whose logit has the right sign.

    >>> trial = make(np.random.default_rng(0), cue=1, delay=2).train(0)
    >>> trial.inputs.shape, np.isfinite(trial.targets[0, :, 0]).astype(int).tolist()
    ((32, 7, 3), [0, 0, 0, 0, 0, 0, 1])
    """
    need_counts("delayed_xor", batch=batch, cue=cue, test_size=test_size)
    need(delay >= 0, "delayed_xor: delay", delay, "a whole number from 0")

    def draw(source: np.random.Generator, sequences: int) -> Trial:
        pairs = source.integers(2, size=(sequences, 2))
        starts = [place * (cue + delay) for place in range(3)]
        inputs = np.zeros((sequences, starts[2] + cue, 3))
        targets = np.full((sequences, starts[2] + cue, 1), np.nan)
        for start, bit in zip(starts[:2], pairs.T, strict=True):
            inputs[np.arange(sequences), start : start + cue, :2] = np.eye(2)[bit][:, None]
        inputs[:, starts[2] :, 2] = 1
        # a (1 - b) + (1 - a) b
        targets[:, starts[2] :, 0] = (pairs[:, 0] != pairs[:, 1])[:, None]
        return Trial(inputs, targets)

    return DrawnTask(draw, right_signs, 3, 1, batch, test_size, new_key(rng))
