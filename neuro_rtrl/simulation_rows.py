"""What the spikes of a population look like in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuro_rtrl.engine.spikes import Spikes

BIN = 1e-3
"""Seconds of a bin of the population rates, or one step if that is longer."""
FEWEST_INTERVALS = 3


def rates(counts: np.ndarray, n: int, dt: float) -> np.ndarray:
    """(bins,) spikes per second and unit in bins of `BIN`; a rest at the end is left out.

    Args:
        counts: (steps,) spikes of all units in each step.
        n: number of units.
        dt: duration of a step in seconds.

    >>> rates(np.array([1, 0, 0, 3]), 2, 0.5e-3).tolist()
    [500.0, 1500.0]
    """
    steps = max(1, round(BIN / dt))
    bins = counts[: counts.size // steps * steps].reshape(-1, steps).sum(axis=1)
    found: np.ndarray = bins / (n * steps * dt)
    return found


def population_rows(spikes: Mapping[str, Spikes], seconds: float) -> list[dict[str, Any]]:
    """One row for each population: units, spikes, rate and the coefficient of variation.

    `rate` is in hertz; `cv` is the mean, over units with at least 3 intervals between spikes, of
    the intervals' standard deviation over their mean, and None if there is no such unit.

    >>> train = Spikes(np.array([0, 10, 20, 30]), np.zeros(4, np.int64), 1, 1e-3)
    >>> population_rows({"a": train}, 0.04)
    [{'population': 'a', 'units': 1, 'spikes': 4, 'rate': 100.0, 'cv': 0.0}]
    """
    return [
        {
            "population": name,
            "units": train.n,
            "spikes": int(train.i.size),
            "rate": train.i.size / (train.n * seconds),
            "cv": variation(train),
        }
        for name, train in spikes.items()
    ]


def variation(spikes: Spikes) -> float | None:
    """The mean coefficient of variation of the intervals between a unit's spikes."""
    order = np.lexsort((spikes.step, spikes.i))
    unit, step = spikes.i[order], spikes.step[order]
    same = np.diff(unit) == 0
    owner, interval = unit[1:][same], np.diff(step)[same].astype(float)
    count = np.bincount(owner, minlength=spikes.n)
    enough = count >= FEWEST_INTERVALS
    if not enough.any():
        return None
    total = np.bincount(owner, interval, spikes.n)[enough]
    mean = total / count[enough]
    deviation = np.bincount(owner, (interval - _spread(mean, enough)[owner]) ** 2, spikes.n)
    # CV = sqrt(<(x - <x>)^2>)/<x>
    return float((np.sqrt(deviation[enough] / count[enough]) / mean).mean())


def _spread(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """`values` at the places that are true, 0 elsewhere."""
    made = np.zeros(places.size)
    made[places] = values
    return made
