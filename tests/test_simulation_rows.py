"""Rates and the variation of intervals, against numbers worked out by hand and by chance."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.engine.spikes import Spikes
from neuro_rtrl.simulation_rows import population_rows, rates, variation


def train(steps: list[int], units: list[int], n: int) -> Spikes:
    return Spikes(np.array(steps, dtype=np.int64), np.array(units, dtype=np.int64), n, 1e-3)


def test_variation_of_one_train() -> None:
    intervals = np.array([1, 3, 2, 2])
    steps = [0, *np.cumsum(intervals).tolist()]
    assert variation(train(steps, [0] * 5, 2)) == pytest.approx(intervals.std() / intervals.mean())


def test_units_with_few_spikes_do_not_count() -> None:
    assert variation(train([0, 5, 9], [0, 0, 0], 1)) is None
    regular = train([0, 0, 10, 20, 30, 47], [0, 1, 0, 0, 0, 1], 2)
    assert variation(regular) == pytest.approx(0.0)


def test_poisson_spikes_vary_by_one() -> None:
    chance = np.random.default_rng(0).random((20_000, 30)) < 0.02
    steps, units = np.nonzero(chance)
    found = variation(Spikes(steps, units, 30, 1e-4))
    assert found == pytest.approx(np.sqrt(0.98), abs=0.03)  # geometric intervals: sqrt(1 - p)


def test_rates_keep_the_number_of_spikes() -> None:
    counts = np.random.default_rng(1).integers(0, 5, 1000)
    binned = rates(counts, 7, 1e-4)
    assert binned.shape == (100,)
    assert binned.sum() * 7 * 1e-3 == pytest.approx(counts.sum())
    assert rates(counts, 7, 2e-3).shape == (1000,)


def test_a_silent_population_has_a_row() -> None:
    (row,) = population_rows({"a": train([], [], 3)}, 1.0)
    assert row == {"population": "a", "units": 3, "spikes": 0, "rate": 0.0, "cv": None}
