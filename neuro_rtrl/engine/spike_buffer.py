"""Spikes out of the small buffer into which kernels write them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.kernels.cells import Course, Tape
from neuro_rtrl.kernels.layout import RECORDED, Run
from neuro_rtrl.kernels.stream import Stream


class SpikeBuffer:
    """Spikes from the kernel's small buffer, collected block by block."""

    def __init__(self, built: Built) -> None:
        self.built = built
        self._steps: list[np.ndarray] = []
        self._units: list[np.ndarray] = []

    def take(self, run: Run | Course, stream: Stream | Tape) -> None:
        """Empty the kernel's buffer."""
        count = int(run.clock[RECORDED])
        if count == 0:
            return
        self._steps.append(stream.event_step[:count].copy())
        self._units.append(stream.event_unit[:count].copy())
        run.clock[RECORDED] = 0

    @property
    def blocks(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Steps and units, block by block; may be set to those of another buffer."""
        return self._steps, self._units

    @blocks.setter
    def blocks(self, both: tuple[list[np.ndarray], list[np.ndarray]]) -> None:
        self._steps, self._units = both

    def spikes(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Population -> (steps, units within it), in order of time."""
        return by_population(self.built, self._steps, self._units)


def by_population(
    built: Built, steps: Sequence[np.ndarray], units: Sequence[np.ndarray]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Population that spikes -> (steps, units within it) of blocks of spikes, in their order."""
    step = np.concatenate([np.zeros(0, np.int64), *steps])
    unit = np.concatenate([np.zeros(0, np.int64), *units])
    made = {}
    alone = int(np.count_nonzero(built.units.spiking)) == 1
    for i, population in enumerate(built.plan.populations):
        if not built.units.spiking[i]:
            continue
        first = int(built.units.first[i])
        chosen = ... if alone else (unit >= first) & (unit < first + population.n)
        made[population.name] = (step[chosen], unit[chosen] - first)
    return made
