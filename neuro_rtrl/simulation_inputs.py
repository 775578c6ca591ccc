"""Events of input populations: Poisson spikes, or spikes that are given; made block by block.

`[inputs.NAME]` has a `rate` ("20 Hz", an expression of the unit's number `i` of `N`, or a list in
hertz), and with `sources = 1000` each unit stands for so many sources, whose spikes of a step come
as one event of that value; or it has `times` and `units`, one unit for each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuro_rtrl.contracts import SECOND, Dimension
from neuro_rtrl.equations.units import quantity
from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.experiment_keys import Table, is_number
from neuro_rtrl.network.values import Values

NEVER = 2.0**62
"""A step that no simulation reaches."""
PER_SECOND: Dimension = (("second", -1),)


@dataclass(frozen=True)
class Source:
    """What one input population sends.

    Attributes:
        rate: as the text has it, or None; each unit stands for `sources` Poisson processes.
        times, units: spikes that are given: seconds and units, in no order.
        place: of its table, for errors.
    """

    name: str
    n: int
    place: str
    rate: Any = None
    sources: int = 1
    times: tuple[float, ...] = ()
    units: tuple[int, ...] = ()


def read_source(name: str, table: Table, n: int) -> Source:
    """`[inputs.NAME]` of an input population with `n` units.

    Raises:
        DescriptionError: neither a rate nor times, or one of their values is wrong.
    """
    if "times" in table.values or "units" in table.values:
        table.only(("times", "units"))
        return _given(name, table, n)
    table.only(("rate", "sources"))
    table.need("rate", "a rate such as '20 Hz', or times and units")
    rate = table.values["rate"]
    is_list = isinstance(rate, list) and len(rate) == n and all(map(is_number, rate))
    if not is_list and not isinstance(rate, str):
        expected = f"a text such as '20 Hz' or '10*Hz*i/N', or a list of {n} numbers in hertz"
        raise table.refuse("rate", "not a rate", expected)
    return Source(name, n, table.place(), rate, table.whole("sources", 1))


def _given(name: str, table: Table, n: int) -> Source:
    times = table.values.get("times", [])
    units = table.values.get("units", [])
    if not isinstance(times, list) or not all(isinstance(time, str) for time in times):
        raise table.refuse("times", "not a list of times", "texts such as ['10 ms', '12.5 ms']")
    whole = isinstance(units, list) and all(type(unit) is int and 0 <= unit < n for unit in units)
    if not whole or len(units) != len(times):
        expected = f"a unit from 0 to {n - 1} for each of the {len(times)} times"
        raise table.refuse("units", "the units do not fit the times", expected)
    try:
        seconds = tuple(quantity(time, SECOND) for time in times)
    except DescriptionError as error:
        raise error.at(table.place("times")) from error
    if seconds and min(seconds) < 0:
        raise table.refuse("times", "a time before the start", "times from 0 s on")
    return Source(name, n, table.place(), times=seconds, units=tuple(units))


class Events:
    """The events of all input populations side by side, made in order of time.

    Args:
        sources: one for each input population.
        dt: duration of a step in seconds.
        seed: of all draws; they do not depend on the sizes of the blocks.

    Raises:
        DescriptionError: a rate that is negative, or too high for the step; or two spikes of one
            unit in one step.

    >>> events = Events([Source("x", 2, "", times=(0.0, 0.002), units=(1, 0))], 1e-3, seed=0)
    >>> events.block(0, 2).tolist(), events.block(2, 3).tolist()
    ([[0.0, 1.0], [0.0, 0.0]], [[1.0, 0.0]])
    """

    def __init__(self, sources: Sequence[Source], dt: float, seed: int) -> None:
        self.width = sum(source.n for source in sources)
        self._parts: list[_Poisson | _Given] = []
        for number, source in enumerate(sources):
            # Branches 0 and 1 of the seed's tree are those of populations and projections.
            branch = np.random.SeedSequence(seed, spawn_key=(2, number))
            rng = np.random.default_rng(branch)
            self._parts.append(
                _Given(source, dt) if source.rate is None else _Poisson(source, dt, rng)
            )

    def block(self, low: int, high: int) -> np.ndarray:
        """(high - low, width) events of the steps from `low` on; blocks follow each other."""
        return np.concatenate([part.block(low, high) for part in self._parts], axis=1)


class _Poisson:
    def __init__(self, source: Source, dt: float, rng: np.random.Generator) -> None:
        self._rng, self._sources, self._n = rng, source.sources, source.n
        values = Values(source.n, source.name, rng)
        given = source.rate if isinstance(source.rate, str) else np.array(source.rate, float)
        try:
            rate = values.fill({"rate": given}, {"rate": PER_SECOND})["rate"]
        except DescriptionError as error:
            raise error.at(source.place) from error
        # p = rate dt: the chance of a spike of one source in one step (Brian2's PoissonGroup)
        self._chance = np.broadcast_to(rate * dt, (source.n,))
        if self._chance.min() < 0 or self._chance.max() > 1:
            worst = rate.max() if self._chance.max() > 1 else rate.min()
            raise DescriptionError(
                "this rate is out of range",
                where=f"{source.place}.rate",
                given=f"{worst:g} Hz",
                expected=f"0 Hz to {1 / dt:g} Hz: at most one spike of a source in each step",
                remedy="Several sources may stand for one unit: sources = 10.",
            )

    def block(self, low: int, high: int) -> np.ndarray:
        shape = (high - low, self._n)
        if self._sources == 1:
            return (self._rng.random(shape) < self._chance).astype(float)
        return self._rng.binomial(self._sources, self._chance, shape).astype(float)


class _Given:
    def __init__(self, source: Source, dt: float) -> None:
        self._n = source.n
        # As Brian2 does, a spike belongs to the step in which its time lies, up to rounding.
        step = np.floor(np.minimum(np.array(source.times) / dt, NEVER) + 1e-3).astype(np.int64)
        unit = np.array(source.units, dtype=np.int64)
        order = np.lexsort((unit, step))
        self._step, self._unit = step[order], unit[order]
        twice = np.flatnonzero((np.diff(self._step) == 0) & (np.diff(self._unit) == 0))
        if twice.size:
            at = int(twice[0])
            raise DescriptionError(
                "a unit spikes twice in one step",
                where=f"{source.place}.times",
                given=f"unit {self._unit[at]}, step {self._step[at]} of {dt:g} s",
                expected="at most one spike of a unit in each step",
                remedy="Remove one of them, or use a shorter dt.",
            )

    def block(self, low: int, high: int) -> np.ndarray:
        made = np.zeros((high - low, self._n))
        first, last = np.searchsorted(self._step, (low, high))
        made[self._step[first:last] - low, self._unit[first:last]] = 1.0
        return made
