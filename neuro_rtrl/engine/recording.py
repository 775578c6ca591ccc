"""What a simulation leaves behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neuro_rtrl.engine.spikes import Spikes
from neuro_rtrl.errors import unknown


@dataclass
class Recording:
    """What a run left behind.

    Attributes:
        spikes: population -> `Spikes` with Brian2's names: `.t` (seconds), `.i`, `.spike_trains()`.
        states: "population.state" -> (units, recorded steps), each before its update (as Brian2);
            "projection.w" -> (synapses, recorded steps) of a plastic projection.
        predictions: (steps, outputs), the readouts at the end of each step.
        first: step at which it begins; `every`: states are those of its multiples.
    """

    spikes: dict[str, Spikes]
    states: dict[str, np.ndarray]
    predictions: np.ndarray
    dt: float
    steps: int
    first: int = 0
    every: int = 1
    extras: dict[str, Any] = field(default_factory=dict)

    @property
    def t(self) -> np.ndarray:
        """Times of the columns of `states` in seconds."""
        begin, end = -(-self.first // self.every), -(-(self.first + self.steps) // self.every)
        return np.arange(begin, end) * self.every * self.dt

    def rate(self, population: str) -> np.ndarray:
        """(steps,) spikes per second and unit in each step, as Brian2's population rate."""
        spikes = self[population]
        counts = np.bincount(spikes.step - self.first, minlength=self.steps)
        rates: np.ndarray = counts / (spikes.n * self.dt)
        return rates

    def __getitem__(self, population: str) -> Spikes:
        """Spikes of one population."""
        if population not in self.spikes:
            raise unknown("population", population, self.spikes)
        return self.spikes[population]
