"""Firing rates kept near a target, feedback weights of one's own, losses averaged over steps."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.errors import BuildError, DescriptionError
from neuro_rtrl.network.auxiliary import with_counters
from tests.reference.dual import gradient
from tests.reference.twin import Simulation

STEPS = 40
RATE = nr.FiringRate(("h",), coefficient=30.0, target=0.1)


def network(connected: bool = True) -> nr.Network:
    net = nr.Network(dt="1 ms", seed=3)
    x, h = net.inputs(4, name="x"), net.neurons(6, "alif", name="h", learn="bias")
    g, y = net.neurons(3, "lif", name="g"), net.neurons(2, "leaky_readout", name="y")
    net.connect(x, h, weights="normal(0.5, 0.4)", name="in")
    if connected:
        net.connect(h, h, weights="normal(0, 0.4)", delay="1 ms", name="loop")
    net.connect(x, g, weights="normal(0.5, 0.4)", name="beside")
    net.connect(h, y, name="out")
    net.connect(g, y, name="other")
    return net


@pytest.fixture
def trial(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    targets = rng.standard_normal((2, STEPS, 2))
    targets[0, 10:30] = np.nan
    return (rng.random((2, STEPS, 4)) < 0.5).astype(float), targets


def learned(net: nr.Network, rule: str, trial: Any, **options: Any) -> dict[str, np.ndarray]:
    learner = nr.Learner(net, rule, precision="float64", update="sequence", **options)
    result = learner.run(*trial)
    assert result.predictions.shape == trial[1].shape
    return {name: np.array(value) for name, value in learner.gradient.items()}


def assert_same(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    assert set(found) == set(wanted)
    size = max(abs(a).max() for a in wanted.values())
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=1e-11 * size, err_msg=name)


def difference(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {name: one[name] - other[name] for name in one}


def of_rates(net: nr.Network, inputs: np.ndarray) -> dict[str, np.ndarray]:
    """The gradient of the rates' own loss, by the twin."""
    total: Any = 0.0
    for sequence in inputs:
        run = Simulation(with_counters(net, ["h"]))
        for t, x in enumerate(sequence):
            run.step(t, x)
        counts = [h["count"] for h in run.groups["h_count"].h]
        assert 0 < sum(c.value for c in counts) < len(counts) * STEPS
        for count in counts:
            slope = RATE.coefficient * (count.value / STEPS - RATE.target) / STEPS
            total = total + slope * gradient(count) / len(inputs)
    split: dict[str, np.ndarray] = run.learned.split(total)
    return split


@pytest.mark.parametrize("rule", ["rtrl", "bptt"])
def test_rates_have_the_gradient_of_the_twin(rule: str, trial: Any) -> None:
    net = network()
    plain, more = learned(net, rule, trial), learned(net, rule, trial, firing_rate=RATE)
    wanted = of_rates(net, trial[0])
    assert abs(wanted["in"]).max() > 1e-3
    assert_same(difference(more, plain), wanted)


@pytest.mark.parametrize("rule", ["eprop", "eprop-random", "superspike-random", "snap-1"])
def test_local_rules_know_the_rates_of_units_that_are_not_connected(rule: str, trial: Any) -> None:
    """Feedback weights are no matter for rates: a unit knows its own."""
    net = network(connected=False)
    plain, more = learned(net, rule, trial), learned(net, rule, trial, firing_rate=RATE)
    found = difference(more, plain)
    if rule == "superspike-random":  # its own surrogate and no reset: another number, same place
        assert abs(found["in"]).max() > 0
    else:
        assert_same(found, of_rates(net, trial[0]))
    assert not found["out"].any()
    assert not found["beside"].any()


@pytest.mark.parametrize(
    "rule", ["decolle", "rflo", "uoro", "sk-rtrl-2", "d-rtrl", "pp-prop", "dni", "tbptt-40"]
)
def test_other_rules_take_rates_too(rule: str, trial: Any) -> None:
    net = network()
    plain, more = learned(net, rule, trial), learned(net, rule, trial, firing_rate=RATE)
    assert all(np.isfinite(a).all() for a in more.values())
    assert any((more[name] != plain[name]).any() for name in ("in", "h.bias"))


def test_all_spiking_populations_unless_named(trial: Any) -> None:
    net, every = network(), nr.FiringRate(coefficient=30.0, target=0.1)
    named = nr.FiringRate(("h", "g"), 30.0, 0.1)
    assert_same(
        learned(net, "rtrl", trial, firing_rate=every),
        learned(net, "rtrl", trial, firing_rate=named),
    )


def test_learning_moves_the_rates_to_their_target(trial: Any) -> None:
    net, inputs = network(), trial[0]
    learner = nr.Learner(
        net,
        optimizer=nr.Adam(2e-2),
        update="sequence",
        firing_rate=nr.FiringRate(("h",), coefficient=100.0, target=0.05),
    )
    rates = []
    for _ in range(60):
        when, _ = learner.run(inputs, spikes=True).spikes["h"]
        rates.append(when.size / (6 * 2 * STEPS))
    assert rates[0] > 0.15
    assert abs(rates[-1] - 0.05) < 0.02


