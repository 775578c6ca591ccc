"""Flows that learned parameters set: what they give where Jacobians are computed at every step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine import diary, flows
from neuro_rtrl.engine.build import build
from neuro_rtrl.engine.local_lane import LocalLane
from neuro_rtrl.engine.row_lanes import Lane
from neuro_rtrl.engine.stream import make_stream
from neuro_rtrl.kernels.layout import STEP
from tests.engine.test_replay import all_rows, assert_same, trial
from tests.engine.test_rewire import Turnover
from tests.engine.test_snapshot import through_json

NETWORKS: dict[str, dict[str, Any]] = {
    "hidden": {"hidden": ["tau_m"]},
    "delays": {"hidden": ["tau_m"], "delay": "uniform(0 ms, 3 ms)"},
    "refractory": {"hidden": ["tau_m", "v_th"], "t_ref": "3 ms"},
    "two states": {"model": "alif", "hidden": ["tau_a", "beta"], "method": "euler"},
    "readouts": {"hidden": [], "out": ["tau"]},
    "both": {"hidden": ["tau_m", "bias"], "out": ["tau", "bias"]},
}
# Feedback of e-prop is that of the present weights in its own loop, of their time in rows.
RULES = ("rtrl", "eprop", "snap-1", "d-rtrl", "rtrl-tolerance-1e-3")


def network(
    hidden: list[str],
    out: list[str] | None = None,
    model: str = "lif",
    method: str = "exponential_euler",
    delay: str = "0 ms",
    t_ref: str = "0 ms",
) -> nr.Network:
    net = nr.Network(dt="1 ms", seed=6)
    x = net.inputs(5, name="x")
    how = {"method": method} if hidden else {}
    h = net.neurons(9, model, name="h", learn=hidden, t_ref=t_ref, **how)
    net.connect(x, h, weights="normal(0.5, 0.6)")
    net.connect(h, h, weights="normal(0, 0.3)", delay=delay)
    for i in range(2):
        how = {"method": "exponential_euler", "learn": out} if out else {}
        y = net.neurons(2, "leaky_readout", name=f"y{i}", tau="8 ms", **how)
        net.connect(h, y, weights="normal(0, 0.3)")
    return net


def learner(still: bool, name: str, rule: str, update: int | str, **options: Any) -> nr.Learner:
    """With flows that stand still between updates, or Jacobians at every step."""
    with pytest.MonkeyPatch.context() as patch:
        if not still:
            patch.setattr(flows, "learns_flow", lambda built, p: False)
        options = {"precision": "float64", "optimizer": nr.Adam(1e-4)} | options
        made = nr.Learner(network(**NETWORKS[name]), rule=rule, update=update, **options)
        assert bool(made._built.units.constant.all()) == still
        made._session.lane(0)
        return made


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("update", ["sequence", 30])
@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_become_what_jacobians_at_every_step_make_of_them(
    name: str, update: int | str, rule: str
) -> None:
    if "out" in NETWORKS[name] and rule == "eprop" and update == 30:
        pytest.skip("rows have the feedback of past weights, e-prop's own loop that of the present")
    ends = []
    for still in (True, False):
        one = learner(still, name, rule, update)
        for _ in range(2):
            assert one.run(*trial()).loss > 0
        ends.append(one.parameters)
    start = learner(True, name, rule, update).parameters
    for learned in start:
        assert np.abs(ends[0][learned] - start[learned]).max() > 5e-5, learned
    assert_same(ends[0], ends[1])


@pytest.mark.parametrize("name", ["hidden", "both"])
def test_a_diary_may_end_at_an_update(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The traces that it leaves decay with the flow of its time."""
    monkeypatch.setattr(diary, "LEAST_BETWEEN", 30)
    ends = []
    for still in (True, False):
        one = learner(still, name, "d-rtrl", 30)
        for _ in range(2):
            one.run(*trial())
        ends.append(one.parameters)
        assert (getattr(one._session.lane(0), "journal", None) is not None) == still
    assert_same(ends[0], ends[1])


@pytest.mark.parametrize("name", NETWORKS)
def test_exact_gradients_are_those_of_the_way_back(name: str) -> None:
    found = []
    for rule in ("rtrl", "bptt"):
        net = network(**NETWORKS[name])
        one = nr.Learner(net, rule=rule, update="sequence", precision="float64")
        for _ in range(2):
            one.run(*trial(), learn=False)
        found.append(one.gradient)
    assert_same(found[0], found[1])


@pytest.mark.parametrize("update", [1, flows.LEAST_STEPS - 1])
def test_where_values_change_often_nothing_waits(update: int) -> None:
    one = nr.Learner(network(**NETWORKS["hidden"]), rule="rtrl", update=update)
    assert not one._built.units.constant[0] and one._session.lane(0).replay is None


def test_the_fast_ways_are_taken() -> None:
    assert learner(True, "both", "rtrl", "sequence")._session.lane(0).replay is not None
    lane = learner(True, "both", "eprop", "sequence")._session.lane(0)
    assert isinstance(lane, LocalLane) and lane.journal is not None
    assert lane.filters.d.size == 4  # each readout remembers in its own way
    assert isinstance(learner(False, "both", "eprop", "sequence")._session.lane(0), Lane)


