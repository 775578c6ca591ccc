"""Add: predict the odds of a coin that two earlier bits have loaded.

The Add task of Marschall, Cho & Savin 2020 ("A unified framework of online learning algorithms for
training recurrent neural networks", JMLR 21:135). With fair bits x(t),

    y(t) = 0.5 + 0.5 x(t - t1) - 0.25 x(t - t2)

is the probability that the label of step t is 1. Inputs are (x, 1 - x), targets the one-hot pair
(label, 1 - label), for the loss "cross_entropy". The first max(t1, t2) steps have no target.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.contracts import Trial
from neuro_rtrl.tasks._common import DrawnTask, need, need_counts, new_key, right_classes


def make(
    rng: np.random.Generator,
    *,
    batch: int = 1,
    steps: int = 100,
    t1: int = 6,
    t2: int = 10,
    bernoulli: bool = True,
    test_size: int = 32,
) -> DrawnTask:
    """The add task.

    Args:
        rng: source of the bits and labels.
        batch: sequences in a training batch.
        steps: length of a sequence, above t1 and t2.
        t1: lag of the bit that raises the odds, in steps.
        t2: lag of the bit that lowers them, in steps; another than `t1`.
        bernoulli: labels are drawn with probability y; False: the targets are (y, 1 - y).
        test_size: sequences of the held-out batch.

    Raises:
        DescriptionError: a number lies outside its range.

    The score is the fraction of labels that the larger logit names (0.5 and more: 1).

    >>> task = make(np.random.default_rng(0), steps=20)
    >>> trial = task.train(0)
    >>> trial.inputs.shape, int(np.isfinite(trial.targets[0, :, 0]).sum())
    ((1, 20, 2), 10)
    """
    need_counts("add", batch=batch, t1=t1, t2=t2, test_size=test_size)
    need(t1 != t2, "add: t2", t2, "another lag than t1")
    need(steps > max(t1, t2), "add: steps", steps, f"more than {max(t1, t2)} (the longest lag)")

    def draw(source: np.random.Generator, sequences: int) -> Trial:
        x = source.integers(2, size=(sequences, steps)).astype(float)
        targets = np.full((sequences, steps, 2), np.nan)
        first = max(t1, t2)
        # y(t) = 0.5 + 0.5 x(t - t1) - 0.25 x(t - t2)
        y = 0.5 + 0.5 * x[:, first - t1 : steps - t1] - 0.25 * x[:, first - t2 : steps - t2]
        label = (source.random(y.shape) < y).astype(float) if bernoulli else y
        targets[:, first:] = np.stack([label, 1 - label], axis=2)
        return Trial(np.stack([x, 1 - x], axis=2), targets)

    return DrawnTask(draw, right_classes, 2, 2, batch, test_size, new_key(rng))


def floors() -> tuple[float, float, float]:
    """The least mean cross-entropy (nats per step with a target), by what is known of the past.

    Returns:
        knowing nothing, knowing x(t - t1) only, knowing both bits.

    >>> [round(floor, 4) for floor in floors()]
    [0.6616, 0.5192, 0.4545]
    """
    # P(label = 1) for the four pairs (x(t - t1), x(t - t2)); all pairs are equally likely.
    odds = np.array([[0.5 + 0.5 * a - 0.25 * b for b in (0, 1)] for a in (0, 1)])
    nothing, first_only = odds.mean(), odds.mean(axis=1)
    know = (nothing, first_only, odds)
    none, first, both = (float(np.mean(entropy(np.asarray(p)))) for p in know)
    return none, first, both


def entropy(p: np.ndarray) -> np.ndarray:
    """Entropy of a coin that shows 1 with probability p, in nats."""
    q = 1 - p
    return -(p * np.log(p, where=p > 0, out=np.zeros_like(p))) - (
        q * np.log(q, where=q > 0, out=np.zeros_like(q))
    )
