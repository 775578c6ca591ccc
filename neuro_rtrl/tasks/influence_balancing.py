"""Influence balancing: one parameter whose influence soon and influence later have opposite signs.

The first task of Tallec & Ollivier 2018 ("Unbiased online recurrent optimization", ICLR). In the
chain of units

    s(t+1) = A s(t) + theta c,    A_ii = A_i,i+1 = 1/2,    c = (+1, ..., +1, -1, ..., -1)

the last `negative` units push against the first ones, and the loss reads unit 0 only, whose target
is 1. It rests at s_0 = 2 theta (units - 2 negative): with 23 units of which 13 are negative more
theta means less s_0, but only after as many steps as there are positive units, so that truncated
back-propagation goes the wrong way.

The task gives the constant input 1 and the constant target 1; the network is `chain`: connect the
input to a unit by the only weight that learns, theta, and that unit to the chain by c. Loss: "sse".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuro_rtrl.contracts import Trial
from neuro_rtrl.tasks._common import need, need_counts


@dataclass(frozen=True)
class InfluenceBalancing:
    """The task; see `make`. Every iteration is the same trial, as nothing in it is random."""

    trial: Trial
    inputs: int = 1
    outputs: int = 1

    def train(self, iteration: int) -> Trial:
        """The trial, whatever the `iteration`."""
        return self.trial

    def test(self) -> Trial:
        """The same trial."""
        return self.trial

    def score(self, predictions: np.ndarray, trial: Trial) -> float:
        """1 - mean (y - 1)^2 in the last tenth of the steps; 0 for a network that does nothing."""
        late = max(1, trial.targets.shape[1] // 10)
        return float(1 - np.mean((predictions[:, -late:] - trial.targets[:, -late:]) ** 2))


def make(rng: np.random.Generator, *, steps: int = 1000) -> InfluenceBalancing:
    """The influence balancing task.

    Args:
        rng: not used: nothing is random here.
        steps: length of the only sequence; the network is meant to learn within it.

    Raises:
        DescriptionError: there is no step.

    >>> trial = make(np.random.default_rng(0), steps=3).train(0)
    >>> trial.inputs[0, :, 0].tolist(), trial.targets[0, :, 0].tolist()
    ([1.0, 1.0, 1.0], [1.0, 1.0, 1.0])
    """
    need_counts("influence_balancing", steps=steps)
    return InfluenceBalancing(Trial(np.ones((1, steps, 1)), np.ones((1, steps, 1))))


def chain(units: int = 23, negative: int = 13) -> tuple[np.ndarray, np.ndarray]:
    """The network of the task.

    Args:
        units: length of the chain.
        negative: how many of its last units theta reaches with the sign -1.

    Returns:
        weights (units, units) from a unit (row) to a unit (column), the transpose of A; and the
        signs c (units,).

    Raises:
        DescriptionError: a number lies outside its range.

    >>> weights, signs = chain(3, 2)
    >>> weights.tolist(), signs.tolist()
    ([[0.5, 0.0, 0.0], [0.5, 0.5, 0.0], [0.0, 0.5, 0.5]], [1.0, -1.0, -1.0])
    """
    need_counts("influence_balancing", units=units)
    good = 0 <= negative <= units
    need(good, "influence_balancing: negative", negative, f"a whole number from 0 to {units}")
    weights = 0.5 * (np.eye(units) + np.eye(units, k=-1))
    return weights, np.where(np.arange(units) < units - negative, 1.0, -1.0)
