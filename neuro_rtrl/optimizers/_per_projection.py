"""Settings per projection: every learned name its own optimizer, or none at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuro_rtrl.contracts import Optimizer
from neuro_rtrl.contracts_rewiring import Following
from neuro_rtrl.errors import BuildError, DescriptionError, unknown


class PerProjection:
    """Some projections, or unit parameters, are learned in another way than the rest.

    Each of the optimizers sees its own part of the gradient only: so a norm that is clipped, a
    schedule and all memory are of that part. Handed to a `Learner`, which tells it the places.

    Args:
        rest: of everything that is not named; None: it stays as it is.
        named: "projection" or "population.parameter" -> its optimizer; None: frozen.

    Raises:
        DescriptionError: the same optimizer is given twice, and would mix up what it remembers; or,
            from the learner, a name of nothing that learns.

    >>> from neuro_rtrl.optimizers.sgd import Sgd
    >>> optimizer = PerProjection(Sgd(0.1), {"in": Sgd(1.0), "out": None})
    >>> optimizer.bind({"in": np.array([0]), "out": np.array([1]), "h.bias": np.array([2])})
    >>> values = np.zeros(3)
    >>> optimizer.update(values, np.ones(3))
    >>> values.tolist()
    [-1.0, 0.0, -0.1]
    """

    def __init__(self, rest: Optimizer | None, named: Mapping[str, Optimizer | None]) -> None:
        self._optimizers: dict[str, Optimizer | None] = {**named, "": rest}
        used = [id(o) for o in self._optimizers.values() if o is not None]
        if len(set(used)) < len(used):
            raise DescriptionError(
                "an optimizer of two projections would mix up what it remembers",
                where="optimizer",
                given="the same object twice",
                expected="one for each, such as {'a': Adam(1e-3), 'b': Adam(1e-3)}",
            )
        self._places: dict[str, np.ndarray] = {}
        self._old: np.ndarray | None = None

    def bind(self, places: Mapping[str, np.ndarray]) -> None:
        """`places`: learned name -> places in the arrays that `update` is handed."""
        for name in self._optimizers:
            if name and name not in places:
                raise unknown("name of anything that learns", name, places, where="optimizer")
        named = {name: at for name, at in places.items() if name in self._optimizers}
        others = [at for name, at in places.items() if name not in named]
        rest = np.sort(np.concatenate([np.zeros(0, np.int64), *others]))
        before, self._places = self._places, {**named, "": rest}
        if self._old is not None:
            self._follow(before, self._old)
            self._old = None

    def update(self, values: np.ndarray, gradient: np.ndarray) -> None:
        """Changes `values` (p,) in place along `gradient` (p,), in the precision of `values`."""
        if not self._places:
            raise BuildError(
                "this optimizer does not know yet where the projections are",
                where="optimizer",
                given="update before bind",
                expected="Learner(net, optimizer=PerProjection(...)), which tells it",
            )
        for name, optimizer in self._optimizers.items():
            at = self._places[name]
            if optimizer is not None and at.size:
                part = values[at]
                optimizer.update(part, gradient[at])
                values[at] = part

    def follow(self, old: np.ndarray) -> None:
        """Parameter i was number `old[i]` until now; where the names are now, `bind` will say.

        Raises:
            BuildError: one of the optimizers cannot follow.
        """
        for name, optimizer in self._optimizers.items():
            if optimizer is not None and not isinstance(optimizer, Following):
                raise BuildError(
                    "this optimizer cannot follow while synapses come and go",
                    where=f"optimizer: {name or 'the rest'}",
                    given=type(optimizer).__name__,
                    expected="one with a method follow(old)",
                )
        self._old = old.copy()

    def _follow(self, before: Mapping[str, np.ndarray], old: np.ndarray) -> None:
        size = max(int(at.max(initial=-1)) for at in before.values()) + 1
        for name, optimizer in self._optimizers.items():
            following: Any = optimizer
            if following is not None:
                # One more than there are: number -1, of what is new, finds the -1 at the end.
                inside = np.full(size + 1, -1)
                inside[before[name]] = np.arange(before[name].size)
                following.follow(inside[old[self._places[name]]])
