"""Plastic synapses in a simulation: against the readable twin, and what users see of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.equations.library import synapse_files
from tests.reference.plastic import PlasticTwin

STEPS = 150


def network(name: str) -> tuple[nr.Network, np.ndarray]:
    """Two populations and a loop through both, mixed delays, a modulator of each kind."""
    net = nr.Network(dt="1 ms", seed=5)
    x, reward = net.inputs(4, name="x"), net.inputs(2, name="reward")
    y = net.neurons(5, "lif", name="y", tau_m="uniform(10 ms, 30 ms)", refractory="2 ms")
    z = net.neurons(3, "lif_current", name="z")
    rewarded = "reward" in nr.load_synapse(name).on
    options: dict[str, Any] = {"plasticity": name, "learn": False, "delay": "uniform(0 ms, 4 ms)"}
    given = options | ({"modulator": reward} if rewarded else {})
    earned = options | ({"modulator": z} if rewarded else {})
    scale = 6 if name == "short_term" else 1  # only a part of the weight is released
    net.connect(x, y, weights=f"{scale}*(0.4 + 0.4*rand())", name="in", **given)
    net.connect(y, z, weights=f"{scale}*(0.5 + 0.5*rand())", density=0.7, name="on", **given)
    net.connect(z, y, weights="uniform(0, 0.2)", name="back", **earned)
    rng = np.random.default_rng(0)
    inputs = (rng.random((STEPS, 6)) < 0.12).astype(float)
    inputs[:, 4:] *= rng.normal(size=(STEPS, 2))
    return net, inputs


@pytest.mark.parametrize("name", synapse_files())
def test_the_readable_twin_agrees(name: str) -> None:
    """Every shipped text: all spikes, and every variable of every synapse."""
    net, inputs = network(name)
    simulation, twin = nr.Simulation(net), PlasticTwin(net)
    recording = simulation.run(inputs)
    for t, x in enumerate(inputs):
        twin.step(t, x)
    for population in ("y", "z"):
        spikes = recording[population]
        assert list(zip(spikes.step, spikes.i, strict=True)) == twin.spikes[population]
        assert len(spikes.i) > 5
    changed = False
    for label, synapses in twin.synapses.items():
        found = simulation.synapses(label)
        for variable in found.values:
            expected = np.array([s.known[variable] for s in synapses])
            np.testing.assert_allclose(found[variable], expected, rtol=1e-10, atol=1e-13)
            changed |= bool(np.ptp(expected) > 0) and variable != "w"
        np.testing.assert_array_equal(found.i, net.projections[label].pre)
        np.testing.assert_array_equal(found.j, net.projections[label].post)
    assert changed


def varied() -> tuple[nr.Network, np.ndarray]:
    """Synapses with parameters of their own: 40 a unit, so that no block of them is the last."""
    net = nr.Network(dt="1 ms", seed=2)
    x, y = net.inputs(40, name="x"), net.neurons(6, "lif", name="y")
    stdp = {"name": "stdp", "tau_pre": "uniform(5 ms, 30 ms)", "dApre": 0.1, "dApost": -0.1}
    net.connect(x, y, weights="0.2*rand()", plasticity=stdp | {"w_max": "0.2 + 0.3*rand()"})
    inputs = (np.random.default_rng(1).random((STEPS, 40)) < 0.1).astype(float)
    return net, inputs


def test_parameters_of_synapses_in_several_blocks() -> None:
    net, inputs = varied()
    simulation, twin = nr.Simulation(net), PlasticTwin(net)
    recording = simulation.run(inputs)
    for t, x in enumerate(inputs):
        twin.step(t, x)
    assert recording["y"].i.size > 50
    for variable, values in simulation.synapses("x_y").values.items():
        expected = [s.known[variable] for s in twin.synapses["x_y"]]
        np.testing.assert_allclose(values, expected, rtol=1e-10, atol=1e-13)


def pair(**options: Any) -> tuple[nr.Network, np.ndarray]:
    """Two inputs that drive a unit each, which spikes in the step after its input."""
    net = nr.Network(dt="1 ms")
    x, y = net.inputs(2, name="x"), net.neurons(2, "lif", name="y")
    net.connect(x, y, one_to_one=True, weights=2.0, name="drive")
    net.connect(x, y, pairs=([0], [1]), weights=0.1, name="s", **options)
    return net, np.zeros((30, 2))


@pytest.mark.parametrize(("first", "second", "sign"), [(5, 12, 1), (12, 5, -1)])
def test_a_pair_of_spikes_changes_the_weight_as_the_formula_says(
    first: int, second: int, sign: int
) -> None:
    """w_max A e^(-|gap|/tau): Song, Miller & Abbott 2000; a source first strengthens."""
    net, inputs = pair(plasticity={"name": "stdp", "tau_pre": "9 ms", "tau_post": "5 ms"})
    inputs[first, 0] = inputs[second - 1, 1] = 1.0
    simulation = nr.Simulation(net)
    simulation.run(inputs)
    expected = 0.01 * np.exp(-7 / 9) if sign > 0 else -0.0105 * np.exp(-7 / 5)
    assert simulation.synapses("s").w[0] - 0.1 == pytest.approx(expected, rel=1e-12)


def test_arrivals_come_after_the_delay_and_spikes_of_targets_at_once() -> None:
    """With 3 ms of delay the gap of 7 steps is one of 4; and pre comes before post in a step."""
    net, inputs = pair(plasticity={"name": "stdp", "tau_pre": "9 ms"}, delay="3 ms")
    inputs[5, 0] = inputs[11, 1] = 1.0
    simulation = nr.Simulation(net)
    simulation.run(inputs)
    gained = simulation.synapses("s").w[0] - 0.1
    assert gained == pytest.approx(0.01 * np.exp(-4 / 9), rel=1e-12)
    net, inputs = pair(plasticity="stdp", delay="7 ms")
    inputs[5, 0] = inputs[11, 1] = 1.0
    simulation = nr.Simulation(net)
    simulation.run(inputs)
    assert simulation.synapses("s").w[0] - 0.1 == pytest.approx(0.01, rel=1e-12)


def test_what_is_sent_is_the_value_at_its_statement() -> None:
    """Depression at the arrival: the first spike brings 0.1, the second half of it."""
    synapse = nr.make_synapse("w : 1", on_pre="v_post += w; w *= 0.5")
    net = nr.Network(dt="1 ms")
    x, y = net.inputs(1, name="x"), net.neurons(1, "lif", name="y", tau_m="1e9 ms")
    net.connect(x, y, weights=0.1, plasticity=synapse, name="s")
    run = nr.simulate(net, np.ones((4, 1)), record=["y.v", "s.w"])
    np.testing.assert_allclose(run.states["y.v"][0], [0, 0.1, 0.15, 0.175], rtol=1e-8)
    np.testing.assert_array_equal(run.states["s.w"][0], [0.1, 0.05, 0.025, 0.0125])


def test_a_gain_of_the_entry_multiplies_what_is_sent() -> None:
    net = nr.Network(dt="1 ms")
    x, y = net.inputs(1, name="x"), net.neurons(1, "lif_alpha", name="y")
    net.connect(x, y, weights=0.5, plasticity="stdp")
    still = nr.Network(dt="1 ms")
    a, b = still.inputs(1, name="x"), still.neurons(1, "lif_alpha", name="y")
    still.connect(a, b, weights=0.5)
    one, other = (nr.simulate(n, np.ones((3, 1)), record=["y.v"]) for n in (net, still))
    np.testing.assert_array_equal(one.states["y.v"], other.states["y.v"])
    assert one.states["y.v"].any()


def test_a_run_in_parts_is_the_whole_run() -> None:
    net, inputs = network("stdp_dopamine")
    whole, parts = nr.Simulation(net), nr.Simulation(net)
    one = whole.run(inputs, record=["in.w"], every=3)
    two = [parts.run(part, record=["in.w"], every=3) for part in np.array_split(inputs, 4)]
    joined = np.concatenate([p.states["in.w"] for p in two], axis=1)
    np.testing.assert_array_equal(joined, one.states["in.w"])
    for variable, values in whole.synapses("back").values.items():
        np.testing.assert_array_equal(parts.synapses("back")[variable], values)


def test_two_simulations_of_one_network_do_not_know_each_other() -> None:
    net, inputs = network("stdp")
    first = nr.simulate(net, inputs, record=["in.w"]).states["in.w"]
    np.testing.assert_array_equal(nr.simulate(net, inputs, record=["in.w"]).states["in.w"], first)
    np.testing.assert_array_equal(first[:, 0], net.projections["in"].weights)


def test_weights_are_streamed_to_a_file(tmp_path: Path) -> None:
    net, inputs = network("stdp")
    chosen = {"back.w": [4, 1], "y.v": [0]}
    kept = nr.simulate(net, inputs, record=chosen, every=10).states
    simulation = nr.Simulation(net)
    with simulation.record(tmp_path / "run.h5", inputs, record=chosen, every=10, block=32) as run:
        trace = run.state("back.w")
    np.testing.assert_array_equal(trace.units, [4, 1])
    np.testing.assert_array_equal(trace.steps, np.arange(0, STEPS, 10))
    np.testing.assert_array_equal(trace.values.T, kept["back.w"])
    assert kept["back.w"].shape == (2, 15)
    every = nr.simulate(net, inputs, record=["back.w"], every=10).states["back.w"]
    np.testing.assert_array_equal(kept["back.w"], every[[4, 1]])


def test_unknown_names_and_numbers_are_refused() -> None:
    net, inputs = network("stdp")
    simulation = nr.Simulation(net)
    with pytest.raises(nr.NeuroRtrlError, match=r"Did you mean 'back.w'"):
        simulation.run(inputs, record=["back.ww"])
    with pytest.raises(nr.NeuroRtrlError, match="not numbers of units"):
        simulation.run(inputs, record={"back.w": [15]})
    with pytest.raises(nr.NeuroRtrlError, match="Did you mean 'back'"):
        simulation.synapses("bakc")
    with pytest.raises(nr.NeuroRtrlError, match="Did you mean 'Apre'"):
        simulation.synapses("back")["Apr"]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_variable_that_grows_without_bounds_is_reported(
    monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    monkeypatch.setattr("neuro_rtrl.engine.shares.cores", lambda: 2)
    synapse = nr.make_synapse("w : 1\nx : 1", on_pre="x = 1e200*(1 + x*x)")
    net = nr.Network(dt="1 ms")
    x, y = net.inputs(3, name="x"), net.neurons(2, "lif", name="y")
    net.connect(x, y, weights=0.1, plasticity=synapse, name="s")
    inputs = np.zeros((9, 3))
    inputs[:, 1] = 1.0
    with pytest.raises(nr.NeuroRtrlError, match=r"s\.x, synapse 2: a variable of a synapse"):
        nr.simulate(net, inputs, threads=threads)


def test_external_input_of_a_map_model_may_be_plastic() -> None:
    """It acts before the update of its own step; the statements are done then."""
    net = nr.Network(dt="1 ms")
    x, y = net.inputs(1, name="x"), net.neurons(1, "ctrnn", name="y")
    net.connect(x, y, weights=1.0, plasticity=nr.make_synapse("w : 1", on_pre="post += w; w = 0"))
    still = nr.Network(dt="1 ms")
    still.connect(still.inputs(1, name="x"), still.neurons(1, "ctrnn", name="y"), weights=1.0)
    one = nr.simulate(net, np.ones((5, 1)), record=["y.h"]).states["y.h"]
    other = nr.simulate(still, [[1.0], [0], [0], [0], [0]], record=["y.h"]).states["y.h"]
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", synapse_files())
@pytest.mark.parametrize("threads", [2, 3])
def test_threads_give_the_same_bits(
    monkeypatch: pytest.MonkeyPatch, name: str, threads: int
) -> None:
    """Rewards from inputs and from units of any share, several calls, and what is recorded."""
    monkeypatch.setattr("neuro_rtrl.engine.shares.cores", lambda: 4)
    net, inputs = network(name)
    one, several = nr.Simulation(net, threads=1), nr.Simulation(net, threads=threads)
    assert several.threads == threads
    record: dict[str, Any] = {"on.w": [7, 0, 3], "y.v": [4, 0], "back.w": [14, 2], "z.v": [2]}
    for part in np.split(inputs, 3):
        a, b = one.run(part, record=record, every=2), several.run(part, record=record, every=2)
        for population in ("y", "z"):
            np.testing.assert_array_equal(b[population].step, a[population].step)
            np.testing.assert_array_equal(b[population].i, a[population].i)
        for place, values in a.states.items():
            np.testing.assert_array_equal(b.states[place], values)
        for projection in ("in", "on", "back"):
            for variable, values in one.synapses(projection).values.items():
                found = several.synapses(projection)[variable]
                np.testing.assert_array_equal(found, values)
    assert np.ptp(a.states["on.w"]) > 0


def test_threads_with_parameters_of_synapses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuro_rtrl.engine.shares.cores", lambda: 4)
    net, inputs = varied()
    one, several = nr.Simulation(net, threads=1), nr.Simulation(net, threads=4)
    one.run(inputs), several.run(inputs)
    for variable, values in one.synapses("x_y").values.items():
        np.testing.assert_array_equal(several.synapses("x_y")[variable], values)
