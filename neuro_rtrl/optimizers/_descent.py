"""What optimizers with a compiled step share: options as numbers, memory, and the kernel.

The formulas are in kernels/descent.py. Where neither a gradient nor memory moves values, blocks of
them are left alone, with results equal to the dense update to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from operator import is_not

import numpy as np

from neuro_rtrl.errors import DescriptionError, RunFileError
from neuro_rtrl.kernels.descent import (
    DONE,
    EVERY,
    MOMENTUM,
    MOST_UPDATES,
    NEXT,
    SINCE,
    STOPPED,
    Descent,
    descend,
)
from neuro_rtrl.kernels.refs import Caller
from neuro_rtrl.optimizers._options import Common

_OPTIONS = ("beta1", "beta2", "epsilon", "epsilon_hat", "decay", "clip_norm", "clip_value")
NOTHING = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Form:
    """Which formulas of kernels/descent.py an optimizer follows.

    Attributes:
        kind: MOMENTUM, MOMENTS or ROOT.
        first, second: whether it has these arrays.
    """

    kind: int
    first: bool = True
    second: bool = True


class Steps:
    """The steps of one optimizer, and what it remembers between them.

    Attributes:
        of: the class whose `update` they are.
        done: updates so far.
        plain: whether each is -eta times the gradient, and nothing else.
    """

    def __init__(self, of: type, common: Common, form: Form, **options: float) -> None:
        """No step yet; `options` are numbers of `Descent`, by name: 0 if they are not given."""
        self.of = of
        clip = {"clip_norm": common.clip.norm, "clip_value": common.clip.value}
        given = options | {name: np.inf if most is None else most for name, most in clip.items()}
        self._common, self._form = common, form
        self._options = tuple(float(given.get(name, 0.0)) for name in _OPTIONS)
        unclipped = common.clip.norm is None and common.clip.value is None
        self.plain = form.kind == MOMENTUM and self._options[0] == 0.0 and unclipped
        self.done = 0
        self._first: np.ndarray | None = None
        self._second: np.ndarray | None = None
        self._descend = Caller(descend)

    def take(self, values: np.ndarray, gradient: np.ndarray) -> None:
        """Changes `values` (p,) in place along `gradient` (p,), in the precision of `values`.

        Raises:
            DescriptionError: they have other shapes than (p,), or other values are remembered.
        """
        if values.ndim != 1 or values.shape != gradient.shape:
            given = f"{values.shape} and {gradient.shape}"
            raise DescriptionError(
                "values and their gradient have other shapes",
                where="optimizer",
                given=given,
                expected="(p,) for both",
            )
        table = self._open(values.size, values.dtype, 1, NOTHING)
        self._descend((table,), values, gradient.astype(values.dtype, copy=False))
        self.close(table)

    def within(self, learned: np.ndarray, total: int, every: int, updates: int) -> Descent:
        """For a kernel that takes so many steps of the optimizer, one `every` so many of its own.

        Args:
            learned: (q,) numbers of the values that learn, of `total` float64 values.
            every: steps of the network from one update to the next.
            updates: up to `MOST_UPDATES`.
        """
        some = learned if learned.size < total else NOTHING
        table = self._open(learned.size, np.dtype(float), updates, some)
        table.clock[EVERY], table.clock[SINCE], table.clock[STOPPED] = every, 0, 0
        return table

    def close(self, table: Descent) -> None:
        """Counts the updates that a kernel has done so far."""
        self.done = int(table.clock[DONE] + table.clock[NEXT])

    def follow(self, old: np.ndarray) -> None:
        """Parameter i was number `old[i]` until now; -1: it is new, and nothing moves it."""
        if self._first is not None and self._second is not None:
            self._first = followed(self._first, old) if self._form.first else self._first
            self._second = followed(self._second, old) if self._form.second else self._second

    def _open(self, size: int, kind: np.dtype, updates: int, learned: np.ndarray) -> Descent:
        """The table, ready for the next updates.

        Raises:
            RunFileError: the number of updates came from a checkpoint that no run has written.
            DescriptionError: it has been used for values of another number or precision.
        """
        if self.done < 0:
            given = self.done
            raise RunFileError("a negative number of updates", given=given, expected="0 or more")
        sizes = [size if has else 0 for has in (self._form.first, self._form.second)]
        if self._first is None or self._second is None:
            self._first, self._second = (np.zeros(n, kind) for n in sizes)
        there = [(one.shape, one.dtype) for one in (self._first, self._second)]
        if there != [((n,), kind) for n in sizes]:
            raise DescriptionError(
                "this optimizer remembers other values",
                where="optimizer",
                given=f"{size} values ({kind})",
                expected=f"{max(shape for shape, _ in there)[0]} ({there[0][1]}), as before",
                remedy="Make a new optimizer for each network.",
            )
        table = self._table(self._first, self._second, learned)
        table.clock[DONE], table.clock[NEXT] = self.done, 0
        self._common.pace.fill(table.rate[:updates], self.done)
        return table

    def _table(self, first: np.ndarray, second: np.ndarray, learned: np.ndarray) -> Descent:
        """The last one, if it is of these arrays: kernels are told of it once."""
        last, arrays = self._tables.get("last"), (first, second, learned)
        if last is not None and not any(map(is_not, arrays, last[4:7])):
            return last
        self._tables["last"] = made = Descent(
            kind=np.array([self._form.kind]),
            numbers=np.array(self._options),
            clock=np.zeros(5, np.int64),
            rate=np.zeros(MOST_UPDATES),
            first=first,
            second=second,
            learned=learned,
            values=np.zeros(learned.size),
            gradient=np.zeros(learned.size),
        )
        return made

    @cached_property
    def _tables(self) -> dict[str, Descent]:
        """What follows from the rest, and is no part of a checkpoint."""
        return {}


def followed(state: np.ndarray, old: np.ndarray) -> np.ndarray:
    """`state` in a new numbering; what is new starts at 0.

    >>> followed(np.array([1.0, 2.0, 3.0]), np.array([2, -1, 0]))
    array([3., 0., 1.])
    """
    made = np.zeros(old.size, state.dtype)
    there = old >= 0
    made[there] = state[old[there]]
    return made
