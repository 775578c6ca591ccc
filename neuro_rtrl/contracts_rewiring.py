"""The public nouns of wiring that changes while a network learns, and of optimizers that follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np


@dataclass(frozen=True)
class Synapses:
    """One projection as a rewiring sees it.

    Attributes:
        pre, post: (synapses,) units of the source and of the target.
        weights: (synapses,) present weights.
        shape: (units of the source, units of the target).
        self_connections: whether a unit may connect to itself.
    """

    name: str
    pre: np.ndarray
    post: np.ndarray
    weights: np.ndarray
    shape: tuple[int, int]
    self_connections: bool


@dataclass(frozen=True)
class Change:
    """Which synapses of a projection stay, and which come to it (after those that stay).

    Attributes:
        keep: (synapses,) flags.
        pre, post, weights: of the new ones.
    """

    keep: np.ndarray
    pre: np.ndarray
    post: np.ndarray
    weights: np.ndarray


class Rewirer(Protocol):
    """Rewires one projection while it learns."""

    def update(self, synapses: Synapses, gradient: np.ndarray) -> Change | None:
        """Called after each update of the weights, which it may change in place.

        `gradient` (synapses,) is what that update followed. None: the wiring stays as it is.
        """
        ...


@runtime_checkable
class Rewiring(Protocol):
    """How synapses come and go. A file `rewiring/NAME.py` offers a class `REWIRING` of such."""

    def start(self, synapses: Synapses, rng: np.random.Generator) -> Rewirer:
        """What takes care of one projection, which is now as `synapses` says."""
        ...


@dataclass(frozen=True)
class Moved:
    """How parameters were renumbered when the wiring changed.

    Attributes:
        old: (parameters now,) former numbers, -1 of new ones.
        new: (parameters before,) present numbers, -1 of those that are gone.
        before: (parameters before,) values when events were last delivered.
    """

    old: np.ndarray
    new: np.ndarray
    before: np.ndarray


@runtime_checkable
class Rewirable(Protocol):
    """What a rule offers besides, if synapses may come and go while it learns; its lanes offer
    `follow(built, shared, moved)`, too.
    """

    @property
    def midway(self) -> bool:
        """Whether they may do so within a sequence, not only between sequences."""
        ...

    def follow(self, built: Any, shared: Any, moved: Moved) -> Any:
        """What all lanes share (`shared` until now), for the new wiring."""
        ...


@runtime_checkable
class Following(Protocol):
    """What an optimizer offers besides, if the parameters may be renumbered while it learns."""

    def follow(self, old: np.ndarray) -> None:
        """Parameter i was number `old[i]` until now; -1: it is new."""
        ...


@runtime_checkable
class ByName(Protocol):
    """What an optimizer offers besides, if it treats parameters by their names."""

    def bind(self, places: Mapping[str, np.ndarray]) -> None:
        """`places`: learned name -> places in the arrays that `update` is handed."""
        ...
