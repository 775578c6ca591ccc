"""Recorded events of one population, with Brian2's names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Spikes:
    """The events of one population, in the order of their steps.

    Attributes:
        step: step of each event, shape (events,), int64.
        i: unit of each event, shape (events,), int64 (Brian2's name).
        n: number of units of the population.
        dt: duration of a step in seconds.
    """

    step: np.ndarray
    i: np.ndarray
    n: int
    dt: float

    @property
    def t(self) -> np.ndarray:
        """Time of each event in seconds, shape (events,): step * dt, as Brian2 stamps it."""
        return self.step * self.dt

    def spike_trains(self) -> dict[int, np.ndarray]:
        """Unit -> times of its events in seconds; silent units have empty arrays.

        >>> Spikes(np.array([0, 2, 3]), np.array([1, 0, 1]), 3, 0.5).spike_trains()
        {0: array([1.]), 1: array([0. , 1.5]), 2: array([], dtype=float64)}
        """
        order = np.argsort(self.i, kind="stable")
        bounds = np.searchsorted(self.i[order], np.arange(self.n + 1))
        times = self.t[order]
        return {k: times[bounds[k] : bounds[k + 1]] for k in range(self.n)}
