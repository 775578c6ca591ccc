"""Numbers that are not finite, or will not be for long: found, named, and explained.

States are looked at by the kernels, every 64 steps. Here it is influence, gradient and learned
values, at every update and, where updates are frequent, as often as the kernels look.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.errors import NeuroRtrlWarning, SimulationError
from neuro_rtrl.kernels.simulate import CHECK_EVERY
from neuro_rtrl.kernels.stream import Stream

LARGEST = 1e9
"""Influence beyond this has exploded, though it may be far from overflow."""


class ExplodingWarning(NeuroRtrlWarning):
    """Influence grows without bound: gradients will soon be useless, and then not finite."""


class Guard:
    """Looks at the lanes of one learner."""

    def __init__(self, built: Built) -> None:
        self._built, self._steps, self._warned = built, 0, False

    def follow(self, built: Built) -> None:
        """The network has another wiring."""
        self._built = built

    def lane(self, lane: Any, stream: Stream) -> None:
        """Looks at the influence of a lane that has just run a stream, if it is time.

        Raises:
            SimulationError: an entry is not finite.
        """
        self._steps += stream.losses.size
        if self._steps < CHECK_EVERY:
            return
        self._steps = 0
        for kind, array in _influence(lane).items():
            largest = float(max(array.max(initial=0), -array.min(initial=0)))
            if not largest <= LARGEST:
                step = int(stream.offset[0] + stream.span[1])
                unit = _unit(self._built, lane, kind, _worst(array))
                self._tell(f"{unit}, step {step} or shortly before", array, largest)

    def _tell(self, where: str, array: np.ndarray, largest: float) -> None:
        if not np.isfinite(largest):
            array[:] = 0.0  # whoever goes on begins with a new sequence, and looks here again
            raise SimulationError(
                "influence is not finite",
                where=where,
                given=largest,
                expected="finite numbers",
                remedy=(
                    "Likely recurrent weights or a surrogate so large that influence grows at every"
                    " step: use smaller ones, a lower surrogate height, or shorter sequences."
                ),
            )
        if not self._warned:
            self._warned = True
            text = (
                f"{where}: influence grows without bound: {largest:.2g}. Use smaller recurrent"
                " weights, a lower surrogate height, or shorter sequences."
            )
            warnings.warn(text, ExplodingWarning, stacklevel=2)

    def gradient(self, gradient: np.ndarray) -> None:
        """Looks at a gradient (parameters,).

        Raises:
            SimulationError: an entry is not finite.
        """
        if not np.isfinite(gradient).all():
            raise SimulationError(
                "the gradient is not finite",
                where=_parameter(self._built, gradient),
                given=gradient[_worst(gradient)],
                expected="finite numbers",
                remedy="Use a smaller learning rate, smaller weights or a lower surrogate.",
            )

    def values(self, values: np.ndarray) -> None:
        """Looks at the learned values (parameters,) after an update.

        Raises:
            SimulationError: one of them is not finite.
        """
        if not np.isfinite(values).all():
            raise SimulationError(
                "a learned value is not finite",
                where=_parameter(self._built, values),
                given=values[_worst(values)],
                expected="finite numbers",
                remedy="The update was too large: use a smaller learning rate, or clip_norm.",
            )


def _influence(lane: Any) -> dict[str, np.ndarray]:
    """The arrays of a lane that hold influence, by name; rules that go back have none."""
    found: dict[str, np.ndarray] = {}
    rows, tangents = vars(lane).get("rows"), vars(lane).get("tangents")
    if rows is not None:
        found |= {"P": rows.P, "own": rows.own, "theta": rows.theta}
    if tangents is not None:
        found["V"] = tangents.V
    return found


def _worst(array: np.ndarray) -> int:
    """Place of the largest entry, or of the first that is not finite."""
    with np.errstate(invalid="ignore"):
        return int(np.where(np.isfinite(array), np.abs(array), np.inf).argmax())


def _unit(built: Built, lane: Any, kind: str, place: int) -> str:
    """Whose influence stands at a place of one of the arrays."""
    if kind == "V":
        row = place // lane.tangents.V.shape[1]
        population = int(np.searchsorted(built.units.at_h, row, side="right")) - 1
        if row >= built.units.initial.size:
            return "an event under way"
        size = int(built.units.size[population])
        k = int(built.units.first[population]) + (row - int(built.units.at_h[population])) % size
        return _name(built, k)
    if kind == "own":
        return _name(built, int(np.searchsorted(lane.mask.own_at, place, side="right")) - 1)
    if kind == "theta":
        return _name(built, _of_theta(built, place))
    return _name(built, _of_segment(built, lane, place))


def _of_theta(built: Built, place: int) -> int:
    """Unit of a place among the influences on own unit parameters: d m of each, side by side."""
    units = built.units
    each = units.d * units.m
    population = int(np.searchsorted(units.at_dm, place, side="right")) - 1
    within = (place - int(units.at_dm[population])) // max(int(each[population]), 1)
    return int(units.first[population]) + min(within, int(units.size[population]) - 1)


def _of_segment(built: Built, lane: Any, place: int) -> int:
    """Unit of a place in P: each segment is d rows in the storage of its block."""
    mask, rows, units = lane.mask, lane.rows, built.units
    for k in range(built.plan.n):
        d = int(units.d[units.population[k]])
        for s in range(mask.segment[k], mask.segment[k + 1]):
            block = mask.segment_block[s]
            first = rows.at_p[block] + mask.segment_row[s] * rows.capacity[block]
            if first <= place < first + d * rows.capacity[block]:
                return k
    return 0


def _name(built: Built, k: int) -> str:
    population = built.plan.populations[int(built.units.population[k])]
    return f"{population.name}, unit {k - built.plan.first[population.name]}"


def _parameter(built: Built, array: np.ndarray) -> str:
    """The name of the learned value whose entry is the worst."""
    worst = _worst(array)
    for name, numbers in built.plan.names.items():
        at = np.flatnonzero(numbers == worst)
        if at.size:
            return f"{name}, number {int(at[0])}{_target(built, worst)}"
    return f"parameter {worst}"


def _target(built: Built, parameter: int) -> str:
    if parameter >= built.wires.target.size:
        return ""
    return f" (to {_name(built, int(built.wires.target[parameter]))})"
