"""Runs cover all synapses, and arrivals fall where synapse by synapse they would."""

from __future__ import annotations

import numpy as np

import neuro_rtrl as nr
from neuro_rtrl.engine.build import build


def network(density: float) -> nr.Network:
    net = nr.Network(dt="1 ms", seed=4)
    x = net.inputs(3, name="x")
    a = net.neurons(6, "lif", name="a")
    b = net.neurons(4, "lif_conductance", name="b", t_ref="2 ms")
    net.connect(x, a, weights="normal(1, 1)", density=density)
    for port in ("excitation", "inhibition"):
        net.connect(x, b, weights="uniform(0, 1)", port=port, density=density)
    net.connect(a, a, weights="normal(0, 1)", delay="uniform(0 ms, 2 ms)")
    return net


def test_places_and_what_blocks_them_are_those_of_each_synapse() -> None:
    for density in (0.5, 1.0):
        built = build(network(density))
        wires, units = built.wires, built.units
        assert wires.run_first[wires.run].tolist() == wires.first.tolist()
        p, v = units.population[wires.target], wires.variable
        wanted = units.at_h[p] + v * units.size[p] + wires.target - units.first[p]
        np.testing.assert_array_equal(wires.where, wanted)
        blocked = (units.refractory[p] != 0) & (units.blind[p, v] != 0)
        runs = np.repeat(np.arange(wires.run_blocks.size), np.diff(wires.run_first))
        np.testing.assert_array_equal(wires.run_blocks[runs] != 0, blocked)
        for r in range(wires.run_blocks.size):
            inside = slice(wires.run_first[r], wires.run_first[r + 1])
            one_gain = np.ptp(wires.gain[inside]) == 0
            assert bool(wires.run_alike[r]) == one_gain
            assert bool(wires.run_dense[r]) == (one_gain and in_line(wires.where[inside]))


def in_line(places: np.ndarray) -> bool:
    return bool((np.diff(places.astype(int)) == 1).all())


def runs_of(net: nr.Network, source: int) -> list[tuple[int, bool]]:
    """Synapses of each run of a source, and whether they lie in a line."""
    wires = build(net).wires
    chosen = slice(wires.run[wires.group[source]], wires.run[wires.group[source + 1]])
    sizes = np.diff(wires.run_first)[chosen]
    return list(zip(sizes.tolist(), (wires.run_dense[chosen] != 0).tolist(), strict=True))


def small(n: int, density: float, model: str = "lif") -> nr.Network:
    """Units that all reach two readouts."""
    net = nr.Network(dt="1 ms", seed=2)
    h = net.neurons(n, model, name="h")
    y = net.neurons(2, "leaky_readout", name="y")
    net.connect(h, h, density=density)
    net.connect(h, y)
    return net


def test_targets_in_a_line_are_one_run_across_populations() -> None:
    assert runs_of(small(20, 1.0), 3) == [(22, True)]


def test_short_runs_are_joined() -> None:
    ((size, dense),) = runs_of(small(20, 0.4), 3)
    assert 2 < size < 22 and not dense


def test_targets_that_are_deaf_at_times_are_not_joined_with_others() -> None:
    net = nr.Network(dt="1 ms", seed=2)
    h = net.neurons(4, "lif", name="h", t_ref="2 ms")
    free = net.neurons(3, "lif", name="free")
    for target in (h, free):
        net.connect(h, target)
    assert runs_of(net, 1) == [(4, True), (3, True)]
    assert build(net).wires.run_blocks.tolist() == [1, 0] * 4


def test_a_long_line_stays_one() -> None:
    """Between the states of `alif` units and a readout lies their other state."""
    assert runs_of(small(20, 1.0, "alif"), 3) == [(20, True), (2, True)]
    assert runs_of(small(5, 1.0, "alif"), 3) == [(7, False)]


def test_dense_projections_are_dense_runs() -> None:
    built = build(network(1.0))
    first = slice(built.wires.run[built.plan.n], built.wires.run[built.plan.n + 1])
    assert built.wires.run_dense[first].any()


def test_no_synapses_no_runs() -> None:
    net = nr.Network(dt="1 ms")
    net.inputs(2, name="x")
    net.neurons(2, "lif", name="h")
    assert build(net).wires.run.tolist() == [0]