def test_rates_that_cannot_be_are_refused(trial: Any) -> None:
    with pytest.raises(DescriptionError, match=r"coefficient is out of range; given: 0"):
        nr.FiringRate(("h",), coefficient=0)
    with pytest.raises(DescriptionError, match=r"target is out of range; given: 10.*0 to 1"):
        nr.FiringRate(("h",), target=10)
    with pytest.raises(DescriptionError, match=r"target is no number; given: '20 Hz'.*0 to 1"):
        nr.FiringRate(("h",), target="20 Hz")  # type: ignore[arg-type]
    with pytest.raises(DescriptionError, match=r"firing_rate: unknown population.*'hh'"):
        nr.Learner(network(), update="sequence", firing_rate=nr.FiringRate(("hh",)))
    with pytest.raises(BuildError, match=r"firing_rate: y: .*no spikes.*one of g, h"):
        nr.Learner(network(), update="sequence", firing_rate=nr.FiringRate(("y",)))


@pytest.mark.parametrize("option", [{"firing_rate": RATE}, {"average": "steps"}])
@pytest.mark.parametrize("update", ["step", 5])
def test_options_of_whole_sequences(option: dict[str, Any], update: Any, trial: Any) -> None:
    (name,) = option
    with pytest.raises(BuildError, match=rf"update: {name} is of whole.*update=\"sequence\""):
        nr.Learner(network(), update=update, **option)
    learner = nr.Learner(network(), update="sequence", **option)
    with pytest.raises(BuildError, match=rf"step: {name} is of whole sequences.*Learner\.run"):
        learner.step(trial[0][0, 0], trial[1][0, 0])


def matrix(net: nr.Network, name: str) -> np.ndarray:
    p = net.projections[name]
    made = np.zeros((p.source.n, p.target.n))
    made[p.pre, p.post] = p.weights
    return made


@pytest.mark.parametrize("form", ["matrix", "synapses"])
@pytest.mark.parametrize(
    ("fed", "symmetric"),
    [
        ("eprop-random", "eprop"),
        ("eprop-adaptive", "eprop"),
        ("rflo", "rflo-symmetric"),
        ("superspike-random", "superspike"),
    ],
)
def test_the_readouts_own_weights_make_feedback_symmetric(
    fed: str, symmetric: str, form: str, trial: Any
) -> None:
    net = network()
    own = {
        name: matrix(net, name) if form == "matrix" else net.projections[name].weights
        for name in ("out", "other")
    }
    assert_same(learned(net, fed, trial, feedback=own), learned(net, symmetric, trial))


def test_feedback_that_is_not_given_is_that_of_the_rule(trial: Any) -> None:
    net = network()
    plain = learned(net, "eprop-random", trial)
    found = learned(net, "eprop-random", trial, feedback={"out": "normal(0, 2)"})
    again = learned(net, "eprop-random", trial, feedback={"out": "normal(0, 2)"})
    nothing = learned(net, "eprop-random", trial, feedback={"out": 0.0})
    assert (found["in"] != plain["in"]).any()
    assert not nothing["in"].any()
    np.testing.assert_array_equal(found["in"], again["in"])
    np.testing.assert_allclose(found["beside"], plain["beside"], rtol=1e-12)


@pytest.mark.parametrize("rule", ["rtrl", "eprop", "bptt", "decolle", "superspike-uniform"])
def test_rules_without_feedback_weights_say_so(rule: str) -> None:
    with pytest.raises(BuildError, match=rf"{rule} has no feedback weights.*eprop-random"):
        nr.Learner(network(), rule, update="sequence", feedback={"out": 1.0})


def test_wrong_feedback_is_refused() -> None:
    with pytest.raises(DescriptionError, match=r"readouts.*given: 'in'.*one of other, out"):
        nr.Learner(network(), "eprop-random", feedback={"in": 1.0})
    with pytest.raises(DescriptionError, match=r"out: the weight matrix has the wrong shape"):
        nr.Learner(network(), "eprop-random", feedback={"out": np.ones((2, 6))})


def test_the_mean_over_steps_with_targets(trial: Any) -> None:
    """Each sequence by its own number of them: 20 and 40."""
    net, (inputs, targets) = network(), trial
    whole = nr.Learner(net, precision="float64", update="sequence", average="steps")
    loss = whole.run(inputs, targets).loss
    wanted: dict[str, Any] = {}
    expected = 0.0
    for one, (x, y) in zip((20, 40), zip(inputs, targets, strict=True), strict=True):
        alone = nr.Learner(net, precision="float64", update="sequence")
        expected += alone.run(x[None], y[None]).loss / one / 2
        for name, value in alone.gradient.items():
            wanted[name] = wanted.get(name, 0.0) + value / one / 2
    assert loss == pytest.approx(expected, rel=1e-12)
    assert_same(dict(whole.gradient), wanted)


def test_rates_are_not_averaged_over_steps(trial: Any) -> None:
    net = network()
    plain = learned(net, "rtrl", trial, average="steps")
    more = learned(net, "rtrl", trial, average="steps", firing_rate=RATE)
    assert_same(difference(more, plain), of_rates(net, trial[0]))


def test_an_unknown_average() -> None:
    with pytest.raises(DescriptionError, match=r"unknown average; given: 'step'.*'steps'"):
        nr.Learner(network(), update="sequence", average="step")


@pytest.mark.parametrize("given", ["adam", nr.Adam, 1e-3])
def test_what_is_no_optimizer(given: Any) -> None:
    with pytest.raises(DescriptionError, match=r"no optimizer.*; given: .*for example") as raised:
        nr.Learner(network(), optimizer=given)
    for name in re.findall(r"nr\.(\w+)\(", str(raised.value)):
        assert callable(getattr(nr, name))
