"""Events reach targets in one order, whether through the calendar or straight away."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.network.describe import Network
from tests.kernels.test_fast import assert_same


@pytest.mark.parametrize("weights", ["0.11", "normal(0.1, 0.2)"])
@pytest.mark.parametrize("delays", [("0 ms", "0 ms"), ("0 ms", "2 ms"), ("1 ms", "0 ms")])
def test_the_order_of_sums_is_that_of_the_plain_loop(delays: tuple[str, str], weights: str) -> None:
    """Two projections with other delays from the same units, on the same states; equal weights."""
    net = Network(dt="1 ms", seed=4)
    x = net.inputs(30, name="x")
    cells = net.neurons(90, "egru", name="cells")
    units = net.neurons(60, "lif", name="units", tau_m="9 ms", t_ref="1 ms")
    free = net.neurons(60, "lif", name="free", tau_m="7 ms")
    net.connect(x, cells, port="cand_x", weights="normal(0.2, 1)")
    for target in (units, free):
        net.connect(x, target, weights="normal(0.2, 0.3)", delay="uniform(0 ms, 3 ms)")
        for source in (cells, units, free):
            for delay in delays:
                net.connect(source, target, density=0.3, weights=weights, delay=delay)
    rng = np.random.default_rng(2)
    inputs = (rng.random((150, 30)) < 0.15) * rng.normal(1, 0.5, (150, 30))
    assert assert_same(net, inputs) > 500
