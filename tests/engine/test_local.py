"""Local lanes have the gradients of the general ones; and they are used where they can be."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine import local
from neuro_rtrl.engine.local_lane import LocalLane
from neuro_rtrl.errors import SimulationError
from neuro_rtrl.registry import find

RULES = ("eprop", "eprop-random", "rflo", "superspike", "decolle")
DIAGONAL = ("snap-1", "d-rtrl")


def network(
    model: str, readouts: tuple[str, ...], delay: str = "0 ms", **changes: Any
) -> nr.Network:
    """Two populations with loops and delays, as many readout populations as asked for."""
    net = nr.Network(dt="1 ms", seed=6)
    x = net.inputs(5, name="x")
    hidden = [net.neurons(n, model, name=f"h{n}", **changes) for n in (6, 4)]
    for port in hidden[0].model.ports:
        for target in hidden:
            net.connect(x, target, weights="normal(0.4, 0.8)", port=port, density=0.7)
            for source in hidden:
                net.connect(
                    source, target, weights="normal(0, 0.4)", port=port, density=0.5,
                    delay="uniform(0 ms, 3 ms)",
                )  # fmt: skip
    for i, kind in enumerate(readouts):
        y = net.neurons(2, kind, name=f"y{i}", learn="bias" if kind == "readout" else ())
        for source in hidden:
            net.connect(source, y, density=0.8, delay=delay)
    return net


def learners(net: nr.Network, rule: str, **options: Any) -> tuple[nr.Learner, nr.Learner]:
    chosen = find("rules", rule)
    general = dataclasses.replace(chosen, local=None)
    made = [nr.Learner(net, rule=r, precision="float64", **options) for r in (chosen, general)]
    return made[0], made[1]


def trial(outputs: int, batch: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    inputs = (rng.random((batch, 50, 5)) < 0.4) * rng.uniform(0.5, 1.5, (batch, 50, 5))
    targets = rng.standard_normal((batch, 50, outputs))
    targets[:, 12:30] = np.nan
    return inputs, targets


def assert_same(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    size = max(np.abs(a).max(initial=0.0) for a in wanted.values())
    assert size > 0
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=1e-12 * size, err_msg=name)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("model", ["lif", "alif", "egru"])
def test_gradients_are_those_of_general_lanes(model: str, rule: str) -> None:
    net = network(model, ("leaky_readout", "readout"))
    fast, general = learners(net, rule, update="sequence")
    for learner in (fast, general):
        learner.run(*trial(4))
    assert isinstance(fast._session.lanes[0], LocalLane)
    assert not isinstance(general._session.lanes[0], LocalLane)
    assert_same(fast.gradient, general.gradient)
    assert np.any(fast.gradient["h6_h4"])


@pytest.mark.parametrize("rule", RULES)
def test_arrivals_pass_through_a_hard_reset_of_one_of_two_states(rule: str) -> None:
    fast, general = learners(network("alif", ("leaky_readout",), reset="v = 0; a += 1"), rule)
    for learner in (fast, general):
        learner.run(*trial(2), learn=False)
    assert isinstance(fast._session.lanes[0], LocalLane)
    assert_same(fast.gradient, general.gradient)


def layer(model: str, delay: str = "0 ms", memory: str = "leaky_readout") -> nr.Network:
    """One population with loops, and readouts that hear it at once."""
    net = nr.Network(dt="1 ms", seed=4)
    x, h = net.inputs(5, name="x"), net.neurons(9, model, name="h", learn=LEARNED.get(model, ()))
    port = next(iter(h.model.ports))
    net.connect(x, h, weights="normal(0.4, 0.8)", port=port)
    net.connect(h, h, weights="normal(0.2, 0.6)", port=port, delay=delay)
    net.connect(h, net.neurons(3, memory, name="y"))
    net.connect(h, net.neurons(1, "readout", name="z"))
    return net


LEARNED = {"lif": "v_th", "alif": "beta"}


@pytest.mark.parametrize("rule", DIAGONAL)
@pytest.mark.parametrize("model", ["lif", "alif", "lif_current", "lif refractory"])
def test_diagonal_rules(model: str, rule: str) -> None:
    """A unit's synapse with itself counts in SnAp-1; readouts have no memory in D-RTRL."""
    net = layer(model.split()[0])
    if model.endswith("refractory"):
        net = layer_refractory()
    fast, general = learners(net, rule, update="sequence")
    for learner in (fast, general):
        learner.run(*trial(4))
    assert isinstance(fast._session.lanes[0], LocalLane)
    assert_same(fast.gradient, general.gradient)
    assert len(fast.gradient["h_h"]) == 81 and np.any(fast.gradient["h_h"])


