"""The wheel of refractory units: every period ends in its step, however short the wheel is."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.engine import course
from neuro_rtrl.network.describe import Network
from tests.kernels.test_fast import assert_same


@pytest.mark.parametrize("slots", [1, 3, 4096])
def test_periods_end_in_their_step(slots: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Periods of 0 to 9 steps on wheels of 1 and 3 slots: units come round several times."""
    monkeypatch.setattr(course, "LONGEST_WHEEL", slots)
    net = Network(dt="1 ms", seed=1)
    x = net.inputs(20, name="x")
    units = net.neurons(70, "lif", name="units", t_ref="uniform(0 ms, 9.9 ms)", tau_m="5 ms")
    always = net.neurons(8, "lif", name="always", bias=9.0, t_ref="4 ms")
    net.connect(x, units, weights="normal(0.3, 0.2)")
    net.connect(units, units, density=0.2, weights="normal(0.1, 0.3)", delay="1 ms")
    net.connect(always, units, density=0.1, weights=0.5)
    rng = np.random.default_rng(0)
    assert assert_same(net, 1.0 * (rng.random((300, 20)) < 0.2)) > 1000
