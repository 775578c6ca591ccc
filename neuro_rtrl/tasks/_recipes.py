"""Random draws of published recipes that are defined by a seed of NumPy's old generator.

Numbers of the old generator depend on nothing but the seed and the order of the draws, so a recipe
that names both is a fixed set of numbers: results can be compared digit by digit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

LARGEST_SEED = 2**32 - 1


def rounded(array: np.ndarray) -> np.ndarray:
    """float64 numbers that float32 can hold: the recipes draw in double, and keep single precision.

    >>> bool(rounded(np.array([0.1]))[0] == np.float32(0.1))
    True
    """
    return array.astype(np.float32).astype(np.float64)


def no_loops(recurrent: np.ndarray) -> np.ndarray:
    """Square weights (units, units) without those of a unit to itself."""
    return recurrent * (1 - np.eye(len(recurrent)))


class Sequence:
    """Draws that follow each other, any of which can be asked for again.

    Args:
        source: its state now is where draw 0 begins; it is not changed.
        advance: makes one draw, of which only the change of the source counts.

    >>> draws = Sequence(np.random.RandomState(1), lambda source: source.rand())
    >>> bool(draws.at(2).rand() == np.random.RandomState(1).rand(3)[2])
    True
    """

    def __init__(
        self, source: np.random.RandomState, advance: Callable[[np.random.RandomState], Any]
    ) -> None:
        self._states: list[Any] = [source.get_state()]
        self._advance = advance

    def at(self, number: int) -> np.random.RandomState:
        """A source that stands where draw `number` begins."""
        source = np.random.RandomState()
        source.set_state(self._states[min(number, len(self._states) - 1)])
        while len(self._states) <= number:
            self._advance(source)
            self._states.append(source.get_state())
        return source
