"""The public nouns of updates within kernels: optimizers and lanes that learn without Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np


@runtime_checkable
class Stepping(Protocol):
    """What an optimizer offers besides, if kernels can take its steps.

    Attributes:
        steps: has `within(learned, total, every, updates)`, which gives the table of a kernel that
            takes so many steps (kernels/descent.py), and `close(table)`, which counts them.
    """

    steps: Any


@runtime_checkable
class Updating(Protocol):
    """What a lane offers besides, if its kernel can update the weights between two steps."""

    def learns(self, every: int) -> bool:
        """Whether it does so where an update is due every so many steps."""
        ...

    def learn(self, stream: Any, gradient: np.ndarray, descent: Any) -> bool:
        """As `Lane.advance` without `restart`, with updates of a `Stepping` optimizer.

        It stops where a gradient or a learned value is not finite, which its caller has to see.
        """
        ...
