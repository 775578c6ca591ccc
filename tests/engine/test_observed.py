"""Rows that are looked at are the derivatives of the twin, and looking changes nothing."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine.local_lane import LocalLane
from neuro_rtrl.engine.observed import Influence
from neuro_rtrl.errors import BuildError, NeuroRtrlError
from neuro_rtrl.registry import find
from tests.reference.tangents import DENSE
from tests.reference.twin import Simulation, gradient


def network(model: str = "alif") -> nr.Network:
    """A loop with delays, unit parameters that learn, a readout."""
    net = nr.Network(dt="1 ms", seed=3)
    x = net.inputs(3, name="x")
    h = net.neurons(4, model, name="h", learn=("bias",), surrogate={"width": 0.9})
    y = net.neurons(2, "leaky_readout", name="y")
    net.connect(x, h, weights="normal(0.7, 0.4)")
    net.connect(h, h, weights="normal(0, 0.6)", delay="uniform(0 ms, 2 ms)")
    net.connect(h, y, name="out")
    return net


def inputs(steps: int = 30) -> np.ndarray:
    rng = np.random.default_rng(5)
    return (rng.random((steps, 3)) < 0.4) * rng.uniform(0.5, 1.5, (steps, 3))


def dense(found: Influence, step: int, unit: int, states: int, net: nr.Network) -> dict[str, Any]:
    """Learned name -> (states, values) of a unit after a step."""
    sizes = {n: len(p.pre) for n, p in net.projections.items()} | {"h.bias": 4}
    made = {}
    for name in found.names:
        made[name], part = np.zeros((states, sizes[name])), found.of(name)
        chosen = (part.step == step) & (part.unit == unit)
        made[name][part.state[chosen], part.number[chosen]] = part.value[chosen]
    return made


def exact(net: nr.Network, x: np.ndarray, step: int) -> Simulation:
    run = Simulation(net)
    for t in range(step + 1):
        run.step(t, x[t])
    return run


@pytest.mark.parametrize("rule", ["rtrl", DENSE])
def test_rows_are_the_derivatives_of_the_states(rule: Any) -> None:
    net, x = network(), inputs()
    learner = nr.Learner(net, rule, precision="float64")
    found = learner.influence(x, units={"h": [0, 3], "y": [1]}, every=10)
    largest = 0.0
    for step in (9, 19, 29):
        run = exact(net, x, step)
        for name, unit in (("h", 0), ("h", 3), ("y", 1)):
            group = run.groups[name]
            made = dense(found[name], step, unit, len(group.h[unit]), net)
            for v, state in enumerate(group.h[unit].values()):
                wanted = run.learned.split(np.broadcast_to(gradient(state), run.learned.p))
                for key, values in wanted.items():
                    np.testing.assert_allclose(made[key][v], values, rtol=1e-9, atol=1e-12)
                    largest = max(largest, np.abs(values).max(initial=0))
    assert largest > 0.01
    assert set(found["h"].step) == {9, 19, 29}
    assert set(found["h"].unit) == {0, 3}


@pytest.mark.parametrize(
    ("model", "rule"), [("alif", "eprop"), ("lif_current", "eprop"), ("lif_current", "snap-1")]
)
def test_eligibility_traces_of_local_lanes_are_those_of_general_ones(model: str, rule: str) -> None:
    changes = {"refractory": "0 ms"} if model == "lif_current" else {}
    net = nr.Network(dt="1 ms", seed=3)
    a = net.inputs(3, name="x")
    h = net.neurons(4, model, name="h", **changes)
    net.connect(a, h, weights="normal(0.7, 0.4)", delay="uniform(0 ms, 2 ms)")
    net.connect(h, h, weights="normal(0, 0.6)")
    net.connect(h, net.neurons(2, "leaky_readout", name="y"))
    rules = (find("rules", rule), dataclasses.replace(find("rules", rule), local=None))
    learners: list[Any] = [nr.Learner(net, one, precision="float64") for one in rules]
    assert isinstance(learners[0]._session.lane(0), LocalLane)
    assert not isinstance(learners[1]._session.lane(0), LocalLane)
    one, other = (
        made.influence(inputs(), units={"h": [0, 1, 2, 3]}, every=7, own=True)["h"]
        for made in learners
    )
    assert len(one.value) > 50
    for name in ("step", "unit", "state", "learned", "number"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_allclose(one.value, other.value, rtol=1e-10, atol=1e-13)


def test_own_parameters_only() -> None:
    learner = nr.Learner(network(), precision="float64")
    whole = learner.influence(inputs(), units={"h": [2]})["h"]
    own = learner.influence(inputs(), units={"h": [2]}, own=True)["h"]
    post = learner.projections["h_h"].post
    assert set(post[own.of("h_h").number]) == {2}
    assert len(set(post[whole.of("h_h").number])) > 1
    assert set(own.of("h.bias").number) == {2}
    assert own.of("out").value.size == 0


@pytest.mark.parametrize("rule", ["rtrl", "eprop", "uoro", "ok-2", "sk-rtrl-2", "ostl"])
def test_looking_changes_nothing(rule: str) -> None:
    x, targets = inputs(12), np.full((12, 2), 0.3)
    made = [nr.Learner(network(), rule, nr.Sgd(0.1)) for _ in range(2)]
    for learner in made:
        for t in range(6):
            learner.step(x[t], targets[t])
    assert made[0].influence(x, targets, units={"h": [0]})["h"].value.any()
    for learner in made:
        for t in range(6, 12):
            learner.step(x[t], targets[t])
    for name, values in made[0].parameters.items():
        np.testing.assert_array_equal(values, made[1].parameters[name])
    assert made[0].ledger == made[1].ledger


@pytest.mark.parametrize("rule", ["bptt", "pp-prop"])
def test_rules_without_rows_are_refused(rule: str) -> None:
    with pytest.raises(BuildError, match=r"has no influence matrix to look at"):
        nr.Learner(network(), rule, update="sequence").influence(inputs(), units={"h": [0]})


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"units": {"g": [0]}}, "unknown population"),
        ({"units": {"h": [4]}}, "not numbers of units; given: .4.; expected: .* from 0 to 3"),
        ({"units": {"h": []}}, "not numbers of units"),
        ({"units": {"h": [[0], 1]}}, "not numbers of units"),
        ({"units": ["h"]}, "units: not a table of units; given: .'h'.; expected: .*{'hidden'"),
        ({"units": {"h": [0]}, "every": 0}, "steps from one look to the next; given: 0"),
    ],
)
def test_what_cannot_be_looked_at_is_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(NeuroRtrlError, match=text):
        nr.Learner(network()).influence(inputs(), **options)


def test_a_name_that_does_not_learn() -> None:
    found = nr.Learner(network()).influence(inputs(3), units={"h": [0]})["h"]
    with pytest.raises(NeuroRtrlError, match=r"unknown learned parameter"):
        found.of("hh")
