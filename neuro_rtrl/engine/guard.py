"""Numbers that are not finite, or will not be for long: found, named, and explained.

States are looked at by the kernels, every 64 steps and before each update, and so are gradient and
learned values where they make the updates. Here it is influence, gradient and learned values, at
every update and, where updates are frequent, as often as the kernels look; less often where looking
at all influence would take longer than the steps between (engine/online.py: every 1024 steps).
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from neuro_rtrl.contracts_influence import Carried, Carrying
from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.carried import unit_name
from neuro_rtrl.errors import NeuroRtrlWarning, SimulationError
from neuro_rtrl.kernels.layout import STEP
from neuro_rtrl.kernels.simulate import CHECK_EVERY
from neuro_rtrl.kernels.stream import Stream

CHECK_MIDWAY = 4096
"""Steps: a look goes through all influence, which may be much more than a step does."""
ENTRIES_A_STEP = 1 << 14
"""Where steps come one by one a look waits until it is no more than so many entries a step."""
LARGEST = 1e9
"""Influence beyond this has exploded, though it may be far from overflow."""
_KNOWN: dict[type, bool] = {}


class ExplodingWarning(NeuroRtrlWarning):
    """Influence grows without bound: gradients will soon be useless, and then not finite."""


class Guard:
    """Looks at the lanes of one learner."""

    def __init__(self, built: Built) -> None:
        self._built, self._steps, self._warned = built, 0, False
        self._due = CHECK_EVERY

    def follow(self, built: Built) -> None:
        """The network has another wiring."""
        self._built = built

    def lane(self, lane: Any, stream: Stream) -> None:
        """Looks at what a lane carries that has just run a stream, if it is time.

        Raises:
            SimulationError: an entry is not finite.
        """
        self._steps += stream.losses.size
        if self._steps >= self._due:
            self._look(lane, int(stream.offset[0] + stream.span[1]))

    def midway(self, lane: Any, steps: int) -> None:
        """The same in the middle of a stream, after so many more steps.

        Raises:
            SimulationError: an entry is not finite.
        """
        self._steps += steps
        if self._steps >= CHECK_MIDWAY:
            self._look(lane, int(lane.run.clock[STEP]))

    def _look(self, lane: Any, step: int) -> None:
        self._steps = 0
        if not _carries(lane):
            return
        carried = list(lane.carried())
        steps = sum(one.array.size for one in carried) // ENTRIES_A_STEP
        self._due = min(max(CHECK_EVERY, steps), CHECK_MIDWAY)
        large = [(one, size) for one in carried if not (size := _size(one)) <= LARGEST]
        late = f", step {step} or shortly before"
        places = [one.whose(_worst(one.array)) + late for one, _ in large]
        for one, size in large:
            if not np.isfinite(size):
                one.array[:] = 0.0  # whoever goes on begins with a new sequence, and looks again
        # What is not finite comes first: a warning must not hide it.
        for (one, size), where in sorted(zip(large, places, strict=True), key=_finite):
            self._tell(where, one.what, size)

    def _tell(self, where: str, what: str, largest: float) -> None:
        if not np.isfinite(largest):
            raise SimulationError(
                f"{what} is not finite",
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
                f"{where}: {what} grows without bound: {largest:.2g}. Use smaller recurrent"
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


def _carries(lane: Any) -> bool:
    """Whether a lane carries anything; kept for its class, as asking takes 10 us."""
    kind = type(lane)
    if kind not in _KNOWN:
        _KNOWN[kind] = isinstance(lane, Carrying)
    return _KNOWN[kind]


def _size(one: Carried) -> float:
    """The largest entry; NaN if one is NaN."""
    return float(max(one.array.max(initial=0), -one.array.min(initial=0)))


def _finite(found: tuple[tuple[Carried, float], str]) -> bool:
    return bool(np.isfinite(found[0][1]))


def _worst(array: np.ndarray) -> int:
    """Place of the largest entry, or of the first that is not finite."""
    with np.errstate(invalid="ignore"):
        return int(np.where(np.isfinite(array), np.abs(array), np.inf).argmax())


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
    return f" (to {unit_name(built, int(built.wires.target[parameter]))})"
