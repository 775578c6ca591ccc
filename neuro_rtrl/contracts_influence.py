"""The public nouns of what lanes carry forward: influence, traces, and what stands for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Carried:
    """One array that a lane carries from step to step.

    Attributes:
        what: for messages: "influence", "the trace of a readout's filter".
        array: the array itself, of any shape; whoever looks may set it to zero.
        whose: place in the flat array -> whose it is, for messages: "hidden, unit 3".
    """

    what: str
    array: np.ndarray
    whose: Callable[[int], str]


@runtime_checkable
class Carrying(Protocol):
    """What a lane offers besides, if it carries anything but states from step to step.

    Whatever is listed is looked at while a network learns: numbers that are not finite stop the
    run, those that grow without bound are warned of (engine/guard.py).
    """

    def carried(self) -> Iterable[Carried]:
        """All such arrays, as they are now."""
        ...
