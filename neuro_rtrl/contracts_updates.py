"""The public nouns of updates within kernels: optimizers and lanes that learn without Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np


@runtime_checkable
class Steps(Protocol):
    """The steps of an optimizer, for kernels.

    Attributes:
        of: the class whose `update` they are; one that inherits from it may do something else.
        plain: whether each is -eta times the gradient, and nothing else.
    """

    of: type
    plain: bool

    def within(self, learned: np.ndarray, total: int, every: int, updates: int) -> Any:
        """The table (kernels/descent.py) of a kernel that does so many updates of `learned` (q,),
        of `total` values, one every so many of its steps."""
        ...

    def close(self, table: Any) -> None:
        """Counts the updates that it has done."""
        ...


@runtime_checkable
class Stepping(Protocol):
    """What an optimizer offers besides, if kernels can take its steps: `steps`, as above."""

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


@runtime_checkable
class Postponing(Protocol):
    """What an `Updating` lane offers besides, if its kernel can put off plain descent after every
    step, wherever it `learns(1)`."""

    def learn_later(self, stream: Any, gradient: np.ndarray, descent: Any) -> bool:
        """As `Updating.learn`, of an optimizer whose steps are plain; `gradient` is written.

        The weights are those of now whenever it returns, which it also does in a pause.
        """
        ...
