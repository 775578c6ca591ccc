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


def test_runs_are_on_one_state_of_one_population() -> None:
    for density in (0.5, 1.0):
        built = build(network(density))
        wires, units = built.wires, built.units
        assert wires.run_first[wires.run].tolist() == wires.first.tolist()
        for r in range(wires.run_blocks.size):
            inside = slice(wires.run_first[r], wires.run_first[r + 1])
            target, variable = wires.target[inside], wires.variable[inside]
            p, v = units.population[target[0]], variable[0]
            assert (units.population[target] == p).all() and (variable == v).all()
            wanted = units.at_h[p] + v * units.size[p] + target - units.first[p]
            np.testing.assert_array_equal(wires.where[inside], wanted)
            assert bool(wires.run_blocks[r]) == bool(units.refractory[p] and units.blind[p, v])
            if wires.run_dense[r]:
                assert (np.diff(target) == 1).all() and np.ptp(wires.gain[inside]) == 0


def test_dense_projections_are_dense_runs() -> None:
    built = build(network(1.0))
    first = slice(built.wires.run[built.plan.n], built.wires.run[built.plan.n + 1])
    assert built.wires.run_dense[first].any()


def test_no_synapses_no_runs() -> None:
    net = nr.Network(dt="1 ms")
    net.inputs(2, name="x")
    net.neurons(2, "lif", name="h")
    assert build(net).wires.run.tolist() == [0]
