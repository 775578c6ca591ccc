"""The gradient since the last update: what lanes have handed over, and what they still hold.

A lane gathers a gradient where it is at hand, by column or by source, and hands it over when its
stream ends: that costs a pass over all parameters. Where steps come one by one, and nobody asks for
the gradient in between, lanes that can (`holds`) hold it back until somebody does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from neuro_rtrl.kernels.stream import Stream


class Gathered:
    """The sum of what lanes add, each times its share."""

    def __init__(self, size: int) -> None:
        """Nothing yet; `size` is the number of parameters."""
        self.sum, self._part = np.zeros((2, size))
        self.held = False

    def place(self, share: float, begun: bool) -> np.ndarray:
        """Where a lane adds its gradient (parameters,); `begun`: it has added some of it already.

        That is the sum itself where it is not to be scaled: parameters are many.
        """
        if share == 1.0:
            return self.sum
        if not begun:
            self._part[:] = 0.0
        return self._part

    def close(self, share: float, held: bool) -> None:
        """A lane has added its gradient, or holds it."""
        self.held |= held
        if share != 1.0:
            self.add(share, self._part)

    def add(self, share: float, gradient: np.ndarray) -> None:
        """Adds a gradient (parameters,) that was summed elsewhere."""
        with np.errstate(over="ignore", invalid="ignore"):  # noticed at the update
            self.sum += share * gradient

    def collect(self, lanes: Sequence[Any], nothing: Callable[[], Stream]) -> np.ndarray:
        """The sum with all that lanes hold, which they add where a stream has no sequences."""
        if self.held:
            self.held = False
            for lane in lanes:
                lane.advance(nothing(), self.sum, False)
        return self.sum

    def forget(self) -> None:
        """Nothing was added; nothing is held by lanes that were restarted or have been asked."""
        self.sum[:] = 0.0
        self.held = False