def layer_refractory() -> nr.Network:
    """Arrivals are blocked for a while, a unit's own among them: nothing is shared."""
    net = nr.Network(dt="1 ms", seed=4)
    x, h = net.inputs(5, name="x"), net.neurons(9, "lif", name="h", t_ref="2 ms", reset="v -= v_th")
    net.connect(x, h, weights="normal(0.4, 0.8)")
    net.connect(h, h, weights="normal(0.2, 0.6)")
    net.connect(h, net.neurons(3, "leaky_readout", name="y"))
    net.connect(h, net.neurons(1, "readout", name="z"))
    return net


SLOW = nr.make_model(
    "dx/dt = (bias - x)/tau_x : 1\ndy/dt = (x - y)/tau_y : 1",
    method="exact", readout="y", synapses={"delta": "x += w"},
    parameters={"tau_x": "4 ms", "tau_y": "15 ms", "bias": 0.1},
)  # fmt: skip


def unlike() -> nr.Network:
    """Hidden units share nothing, as each has a time constant of its own."""
    net = nr.Network(dt="1 ms", seed=8)
    x, taus = net.inputs(5, name="x"), np.linspace(0.01, 0.03, 7)
    h = net.neurons(7, "alif", name="h", learn=("bias", "beta"), tau_m=taus)
    net.connect(x, h, weights="normal(0.4, 0.8)")
    net.connect(h, h, weights="normal(0.1, 0.5)", density=0.5)
    net.connect(h, net.neurons(2, SLOW, name="y", learn="bias"))
    net.connect(h, net.neurons(2, "leaky_readout", name="z"))
    return net


@pytest.mark.parametrize("rule", (*RULES, *DIAGONAL))
def test_units_that_share_nothing_before_readouts_with_two_states(rule: str) -> None:
    fast, general = learners(unlike(), rule, update="sequence")
    for learner in (fast, general):
        learner.run(*trial(4))
    lane = fast._session.lanes[0]
    assert isinstance(lane, LocalLane)
    assert (lane.traces.shared[:7] < 0).all()
    assert_same(fast.gradient, general.gradient)
    assert all(values.any() for values in fast.gradient.values())


@pytest.mark.parametrize("rule", (*RULES[:-1], "d-rtrl"))
@pytest.mark.parametrize("moves", [True, False])
def test_parameters_of_units_whose_events_are_one_pass(moves: bool, rule: str) -> None:
    """Without `moves` only spikes change the rows of units, and not all live ones."""
    net = nr.Network(dt="1 ms", seed=4)
    x = net.inputs(5, name="x")
    h = net.neurons(9, "lif", name="h", learn=("v_th", "bias"), reset_gradient=moves)
    net.connect(x, h, weights="normal(0.4, 0.8)")
    net.connect(h, h, weights="normal(0.2, 0.6)", delay="1 ms")
    net.connect(h, net.neurons(2, "leaky_readout", name="y"))
    fast, general = learners(net, rule, update="sequence")
    for learner in (fast, general):
        learner.run(*trial(2))
    lane = fast._session.lanes[0]
    assert (lane.traces.shared[:9] >= 0).all() and lane.filters.d.tolist() == [1]
    assert_same(fast.gradient, general.gradient)
    assert all(values.any() for values in fast.gradient.values())


def test_rtrl_and_bptt_agree_before_readouts_with_two_states() -> None:
    rtrl, bptt = (
        nr.Learner(unlike(), rule=rule, precision="float64", update="sequence")
        for rule in ("rtrl", "bptt")
    )
    for learner in (rtrl, bptt):
        learner.run(*trial(4))
    assert_same(rtrl.gradient, bptt.gradient)


@pytest.mark.parametrize(("readout", "n"), [("leaky_readout", 1), ("leaky_readout", 2), (SLOW, 2)])
@pytest.mark.parametrize("update", ["step", 7, "sequence"])
def test_snap_1_is_rtrl_without_connections(update: Any, readout: Any, n: int) -> None:
    """Also while weights change: then each readout has traces of what past weights brought."""
    net = nr.Network(dt="1 ms", seed=4)
    h = net.neurons(6, "lif", name="h", learn="bias")
    net.connect(net.inputs(5, name="x"), h, weights="normal(0.4, 0.8)")
    net.connect(h, net.neurons(n, readout, name="y"))
    found, wanted = (
        nr.Learner(net, r, nr.Sgd(3e-3), precision="float64", update=update)
        for r in ("snap-1", "rtrl")
    )
    before = {name: values.copy() for name, values in found.parameters.items()}
    for learner in (found, wanted):
        learner.run(*trial(n))
    assert isinstance(found._session.lanes[0], LocalLane)
    assert_same(found.parameters, wanted.parameters)
    assert np.abs(found.parameters["x_h"] - before["x_h"]).max() > 1e-3


