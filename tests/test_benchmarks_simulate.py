"""The benchmark of simulations runs on a small network; no time is asserted."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import simulate
from benchmarks.peers import balanced
from benchmarks.record import line


@pytest.mark.parametrize("kind", balanced.KINDS)
def test_the_network_is_the_same_at_every_call(kind: str) -> None:
    one, again = balanced.draw(kind, 200), balanced.draw(kind, 200)
    for name in ("excitatory", "inhibitory"):
        np.testing.assert_array_equal(getattr(one, name), getattr(again, name))
    assert one.excitatory[0].max() < 160 <= one.inhibitory[0].min()
    fan_out = np.bincount(one.excitatory[0], minlength=160)
    assert fan_out.mean() == pytest.approx(balanced.SYNAPSES, rel=0.05)
    for name, values in one.initial.items():
        np.testing.assert_array_equal(values, again.initial[name])


def test_ours_starts_cold_and_warm() -> None:
    ours, both = simulate.one("CUBA", 200, 50, 1, peers=False)
    assert ours.ms_per_step_median is not None and ours.ms_per_step_median > 0
    assert both.details["spikes"] == ours.details["spikes"] > 0
    assert {"cold_result_s", "warm_result_s", "cold_build_s"} <= set(ours.details)
    assert both.details["warm_going_s"] > 0 and both.details["warm_going_alone_s"] > 0
    assert f"going on {both.details['warm_going_s']:.4f} s" in line(both)


def test_a_child_that_fails_says_why() -> None:
    found = simulate.child("simulate_ours", ("CUBA", "many"), "0")
    assert isinstance(found, str) and "invalid literal" in found
