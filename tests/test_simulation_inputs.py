"""Events of input populations: their statistics, and that blocks do not matter."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.simulation_inputs import Events, Source

DT = 1e-4


def drawn(*sources: Source, steps: int = 20_000, seed: int = 0, block: int = 5000) -> np.ndarray:
    events = Events(sources, DT, seed)
    parts = [events.block(low, min(low + block, steps)) for low in range(0, steps, block)]
    return np.concatenate(parts)


def test_poisson_spikes_have_their_rate_and_their_intervals() -> None:
    made = drawn(Source("x", 50, "", rate="200 Hz"))
    assert set(np.unique(made)) == {0.0, 1.0}
    mean, deviation = 2.0 * 200, np.sqrt(2.0 * 200)
    # Mean of 50 units: 3 standard errors.
    assert abs(made.sum(axis=0).mean() - mean) < 3 * deviation / np.sqrt(50)
    counts = made.reshape(200, 100, 50).sum(axis=1)
    # Fano factor of counts: 1 - p for Bernoulli steps; and no memory from one window to the next
    assert counts.var() / counts.mean() == pytest.approx(0.98, abs=0.06)
    assert abs(np.corrcoef(counts[:-1].ravel(), counts[1:].ravel())[0, 1]) < 0.04


def test_a_rate_may_differ_from_unit_to_unit() -> None:
    for rate in ("100*Hz*i", [0.0, 100.0, 200.0]):
        counts = drawn(Source("x", 3, "", rate=rate)).sum(axis=0)
        assert counts[0] == 0
        assert counts[1:] == pytest.approx([200, 400], rel=0.25)


def test_a_unit_may_stand_for_many_sources() -> None:
    made = drawn(Source("x", 4, "", rate="20 Hz", sources=1000))
    assert made.mean() == pytest.approx(1000 * 20 * DT, rel=0.02)
    assert made.var() == pytest.approx(1000 * 20 * DT, rel=0.04)
    assert made.max() > 5


def test_given_spikes_come_in_their_steps() -> None:
    # 0.3 ms is 2.9999... steps of 0.1 ms in floating point: step 3 all the same, as in Brian2
    source = Source("x", 3, "", times=(0.3e-3, 0.0, 0.25e-3), units=(2, 0, 1))
    made = drawn(source, steps=5)
    assert np.argwhere(made).tolist() == [[0, 0], [2, 1], [3, 2]]


def test_populations_stand_side_by_side_with_chance_of_their_own() -> None:
    both = drawn(Source("x", 2, "", rate="500 Hz"), Source("y", 2, "", rate="500 Hz"))
    assert both.shape == (20_000, 4)
    assert (both[:, :2] != both[:, 2:]).any()
    assert (drawn(Source("x", 2, "", rate="500 Hz")) == both[:, :2]).all()


@pytest.mark.parametrize("sources", [1, 30])
def test_the_size_of_blocks_does_not_matter(sources: int) -> None:
    source = Source("x", 3, "", rate="300 Hz", sources=sources)
    whole, parts = (drawn(source, steps=1000, block=size) for size in (1000, 7))
    assert (whole == parts).all()
    assert (drawn(source, steps=1000, seed=1) != whole).any()


def test_two_spikes_of_a_unit_in_one_step_are_refused() -> None:
    source = Source("x", 2, "a.toml: inputs.x", times=(1.00e-3, 1.04e-3), units=(1, 1))
    with pytest.raises(DescriptionError, match=r"inputs.x.times.*twice.*unit 1, step 10"):
        Events([source], DT, 0)
    apart = Source("x", 2, "", times=(1.00e-3, 1.04e-3), units=(0, 1))
    assert drawn(apart, steps=20).sum() == 2


def test_a_time_after_all_steps_never_comes() -> None:
    events = Events([Source("x", 1, "", times=(1e300, 0.001), units=(0, 0))], 1e-3, seed=0)
    assert events.block(0, 3).tolist() == [[0.0], [1.0], [0.0]]
