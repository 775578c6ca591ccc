"""Influence matrices looked at: chosen rows, as far as they are not zero, now and then in a run.

The row of a state is its derivative by every learned value, dh_k/dtheta. Its part of the unit's own
parameters is what local rules call the eligibility trace (Bellec et al. 2020, eq. 13, before the
factor psi). Looking changes nothing: lanes are brought back to where they were, to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuro_rtrl.contracts_influence import Readable
from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.influence import Influence
from neuro_rtrl.engine.snapshot import Snapshot, put_back, take
from neuro_rtrl.engine.stream import make_stream
from neuro_rtrl.engine.transplant import unit_of
from neuro_rtrl.errors import BuildError, DescriptionError, unknown
from neuro_rtrl.kernels.layout import STEP
from neuro_rtrl.network.arguments import numbers_of


@dataclass(frozen=True)
class Looks:
    """Which rows are looked at, and when.

    Attributes:
        units: population -> numbers of its units.
        every: steps from one look to the next.
        own: only the unit's own parameters: eligibility traces.
    """

    units: Mapping[str, np.ndarray]
    every: int = 1
    own: bool = False


def checked(built: Built, looks: Looks) -> Looks:
    """The same, once populations, units and steps are right.

    Raises:
        DescriptionError: one of them is not.
    """
    if not isinstance(looks.units, Mapping):
        raise DescriptionError(
            "not a table of units",
            where="influence: units",
            given=repr(looks.units),
            expected="units of some populations, such as {'hidden': [0, 3]}",
        )
    made, sizes = {}, {p.name: p.n for p in built.plan.populations}
    for name, units in looks.units.items():
        if name not in sizes:
            raise unknown("population", name, sizes, where="influence")
        made[name] = numbers_of(units, sizes[name], f"influence: {name}")
    if type(looks.every) is not int or looks.every < 1:
        raise DescriptionError(
            "steps from one look to the next",
            where="influence: every",
            given=looks.every,
            expected="a whole number from 1",
        )
    return Looks(made, looks.every, looks.own)


def readable(lane: object, rule: str) -> Readable:
    """The lane, if its rule has rows to look at.

    Raises:
        BuildError: it has none.
    """
    if isinstance(lane, Readable) and lane.readable:
        return lane
    raise BuildError(
        f"the rule {rule} has no influence matrix to look at",
        where="influence",
        given=rule,
        expected="a rule that keeps rows, traces or tangents, such as rtrl, eprop or uoro",
        remedy="bptt and its kin go back through time; pp-prop keeps factors of traces only.",
    )


def observe(
    built: Built,
    lane: Any,
    rule: str,
    looks: Looks,
    inputs: np.ndarray,
    targets: np.ndarray | None,
    **options: Any,
) -> dict[str, Influence]:
    """Rows of the influence matrix in one sequence, from the initial state.

    Args:
        built: the network.
        lane: it runs the sequence, and is brought back to where it was.
        rule: its name, for messages.
        looks: which rows, and when.
        inputs: (1, steps, inputs).
        targets: (1, steps, outputs), or None.
        options: loss and rates, as `make_stream` has them.

    Raises:
        DescriptionError: there are no such units.
        BuildError: the rule has no rows.
    """
    rows, found = readable(lane, rule), Collector(built, checked(built, looks))
    kept, gradient = take(lane), np.zeros(built.values.size)
    before = Snapshot({place: array.copy() for place, array in kept.arrays.items()}, kept.notes)
    try:
        lane.restart()
        for start in range(0, inputs.shape[1], looks.every):
            cut = slice(start, start + looks.every)
            wanted = None if targets is None else targets[:, cut]
            offset = int(lane.run.clock[STEP])
            stream = make_stream(built, inputs[:, cut], wanted, offset=offset, **options)
            while lane.advance(stream, gradient, False):
                continue
            found.look(rows)
    finally:
        put_back(lane, before)
    return found.result()


class Collector:
    """Gathers what is looked at; `names` and places are those of one wiring."""

    def __init__(self, built: Built, looks: Looks) -> None:
        self._built, self._looks = built, looks
        self._learned = np.full(built.values.size, -1)
        self._number = np.zeros(built.values.size, np.int64)
        for i, places in enumerate(built.plan.names.values()):
            self._learned[places], self._number[places] = i, np.arange(places.size)
        self._owner = unit_of(built)
        self._found: dict[str, list[np.ndarray]] = {name: [] for name in looks.units}

    def look(self, lane: Readable) -> None:
        """Takes the rows of all chosen units, as they are after the last step."""
        step = int(lane.run.clock[STEP]) - 1
        lane.settle()
        for name, units in self._looks.units.items():
            for unit in units:
                self._found[name].extend(self._row(lane, name, int(unit), step))

    def _row(self, lane: Readable, name: str, unit: int, step: int) -> Iterator[np.ndarray]:
        k = self._built.plan.first[name] + unit
        dense = np.zeros((int(self._built.units.d[self._built.units.population[k]]), 0))
        for parameter, values in lane.row(k):
            wide = np.zeros((len(dense), self._built.values.size))
            wide[:, parameter] = values
            dense = wide if dense.shape[1] == 0 else dense + wide
        if dense.shape[1] == 0:
            return
        state, number = np.nonzero(dense)
        chosen = self._learned[number] >= 0
        chosen &= (self._owner[number] == k) | (not self._looks.own)
        state, number = state[chosen], number[chosen]
        same = np.full(state.size, 1)
        yield np.stack(
            [
                step * same, unit * same, state, self._learned[number], self._number[number],
                dense[state, number],
            ]
        )  # fmt: skip

    def result(self) -> dict[str, Influence]:
        """Population -> what was found."""
        names, made = tuple(self._built.plan.names), {}
        for name, parts in self._found.items():
            step, unit, state, learned, number, value = np.concatenate(
                [np.zeros((6, 0)), *parts], axis=1
            )
            whole = [column.astype(np.int64) for column in (step, unit, state, learned, number)]
            made[name] = Influence(whole[0], whole[1], whole[2], whole[3], whole[4], value, names)
        return made