@pytest.mark.parametrize("rule", ["rtrl", "eprop", "uoro"])
def test_values_that_are_set_between_single_steps(rule: str) -> None:
    """What waited for powers of a flow has those of its time."""
    inputs, targets = (array[0, :60].copy() for array in trial())
    inputs[14:20], targets[33:40] = 0.0, np.nan  # nothing comes, or nothing is asked for
    ends = []
    for still in (True, False):
        one = learner(still, "both", rule, "sequence")
        for t, (x, y) in enumerate(zip(inputs, targets, strict=True)):
            if t in (20, 37):
                changed = {k: 1.05 * v for k, v in one.parameters.items() if "tau" in k}
                one.set_parameters(changed)
            one.step(x, y)
        ends.append(one.gradient)
    assert_same(ends[0], ends[1])


def test_influence_that_is_looked_at_right_after_an_update() -> None:
    rows = []
    for still in (True, False):
        one = learner(still, "both", "rtrl", 30)
        session = one._session
        for window in (slice(0, 30), slice(30, 60)):
            session.steps(*(array[:1, window] for array in trial()))
        rows.append({"rows": all_rows(session)})
    assert_same(rows[0], rows[1])


def test_a_sequence_that_was_only_read_is_put_together_with_the_flows_of_its_time() -> None:
    rows = []
    for still in (True, False):
        session = learner(still, "both", "rtrl", "sequence")._session
        lane, gradient = session.lane(0), np.zeros_like(session.collect())
        stream = make_stream(session.built, *(array[:1] for array in trial()))
        for _ in range(2):
            assert not lane.advance(stream, gradient, True)
        if still:
            assert lane.replay._waiting is not None
        session.built.values[session.built.plan.names["h.tau_m"]] *= 1.5
        session.built.values[session.built.plan.names["y0.tau"]] *= 1.5
        lane.run.clock[STEP] = 90  # as if the sequence went on
        session.flows.renew(session.lanes, False)
        rows.append({"rows": all_rows(session), "gradient": gradient})
    assert_same(rows[0], rows[1])


@pytest.mark.parametrize("rule", ["rtrl", "eprop"])
def test_a_state_that_is_kept_has_the_flows_of_its_time(rule: str) -> None:
    """Values have changed since, and influence still waits for the flow before."""
    inputs, targets = trial()
    inputs[:, 45:60], targets[:, 45:60] = 0.0, np.nan  # so that it waits for some steps
    first, other = (learner(True, "both", rule, 30, batch=2) for _ in range(2))
    for low in (0, 30):
        first._session.steps(inputs[:, low : low + 30], targets[:, low : low + 30])
    other.restore(through_json(first.state()))
    for one in (first, other):
        assert int(one._session.lane(1).run.clock[STEP]) == 60
        one._session.steps(inputs[:, 60:], targets[:, 60:])
        one._session.steps(inputs[:, :30], targets[:, :30])
    for name, array in first.parameters.items():
        np.testing.assert_array_equal(array, other.parameters[name])


def test_wiring_may_change_too() -> None:
    ends = []
    for still in (True, False):
        one = learner(still, "both", "rtrl", 30, rewiring={"h_h": Turnover()})
        for _ in range(2):
            one.run(*trial())
        ends.append(one.parameters)
    assert_same(ends[0], ends[1])


@pytest.mark.parametrize("rule", ["eprop", "d-rtrl", "rflo"])
def test_readouts_with_time_constants_of_their_own(rule: str) -> None:
    """One trace for each, instead of rows."""
    net = nr.Network(dt="1 ms", seed=6)
    x, h = net.inputs(5, name="x"), net.neurons(9, "lif", name="h")
    net.connect(x, h, weights="normal(0.5, 0.6)")
    net.connect(h, h, weights="normal(0, 0.3)")
    net.connect(h, net.neurons(3, "leaky_readout", name="y", tau=[0.004, 0.008, 0.02]))
    net.connect(h, net.neurons(1, "leaky_readout", name="z", tau="8 ms"))
    found = []
    for rows in (False, True):
        one = nr.Learner(net, rule=rule, update="sequence", precision="float64")
        if rows:
            session = one._session
            session.shared = session.rule.prepare(session.built)
            session.shared.local = None
        for _ in range(2):
            assert one.run(*trial(), learn=False).loss > 0
        lane = one._session.lane(0)
        assert type(lane) is (Lane if rows else LocalLane)
        if not rows:
            assert lane.filters.d.size == 4
        found.append(one.gradient)
    assert_same(found[0], found[1])


def test_a_flow_that_states_set_is_none_of_these() -> None:
    net = nr.Network(dt="1 ms")
    h = net.neurons(2, "lif_conductance", name="h")
    net.connect(net.inputs(1), h, port="excitation")
    net.connect(h, net.neurons(1, "leaky_readout"))
    built = build(net)
    assert not flows.learns_flow(built, 0) and not built.units.constant[0]
    assert flows.Flows(built, 0).theta.size == 0 and not built.units.constant[0]
