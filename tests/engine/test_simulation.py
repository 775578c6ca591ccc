"""Simulation: steps by hand, recordings, and what goes wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuro_rtrl.engine import shares, stream
from neuro_rtrl.engine.run_file import open_run
from neuro_rtrl.engine.simulation import Recording, Simulation, simulate
from neuro_rtrl.errors import DescriptionError, SimulationError
from neuro_rtrl.network.describe import Network

DECAY = np.exp(-1 / 20)


def one_unit(delay: str = "0 ms", **parameters: Any) -> Network:
    net = Network(dt="1 ms")
    x, unit = net.inputs(1, name="x"), net.neurons(1, "lif", name="unit", **parameters)
    net.connect(x, unit, weights=0.6, delay=delay)
    return net


def run(net: Network, spikes: list[float]) -> tuple[list[float], list[int]]:
    """States before each step, and the steps of the spikes, of the unit."""
    made = simulate(net, np.array(spikes)[:, None], record=["unit.v"])
    return made.states["unit.v"][0].tolist(), made["unit"].step.tolist()


def test_arrivals_come_after_the_threshold_test() -> None:
    v, spikes = run(one_unit(), [1, 1, 0, 0, 0])
    after = 0.6 * DECAY + 0.6
    assert v == pytest.approx([0, 0.6, after, 0, 0])
    assert spikes == [2]  # above 1 at the end of step 1, seen in step 2


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_a_delay_is_that_many_steps(steps: int) -> None:
    v, _ = run(one_unit(f"{steps} ms"), [1] + [0] * 7)
    assert np.flatnonzero(v).tolist()[0] == steps + 1
    assert v[steps + 1] == pytest.approx(0.6)


def test_values_scale_an_input_event() -> None:
    v, spikes = run(one_unit(), [0.5, -1.0, 0, 3.0, 0])
    assert v[1] == pytest.approx(0.3)
    assert v[2] == pytest.approx(0.3 * DECAY - 0.6)
    assert spikes == [4]


def test_a_refractory_unit_is_held_and_blind() -> None:
    """A spike in step 1: held in steps 2 and 3, blind to the arrivals of steps 1 to 3."""
    inputs = [3, 1, 1, 1, 1, 0]
    v, spikes = run(one_unit(t_ref="3 ms"), inputs)
    assert spikes == [1]
    assert v == pytest.approx([0, 1.8, 0, 0, 0, 0.6])
    v, spikes = run(one_unit(), inputs)
    assert v[2] == 0.0  # reset after the arrivals of the same step
    assert v[3] == pytest.approx(0.6)


def test_each_reset_by_hand() -> None:
    subtract, _ = run(one_unit(reset="v -= v_th"), [3, 0, 0])
    assert subtract[2] == pytest.approx(1.8 * DECAY - 1)
    to_value, _ = run(one_unit(v_reset=-0.5), [3, 0, 0])
    assert to_value[2] == -0.5


def test_a_recurrent_spike_with_and_without_delay() -> None:
    for delay, step in (("0 ms", 1), ("2 ms", 3)):
        net = one_unit()
        other = net.neurons(1, "lif", name="other")
        net.connect("unit", other, weights=0.7, delay=delay)
        made = simulate(net, [[3.0], [0], [0], [0], [0], [0]], record=["other.v"])
        assert np.flatnonzero(made.states["other.v"][0])[0] == step + 1


def test_map_models_use_external_input_in_the_same_step() -> None:
    net = Network(dt="1 ms")
    x = net.inputs(1)
    first = net.neurons(1, "threshold_rnn", name="first")
    second = net.neurons(1, "threshold_rnn", name="second")
    net.connect(x, first, weights=2.0)
    net.connect(first, second, weights=2.0)
    made = simulate(net, [[1.0], [0], [0], [0]])
    assert made["first"].step.tolist() == [0]
    assert made["second"].step.tolist() == [1]


def random_net(seed: int) -> Network:
    net = Network(dt="1 ms", seed=seed)
    x, h = net.inputs(10, name="x"), net.neurons(20, "lif", name="h")
    net.connect(x, h, weights="normal(0.5, 0.5)", density=0.5)
    net.connect(h, h, delay="uniform(1 ms, 4 ms)")
    net.connect(h, net.neurons(2, "leaky_readout", name="y"))
    return net


def spikes_of(made: Recording) -> list[tuple[int, int]]:
    return list(zip(made["h"].step.tolist(), made["h"].i.tolist(), strict=True))


def test_the_seed_makes_the_run(rng: np.random.Generator) -> None:
    inputs = (rng.random((60, 10)) < 0.3).astype(float)
    one, again, other = (simulate(random_net(s), inputs) for s in (1, 1, 2))
    assert len(spikes_of(one)) > 20
    assert spikes_of(one) == spikes_of(again)
    np.testing.assert_array_equal(one.predictions, again.predictions)
    assert spikes_of(one) != spikes_of(other)


def test_a_small_record_is_emptied_in_between(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = (rng.random((60, 10)) < 0.3).astype(float)
    whole = simulate(random_net(1), inputs, record=["h.v"])
    monkeypatch.setattr(stream, "RECORD_EVENTS", 2)
    parts = simulate(random_net(1), inputs, record=["h.v"])
    assert spikes_of(whole) == spikes_of(parts)
    np.testing.assert_array_equal(whole.states["h.v"], parts.states["h.v"])


def test_what_a_recording_holds(rng: np.random.Generator) -> None:
    net = random_net(1)
    made = simulate(net, (rng.random((50, 10)) < 0.3).astype(float), record=["y.y", "h.v"])
    assert list(made.states) == ["y.y", "h.v"]
    assert made.states["y.y"].shape == (2, 50) and made.states["h.v"].shape == (20, 50)
    # A state is recorded before its step, a prediction after it.
    np.testing.assert_array_equal(made.states["y.y"][:, 1:], made.predictions[:-1].T)
    assert (made.steps, made.dt) == (50, net.dt)
    np.testing.assert_allclose(made["h"].t, made["h"].step * 1e-3)
    with pytest.raises(DescriptionError, match=r"unknown population; given: 'hh'.*mean 'h'"):
        made["hh"]
    with pytest.raises(DescriptionError, match=r"unknown population; given: 'y'"):
        made["y"]


def test_no_inputs_at_all() -> None:
    net = Network(dt="1 ms")
    net.neurons(2, "lif", name="unit", bias=[0.5, 1.5], tau_m="5 ms")
    made = simulate(net, steps=20)
    assert set(made["unit"].i.tolist()) == {1}
    assert simulate(net, np.zeros((20, 0)))["unit"].step.tolist() == made["unit"].step.tolist()
    assert simulate(net, steps=0).predictions.shape == (0, 0)


@pytest.mark.parametrize("steps", [None, -1, 2.5, "3", True])
def test_a_run_needs_a_length(steps: Any) -> None:
    with pytest.raises(DescriptionError, match=r"steps: neither inputs nor a number of steps"):
        simulate(one_unit(), steps=steps)


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        ([1.0, 0.0], r"inputs have the wrong shape; given: \(2,\); expected: shape \(any, 1\)"),
        ([[1.0, 0.0]], r"inputs have the wrong shape; given: \(1, 2\)"),
        ([[np.nan]], r"inputs are not all finite"),
        ("spikes", r"inputs must be numbers"),
    ],
)
def test_inputs_that_are_refused(inputs: Any, text: str) -> None:
    with pytest.raises(DescriptionError, match=text):
        simulate(one_unit(), inputs)
    with pytest.raises(DescriptionError, match=r"expected: shape \(5, 1\)"):
        simulate(one_unit(), np.zeros((4, 1)), steps=5)


def test_an_unknown_state_is_refused() -> None:
    with pytest.raises(DescriptionError, match=r"unknown state to record.*Did you mean 'unit.v'"):
        simulate(one_unit(), [[1.0]], record=["unit.u"])


def overflowing() -> Network:
    net = Network(dt="1 ms")
    x, y = net.inputs(2, name="x"), net.neurons(3, "leaky_readout", name="y")
    net.connect(x, y, pairs=([0, 1], [1, 1]), weights=1e308)
    return net


def test_a_state_that_overflows_is_named() -> None:
    inputs = np.zeros((100, 2))
    inputs[3] = 1.0
    text = r"y\.y, unit 1, step 64 or shortly before: a state is not finite; given: inf.*time step"
    with pytest.raises(SimulationError, match=text):
        simulate(overflowing(), inputs)
    with pytest.raises(SimulationError, match=r"unit 1, step 5 or shortly before"):
        simulate(overflowing(), inputs[:5])


def test_an_answer_that_kernels_do_not_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "run", lambda *_: 99)
    with pytest.raises(SimulationError, match=r"the kernel stopped; given: 99"):
        simulate(one_unit(), [[1.0]])


def test_a_stream_to_a_file_is_the_run(tmp_path: Path, rng: np.random.Generator) -> None:
    inputs = (rng.random((60, 10)) < 0.3).astype(float)
    chosen = {"h.v": [7, 2], "y.y": [1]}
    whole = simulate(random_net(1), inputs, record=chosen, every=3)
    with Simulation(random_net(1)).record(
        tmp_path / "run.h5", inputs, record=chosen, every=3, block=7
    ) as file:
        assert file.complete and file.populations == {"h": 20}
        np.testing.assert_array_equal(file.spikes("h").i, whole["h"].i)
        np.testing.assert_array_equal(file.spikes("h").step, whole["h"].step)
        trace = file.state("h.v")
        np.testing.assert_array_equal(trace.values.T, whole.states["h.v"])
        assert trace.units.tolist() == [7, 2]
        np.testing.assert_allclose(trace.steps * 1e-3, whole.t)
        np.testing.assert_array_equal(file.state("y.y").values.T, whole.states["y.y"])


def test_a_stream_without_inputs(tmp_path: Path) -> None:
    net = Network(dt="1 ms")
    net.neurons(2, "lif", name="unit", bias=2.0, tau_m="5 ms")
    net.inputs(3)
    with Simulation(net).record(tmp_path / "run.h5", steps=50, block=8) as file:
        assert file.spikes("unit").i.size > 10


def test_what_came_before_an_error_can_be_read(tmp_path: Path) -> None:
    inputs = np.zeros((100, 2))
    inputs[50] = 1.0
    with pytest.raises(SimulationError, match=r"y\.y, unit 1, step 60 or shortly before"):
        Simulation(overflowing()).record(tmp_path / "run.h5", inputs, record=["y.y"], block=20)
    with open_run(tmp_path / "run.h5") as file:
        assert not file.complete
        assert file.state("y.y").steps.tolist() == list(range(40))
