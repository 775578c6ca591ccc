"""The public nouns of what lanes carry forward: influence, traces, and what stands for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np

    from neuro_rtrl.contracts import Rule


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


@runtime_checkable
class Holding(Protocol):
    """What a lane offers besides, if it can hold back the gradient that it has gathered.

    Where `stream.holds[0]` is 1 it adds nothing; the next stream where that is 0, though it may
    have no sequences, brings all of it (engine/gathered.py).
    """

    holds: bool


@runtime_checkable
class Readable(Protocol):
    """What a lane offers besides, if rows of its influence matrix can be looked at."""

    run: Any

    @property
    def readable(self) -> bool:
        """Whether this very lane keeps rows (some options of a rule replace them)."""
        ...

    def settle(self) -> None:
        """Brings all that is stored up to the last step."""
        ...

    def row(self, unit: int) -> Iterable[tuple[np.ndarray, np.ndarray]]:
        """Parts that add up to the rows of a unit's states, once they are settled.

        Args:
            unit: its number in the whole network.

        Returns:
            (entries,) numbers of learned values, and (states, entries) derivatives, of each part.
        """
        ...


@runtime_checkable
class Waiting(Protocol):
    """What a lane offers besides, if influence waits in it, for powers of constant flows, or to be
    put together from a window of steps."""

    def put_together(self) -> None:
        """Influence is in arrays that a state keeps: somebody may keep the state."""
        ...

    def catch_up(self) -> None:
        """Nothing waits for a flow: flows are about to change."""
        ...

    def take_flows(self) -> None:
        """They have changed: whatever was copied from `Units` is copied again."""
        ...


@runtime_checkable
class Sharing(Protocol):
    """What a lane offers besides, if it need not matter which of several runs a sequence."""

    @property
    def shares(self) -> bool:
        """Whether a sequence depends on nothing that was in this very lane before, but `pace`."""
        ...

    @property
    def pace(self) -> np.ndarray:
        """Numbers by which it decides how to run the next sequence; others may write them."""
        ...


@runtime_checkable
class Sized(Protocol):
    """What a rule offers besides, if its lanes keep more than states and events."""

    @property
    def at_once(self) -> bool:
        """Whether a lane takes all of it with its first sequence, not as influence comes alive."""
        ...

    def most_bytes(self, built: Any, shared: Any, precision: str, steps: int) -> int:
        """Bytes that it may grow to in one lane.

        Args:
            built: the network.
            shared: what `Rule.prepare` made of it.
            precision: of the influence matrix.
            steps: of a sequence.
        """
        ...


@runtime_checkable
class Remembering(Protocol):
    """What a rule offers besides, if it has a cheaper way that holds for fixed weights only."""

    def with_changing_weights(self) -> Rule:
        """The rule whose rows hold what weights brought at the time."""
        ...
