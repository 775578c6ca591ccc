"""Finite differences of the smoothed network, in some directions of its learned values.

    dL/dv ~ (L(theta + e v) - L(theta - e v)) / 2e

For each learned array the directions are single entries, drawn at random, and one through all of
its entries at once with random signs, so that no entry goes unseen. Psi has kinks (a triangle has
three), and a difference across one is wrong; so there are several steps e, and the nearest counts:
a wrong gradient agrees with none of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neuro_rtrl.checks_smoothed import Noise, Values, smoothed_losses
from neuro_rtrl.network.describe import Network

ENTRIES = 8
STEPS = (1e-5, 1e-6, 1e-7, 1e-8, 1e-9)
# Numbers that the weights of all copies of a network may take together.
ROOM = 4_000_000


@dataclass(frozen=True)
class Direction:
    """A direction in one learned array, and the size by which its steps are scaled."""

    name: str
    vector: np.ndarray
    size: float


def directions(values: Values, steep: dict[str, float], seed: int = 0) -> list[Direction]:
    """Single entries of each array, and all of it with random signs.

    Args:
        values: learned name -> its present values. Steps are scaled by the largest.
        steep: learned name -> the scale where all values are 0: that at which the loss changes by
            as much as it is, because arrays have units of their own (1 pA is 1e-12).
        seed: of the draws.
    """
    rng, made = np.random.default_rng(seed), []
    for name, array in values.items():
        size = float(np.abs(array).max(initial=0.0)) or steep[name]
        for i in sorted(rng.choice(array.size, min(ENTRIES, array.size), replace=False)):
            made.append(Direction(name, np.eye(1, array.size, i)[0], size))
        made.append(Direction(name, rng.choice([-1.0, 1.0], array.size), size))
    return made


def differences(
    net: Network,
    values: Values,
    inputs: np.ndarray,
    targets: np.ndarray,
    loss: str,
    chosen: list[Direction],
) -> np.ndarray:
    """Derivatives of the mean loss of each step, by finite differences.

    Args:
        net: the network.
        values: learned name -> its present values.
        inputs: (batch, steps, inputs).
        targets: (batch, steps, outputs).
        loss: as for `Learner`.
        chosen: the directions.

    Returns:
        (step sizes, directions, steps)
    """
    found = np.zeros((len(STEPS), len(chosen), inputs.shape[1]))
    for e, step in enumerate(STEPS):
        for first, part in _parts(values, chosen):
            moved, noise = _moved(values, part, step), Noise(net.seed)
            total = sum(
                smoothed_losses(net, x, y, loss, moved, noise)
                for x, y in zip(inputs, targets, strict=True)
            )
            rise = np.asarray(total)[1::2] - np.asarray(total)[2::2]
            lengths = np.array([2.0 * step * d.size for d in part])
            found[e, first : first + len(part)] = rise / lengths[:, None] / len(inputs)
    return found


def _parts(values: Values, chosen: list[Direction]) -> Iterator[tuple[int, list[Direction]]]:
    """As many directions at once as there is room for."""
    numbers = sum(array.size for array in values.values())
    at_once = max(1, ROOM // (2 * max(numbers, 1)))
    for first in range(0, len(chosen), at_once):
        yield first, chosen[first : first + at_once]


def _moved(values: Values, part: list[Direction], step: float) -> Values:
    """The present values, then a step forwards and one backwards in each direction."""
    moved = {k: np.repeat(v[None].astype(float), 2 * len(part) + 1, 0) for k, v in values.items()}
    for i, direction in enumerate(part):
        change = step * direction.size * direction.vector
        moved[direction.name][2 * i + 1] += change
        moved[direction.name][2 * i + 2] -= change
    return moved