def test_loops_matter() -> None:
    """Without w_kk SnAp-1 would be e-prop."""
    found = []
    for rule in ("snap-1", "eprop"):
        learner = nr.Learner(layer("lif"), rule=rule, precision="float64", update="sequence")
        learner.run(*trial(4))
        assert isinstance(learner._session.lanes[0], LocalLane)
        found.append(learner.gradient["h_h"])
    assert np.abs(found[0] - found[1]).max() > 1e-3 * np.abs(found[1]).max()


@pytest.mark.parametrize("rule", DIAGONAL)
def test_diagonal_rules_take_the_general_way(rule: str) -> None:
    """Loops with delays, and paths between populations, need events with sensitivities."""
    net = layer("lif", delay="2 ms") if rule == "snap-1" else network("lif", ("leaky_readout",))
    learner = nr.Learner(net, rule=rule, update="sequence")
    learner.run(*trial(4 if rule == "snap-1" else 2))
    assert not isinstance(learner._session.lanes[0], LocalLane)


@pytest.mark.parametrize("update", ["step", 7])
def test_online_learning_is_the_same(update: Any) -> None:
    """With fixed feedback: else the local lane uses the present weights for all of a trace."""
    net = network("alif", ("leaky_readout",))
    fast, general = learners(net, "eprop-random", optimizer=nr.Sgd(1e-3), update=update)
    assert_same(
        {"loss": np.array(fast.run(*trial(2)).loss)},
        {"loss": np.array(general.run(*trial(2)).loss)},
    )
    assert_same(fast.parameters, general.parameters)


def test_step_by_step_is_the_same_as_at_once() -> None:
    net = network("lif", ("leaky_readout",))
    stepping = nr.Learner(net, rule="eprop", precision="float64", update=1000)
    whole = nr.Learner(net, rule="eprop", precision="float64", update="sequence")
    inputs, targets = trial(2, batch=1)
    for x, target in zip(inputs[0], targets[0], strict=True):
        stepping.step(x, None if np.isnan(target).any() else target)
    whole.run(inputs, targets)
    assert_same(stepping.gradient, whole.gradient)
    stepping.reset()
    assert not np.any(stepping.gradient["h6_h4"])


@pytest.mark.parametrize("why", ["delay", "time constants"])
def test_other_networks_take_the_general_way(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Delayed readouts, or readouts with too many time constants, are filtered row by row."""
    monkeypatch.setattr(local, "MOST_FILTERS", 1)
    net = network("lif", ("leaky_readout",) if why == "delay" else (), delay="1 ms")
    if why != "delay":
        y = net.neurons(2, "leaky_readout", name="y", tau=np.array([0.01, 0.03]))
        net.connect("h6", y)
    learner, general = learners(net, "eprop", update="sequence")
    for each in (learner, general):
        each.run(*trial(2))
    assert not isinstance(learner._session.lanes[0], LocalLane)
    assert_same(learner.gradient, general.gradient)


def test_work_does_not_grow_with_the_outputs() -> None:
    """A hidden unit has one trace for all outputs; row by row each output has its own."""
    counts = {}
    for outputs in (2, 20):
        net = network("lif", ())
        y = net.neurons(outputs, "leaky_readout", name="y")
        net.connect("h6", y)
        for kind, learner in zip(
            ("local", "general"), learners(net, "eprop", update="sequence"), strict=True
        ):
            learner.run(*trial(outputs))
            counts[kind, outputs] = learner.ledger.multiply_adds
    assert counts["general", 20] > 4 * counts["general", 2]
    assert counts["local", 20] < counts["general", 20] / 1.3


@pytest.mark.parametrize("steps", [3, 200])
def test_a_state_that_overflows_is_noticed(steps: int) -> None:
    """At the end of a short sequence, and within 64 steps of a long one."""
    inputs = np.zeros((1, 10 + steps, 5))
    inputs[:, 10] = 1.7e308
    fast, _ = learners(layer("lif"), "eprop", update="sequence")
    assert isinstance(fast._session.lane(0), LocalLane)
    found = rf"unit \d, step {min(10 + steps, 64)} or shortly before: a state is not finite"
    with pytest.raises(SimulationError, match=found):
        fast.run(inputs, np.zeros((1, 10 + steps, 4)))
