"""What Brian2 tests of itself, as networks of ours that both sides run: `pytest -m verification`.

Each scenario is a small network in which one feature decides when units spike; both sides must
give the same spikes and states. Scenarios that need no Brian2 are ordinary tests, at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from neuro_rtrl.contracts import Model
from neuro_rtrl.engine.simulation import simulate
from neuro_rtrl.equations.model_inline import make_model
from neuro_rtrl.network.describe import Network
from neuro_rtrl.simulation_inputs import Events
from neuro_rtrl.simulation_text import load_simulation, make_network
from neuro_rtrl.validation import simulate_here
from neuro_rtrl.validation_agreement import first_difference
from neuro_rtrl.validation_brian import Run, run_in_brian

STEPS = 600


def unit(held: bool = True, **lines: Any) -> Model:
    """A unit in millivolts with two entries, whose lines may be replaced."""
    flag = " (unless refractory)" if held else ""
    given: dict[str, Any] = {
        "method": "exact",
        "threshold": "v > theta",
        "reset": "v = 0*mV; a += 1",
        "refractory": "t_ref",
        "synapses": {"jump": "v += w*mV", "slow": "I += w*mV"},
    }
    parameters = {
        "tau": "10 ms",
        "tau_s": "4 ms",
        "tau_a": "50 ms",
        "theta": "10 mV",
        "t_ref": "2 ms",
    }
    given["parameters"] = parameters | lines.pop("parameters", {})
    equations = f"dv/dt = (I - v)/tau : volt{flag}\ndI/dt = -I/tau_s : volt\nda/dt = -a/tau_a : 1"
    return make_model(equations, name="unit", **{**given, **lines})


def poisson(steps: int, n: int, rate: float = 0.02, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random((steps, n)) < rate).astype(float)


def same(net: Network, inputs: np.ndarray, record: Sequence[str], fewest: int = 20) -> Run:
    """Both sides, which must agree; ours."""
    ours, theirs = simulate_here(net, inputs, [*record]), run_in_brian(net, inputs, record)
    assert first_difference(ours, theirs) is None
    for key in record:
        scale = max(1e-300, float(np.abs(theirs.states[key]).max()))
        np.testing.assert_allclose(ours.states[key], theirs.states[key], rtol=0, atol=1e-9 * scale)
    spiking = [p.name for p in net.populations.values() if p.model and p.model.threshold]
    assert sum(len(ours.spikes[name][0]) for name in spiking) >= fewest
    return ours


def driven(model: Model | str, n: int = 8, dt: str = "0.5 ms", **options: Any) -> Network:
    """Sources -> units that are coupled with each other, with delays."""
    net = Network(dt=dt, seed=1)
    x = net.inputs(10, name="x")
    a = net.neurons(n, model, name="a", **options)
    port = None if isinstance(model, str) else "slow"
    net.connect(x, a, density=0.6, weights=6.0, port=port)
    net.connect(a, a, density=0.4, weights=1.5, delay="uniform(0 ms, 4 ms)")
    return net


RESETS = {
    "one after the other": "a += v/mV; v = 0*mV",
    "the other way round": "v = 0*mV; a += v/mV",
    "by subtraction": "v -= theta; a += 1",
    "to something of another state": "v = 0.1*mV*a; a += 1",
    "with a product": "v *= 0.5; a += 1",
}
REFRACTORY: dict[str, dict[str, Any]] = {
    "none": {"t_ref": "0 ms"},
    "the same for all": {"t_ref": "3 ms"},
    "less than a step": {"t_ref": "0.2 ms"},
    "not a multiple of the step": {"t_ref": "1.3 ms"},
    "one for each unit": {"t_ref": np.linspace(0, 7e-3, 8)},
    "drawn": {"t_ref": "uniform(0 ms, 5 ms)"},
}


@pytest.mark.verification
@pytest.mark.parametrize("reset", RESETS)
def test_resets(reset: str) -> None:
    same(driven(unit(reset=RESETS[reset])), poisson(STEPS, 10), ["a.v", "a.a"])


def test_the_order_of_a_reset_matters() -> None:
    runs = [
        simulate(driven(unit(reset=RESETS[name])), poisson(STEPS, 10), record=["a.a"])
        for name in ("one after the other", "the other way round")
    ]
    assert runs[0].states["a.a"].max() > 5
    assert runs[1].states["a.a"].max() == 0


@pytest.mark.verification
@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("period", REFRACTORY)
def test_refractory_periods(period: str, held: bool) -> None:
    same(driven(unit(held), **REFRACTORY[period]), poisson(STEPS, 10), ["a.v", "a.I"])


@pytest.mark.verification
@pytest.mark.parametrize("until", ["v > 4*mV", "a > 2.5", "I > 8*mV", "2*t_ref + 1*ms"])
def test_refractory_expressions_and_conditions(until: str) -> None:
    net = driven(unit(False, refractory=until, reset="v -= 3*mV; a += 1"))
    same(net, poisson(STEPS, 10, 0.05), ["a.v", "a.a"], fewest=8)


@pytest.mark.verification
@pytest.mark.parametrize(
    "threshold",
    ["v > theta", "v >= theta", "v > theta*(1 + 0.1*a)", "v + I > 15*mV", "a < v/theta"],
)
def test_thresholds(threshold: str) -> None:
    same(driven(unit(threshold=threshold)), poisson(STEPS, 10, 0.05), ["a.v"])


@pytest.mark.verification
def test_a_threshold_that_is_met_exactly() -> None:
    for threshold, fewest in (("v >= theta", 100), ("v > theta", 0)):
        net = Network(dt="1 ms")
        x = net.inputs(1, name="x")
        model = unit(threshold=threshold, parameters={"tau": "1e18 s"})
        net.connect(x, net.neurons(1, model, name="a", t_ref="0 ms"), weights=10.0)
        ours = same(net, np.ones((200, 1)), ["a.v"], fewest)
        # At its threshold after one arrival, above it after two; the one of a spike is reset.
        assert len(ours.spikes["a"][0]) == (100 if fewest else 66)


@pytest.mark.verification
@pytest.mark.parametrize("delay", ["0 ms", "0.5 ms", "20 ms", "0.74 ms", "0.76 ms", "mixed"])
def test_delays(delay: str) -> None:
    net = Network(dt="0.5 ms", seed=2)
    x = net.inputs(6, name="x")
    a, b = (net.neurons(5, unit(), name=name) for name in "ab")
    times = delay if delay != "mixed" else "uniform(0 ms, 12 ms)"
    net.connect(x, a, weights=4.0)
    for source, target in ((a, b), (b, a), (b, b)):
        net.connect(source, target, weights=5.0, delay=times)
    same(net, poisson(STEPS, 6, 0.05), ["a.v", "b.v"])


@pytest.mark.verification
def test_several_ways_from_one_population_to_another() -> None:
    net = Network(dt="0.5 ms", seed=3)
    x = net.inputs(6, name="x")
    a = net.neurons(6, unit(), name="a")
    net.connect(x, a, weights=3.0, port="jump")
    net.connect(x, a, weights=2.0, port="slow", delay="3 ms")
    net.connect(x, a, density=0.5, weights=-1.0, port="jump", delay="1 ms", name="third")
    twice = ([0, 0, 0, 5], [1, 1, 1, 1])  # three synapses between the same two units
    net.connect(a, a, pairs=twice, weights=np.array([1.0, 2.0, -4.0, 1.5]), delay="2 ms")
    same(net, poisson(STEPS, 6, 0.05), ["a.v", "a.I"])


@pytest.mark.verification
def test_units_that_excite_themselves() -> None:
    net = Network(dt="0.5 ms")
    x = net.inputs(3, name="x")
    a = net.neurons(3, unit(), name="a", t_ref=np.array([0.0, 1e-3, 4e-3]))
    net.connect(x, a, one_to_one=True, weights=12.0)
    net.connect(a, a, one_to_one=True, weights=12.0, delay="2 ms")  # in a refractory period or not
    inputs = np.zeros((STEPS, 3))
    inputs[3] = 1
    ours = same(net, inputs, ["a.v"])
    counts = np.bincount(ours.spikes["a"][1], minlength=3)
    assert counts[0] > 50 and counts[1] > 50 and counts[2] == 1


@pytest.mark.verification
@pytest.mark.parametrize("method", ["exact", "euler", "rk4", "exponential_euler"])
@pytest.mark.parametrize("dt", ["0.1 ms", "1 ms"])
def test_methods(method: str, dt: str) -> None:
    same(driven(unit(method=method), dt=dt), poisson(STEPS, 10, 0.05), ["a.v", "a.I", "a.a"])


@pytest.mark.verification
def test_parameters_of_units_from_expressions() -> None:
    options = {"tau": "5*ms + 1*ms*i", "theta": "normal(10 mV, 1 mV)", "tau_a": "5*tau"}
    net = driven(unit(), initial={"v": "theta*rand()", "a": "i/N"}, **options)
    same(net, poisson(STEPS, 10), ["a.v", "a.a"])


@pytest.mark.verification
@pytest.mark.parametrize(
    ("name", "duration", "states"),
    [
        ("cuba", "0.3 s", ["excitatory.v"]),
        ("coba", "0.2 s", ["excitatory.v", "excitatory.ge"]),
        ("adaptive_threshold", "1 s", ["units.v", "units.vt"]),
        ("adex_patterns", "0.25 s", ["tonic.u", "bursting.v"]),
    ],
)
def test_shipped_simulations_have_the_spikes_of_brian(
    name: str, duration: str, states: list[str]
) -> None:
    text = load_simulation(name, [f"simulation.duration='{duration}'"])
    net = make_network(text)
    inputs = np.zeros((text.steps, 0))
    if text.sources:
        inputs = Events(text.sources, net.dt, text.seed).block(0, text.steps)
    same(net, inputs, states, fewest=50)


# ------------------------------------------------------------------------------ without Brian2


@pytest.mark.parametrize(
    "value", ["20 ms", "0.02 s", "20000 us", np.full(2, 0.02), "10*ms + 10*ms", "2*t_ref"]
)
def test_a_parameter_may_be_said_in_many_ways(value: Any) -> None:
    net = Network()
    made = net.neurons(2, unit(), name="a", tau=value, t_ref="10 ms")
    assert np.broadcast_to(made.parameters["tau"], 2) == pytest.approx(np.full(2, 0.02), rel=1e-15)


def test_a_zero_delay_passes_on_in_the_same_step() -> None:
    net = Network(dt="1 ms")
    x, model = net.inputs(1, name="x"), unit(parameters={"tau": "1e18 s"})
    chain = [net.neurons(1, model, name=name) for name in "abc"]
    for source, target in zip([x, *chain], chain, strict=False):
        net.connect(source, target, weights=11.0)
    inputs = np.zeros((6, 1))
    inputs[0] = 1
    run = simulate(net, inputs, record=["b.v"])
    # An arrival acts after the threshold test of its step: each unit spikes one step later.
    assert [run[name].step.tolist() for name in "abc"] == [[1], [2], [3]]


def test_poisson_units_fire_at_their_rate_with_an_exponential_interval() -> None:
    net = Network(dt="0.1 ms", seed=5)
    net.neurons(200, "poisson", name="a", base=np.repeat([100.0, 200.0], 100))
    run = simulate(net, steps=10_000)["a"]
    counts = np.bincount(run.i, minlength=200)
    assert counts[:100].mean() == pytest.approx(100, abs=3 * 10 / 10)
    assert counts[100:].mean() == pytest.approx(200, abs=3 * 14.1 / 10)
    assert counts[:100].var() == pytest.approx(100, rel=0.4)
    intervals = np.concatenate([np.diff(t) for k, t in run.spike_trains().items() if k < 100])
    assert intervals.std() / intervals.mean() == pytest.approx(1.0, abs=0.05)
