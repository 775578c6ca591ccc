"""Projections in the order in which events visit synapses."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.network.describe import Network
from neuro_rtrl.network.wires import _order, firsts, wire


def two_layers() -> Network:
    net = Network(dt="1 ms", seed=3)
    x = net.inputs(3, name="x")
    h = net.neurons(4, "lif", name="h")
    z = net.inputs(2, name="z")
    y = net.neurons(2, "leaky_readout", name="y")
    net.connect(x, h, delay="uniform(0 ms, 3 ms)")
    net.connect(h, h, density=0.6, delay="uniform(0 ms, 3 ms)", learn=False)
    net.connect(z, y, pairs=([1, 1, 0], [0, 0, 1]), weights=[1.0, 2.0, 3.0], delay="1 ms")
    return net


def test_units_come_first_and_inputs_after_them() -> None:
    first, units, sources = firsts(two_layers())
    assert first == {"h": 0, "y": 4, "x": 6, "z": 9}
    assert (units, sources) == (6, 11)


def test_places_lead_back_to_the_projections() -> None:
    net = two_layers()
    made = wire(net)
    first, _, _ = firsts(net)
    for name, projection in net.projections.items():
        place = made.places[name]
        source, target = projection.source.name, projection.target.name
        np.testing.assert_array_equal(made.weight[place], projection.weights)
        np.testing.assert_array_equal(made.source[place], projection.pre + first[source])
        np.testing.assert_array_equal(made.wires.target[place], projection.post + first[target])
        assert (made.learn[place] == projection.learn).all()
    together = np.concatenate(list(made.places.values()))
    np.testing.assert_array_equal(np.sort(together), np.arange(made.weight.size))


def test_groups_hold_one_source_and_one_delay() -> None:
    net = two_layers()
    made = wire(net)
    wires = made.wires
    delay = np.empty(made.weight.size, np.int64)
    for name, projection in net.projections.items():
        delay[made.places[name]] = projection.delay
    for source in range(wires.group.size - 1):
        groups = range(wires.group[source], wires.group[source + 1])
        delays = [int(wires.delay[g]) for g in groups]
        assert delays == sorted(set(delays))
        for g in groups:
            synapses = slice(wires.first[g], wires.first[g + 1])
            assert (made.source[synapses] == source).all()
            assert (delay[synapses] == wires.delay[g]).all()
            assert (np.diff(wires.target[synapses]) >= 0).all()
    assert wires.first[-1] == made.weight.size
    assert wires.ring[0] == delay.max() + 2


def test_external_input_of_a_map_model_is_one_step_early() -> None:
    net = Network(dt="1 ms")
    x, h = net.inputs(1), net.neurons(1, "threshold_rnn")
    net.connect(x, h, delay="2 ms")
    net.connect(h, h, delay="2 ms")
    wires = wire(net).wires
    assert wires.collects.tolist() == [1, 1]
    assert wires.delay.tolist() == [2, 1]  # unit first, then input


def test_gain_and_variable_come_from_the_port() -> None:
    net = Network(dt="1 ms")
    x, h = net.inputs(2), net.neurons(2, "lif_current", name="h")
    assert h.model is not None
    made = net.connect(x, h)
    wires = wire(net).wires
    names = [s.name for s in h.model.states]
    assert (wires.variable == names.index(made.port.target)).all()
    assert (wires.gain == float(made.port.gain)).all()


def test_no_projections() -> None:
    net = Network()
    net.neurons(2, "lif")
    made = wire(net)
    assert made.weight.size == 0 and made.places == {}
    assert made.wires.group.tolist() == [0, 0, 0]
    assert made.wires.ring[0] == 2


def test_synapses_in_order_stay_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Network(dt="1 ms", seed=3)
    h = net.neurons(9, "lif", name="h")
    net.connect(h, h, density=0.5)
    monkeypatch.setattr(np, "argsort", lambda *_, **__: pytest.fail("sorted again"))
    made = wire(net)
    np.testing.assert_array_equal(made.places["h_h"], np.arange(made.weight.size))


def test_six_keys_that_no_number_holds() -> None:
    """One after the other gives the order that one number gives."""
    rng = np.random.default_rng(0)
    small = {k: rng.integers(-1, 3, 400) for k in ("source", "delay", "target", "variable")}
    small["collects"] = rng.integers(0, 2, 400).astype(np.uint8)
    small["plastic"] = rng.integers(0, 3, 400).astype(np.int16)
    large = small | {"target": small["target"] * 2**61}
    np.testing.assert_array_equal(_order(small), _order(large))
