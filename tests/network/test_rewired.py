"""Pairs without a synapse, drawn evenly; densities; another wiring of a plan."""

from __future__ import annotations

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.contracts_rewiring import Change
from neuro_rtrl.network import rewired as module
from neuro_rtrl.network.plan import plan
from neuro_rtrl.network.rewired import absent_pairs, connected, made_plastic, present, rewired


@pytest.mark.parametrize("listed", [1 << 21, 0])
@pytest.mark.parametrize("loops", [True, False])
def test_absent_pairs_are_different_absent_and_evenly_drawn(
    listed: int, loops: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where they are found by trial, as in projections that are too large for a list."""
    monkeypatch.setattr(module, "MOST_LISTED", listed)
    rng, counts, rounds = np.random.default_rng(1), np.zeros(25), 1500
    pre, post = np.array([0, 1, 4]), np.array([3, 1, 0])
    for _ in range(rounds):
        a, b = absent_pairs(pre, post, (5, 5), loops, 6, rng)
        assert np.unique(a * 5 + b).size == 6
        counts[a * 5 + b] += 1
    free = np.ones(25, bool)
    free[pre * 5 + post] = False
    if not loops:
        free[np.arange(5) * 6] = False
    assert counts[~free].sum() == 0
    share = 6 / free.sum()
    deviation = (counts[free] - rounds * share) / np.sqrt(rounds * share * (1 - share))
    assert np.abs(deviation).max() < 4


def network() -> nr.Network:
    net = nr.Network(seed=4)
    x, h = net.inputs(3, name="x"), net.neurons(4, "lif", name="h", learn=["bias"])
    y = net.neurons(1, "leaky_readout", name="y")
    net.connect(x, h, name="in")
    net.connect(h, h, indegree=2, self_connections=False, delay="3 ms", name="loop")
    net.connect(h, y, name="out")
    return net


def test_survivors_keep_their_values_and_all_are_numbered_anew() -> None:
    before = plan(made_plastic(network(), ["loop"]))
    values = np.arange(before.values.size, dtype=float) + 1
    keep = np.ones(8, bool)
    keep[[1, 5]] = False
    fresh = np.array([0]), np.array([1]), np.array([-7.0])
    rng = np.random.default_rng(0)
    made, old, new = rewired(before, values, {"loop": Change(keep, *fresh)}, rng, True)
    loop = made.net.projections["loop"]
    assert loop.pre[-1] == 0
    assert set(loop.delay) == {3}
    np.testing.assert_array_equal(made.values[made.names["in"]], values[before.names["in"]])
    np.testing.assert_array_equal(made.values[made.names["h.bias"]], values[before.names["h.bias"]])
    expected = np.append(values[before.names["loop"]][keep], -7.0)
    np.testing.assert_array_equal(made.values[made.names["loop"]], expected)
    there = old >= 0
    np.testing.assert_array_equal(new[old[there]], np.flatnonzero(there))
    assert int((new < 0).sum()) == 2
    # Influence that came through the two that are gone is still about.
    gone = before.net.projections["loop"]
    edges = {*zip(gone.pre[[1, 5]].tolist(), gone.post[[1, 5]].tolist(), strict=True)}
    assert {*zip(*made.past.tolist(), strict=True)} == edges
    assert connected(made, ["loop"]) == {"loop": 7 / 12}


def test_a_copy_of_the_present_leaves_the_network_as_it_was() -> None:
    net = network()
    before = plan(made_plastic(net, ["loop"]))
    nothing = np.zeros(0, np.int64)
    change = Change(np.arange(8) > 3, nothing, nothing, np.zeros(0))
    rng = np.random.default_rng(0)
    made, *_ = rewired(before, before.values, {"loop": change}, rng, False)
    copy = present(net, made, made.values)
    assert copy.projections["loop"].pre.size == 4
    assert net.projections["loop"].pre.size == 8
    assert copy.projections["loop"].spread is None
    assert made.past.size == 0
