"""Numbers that are not finite stop a run at once, and the error says where and why."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine import guard
from neuro_rtrl.engine.guard import ExplodingWarning
from neuro_rtrl.engine.stream import make_stream
from neuro_rtrl.errors import SimulationError
from neuro_rtrl.registry import files, find


def network(weight: float, height: float = 0.3) -> nr.Network:
    net = nr.Network(seed=1)
    x = net.inputs(1)
    surrogate = nr.Surrogate("exponential", height=height, width=2.0, cutoff=1e9)
    first = net.neurons(2, "lif", name="first", learn=("bias",), surrogate=surrogate)
    h = net.neurons(3, "lif", name="h", learn=("bias",), surrogate=surrogate)
    y = net.neurons(1, "leaky_readout", name="y")
    net.connect(x, first, weights=1.2)
    net.connect(first, h, weights=0.4)
    net.connect(h, h, weights=weight, self_connections=False)
    net.connect(h, y, weights=1.0)
    return net


def stream(steps: int) -> np.ndarray:
    return np.ones((1, steps, 1))


@pytest.mark.parametrize("rule", ["rtrl", "uoro", "sk-rtrl-2"])
def test_exploding_influence_is_noticed_before_it_overflows(rule: str) -> None:
    learner = nr.Learner(network(8.0, height=2.0), rule, update="sequence", precision="float64")
    with pytest.warns(ExplodingWarning, match=r", step \d+ .*influence grows without bound"):
        learner.run(stream(64), np.zeros((1, 64, 1)), learn=False)


@pytest.mark.parametrize("rule", ["snap-2", "rtrl-tolerance-0"])
def test_influence_that_overflows_stops_the_run(rule: str) -> None:
    learner = nr.Learner(network(8.0, height=2.0), rule, update="sequence")
    with pytest.raises(SimulationError) as caught:
        learner.run(stream(400), None)
    text = str(caught.value)
    assert re.search(r"(h|y|first), unit \d, step 400 or shortly before: influence is not", text)
    assert "lower surrogate height" in text


def test_where_there_are_pauses_it_stops_before_the_end_of_a_sequence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guard, "CHECK_MIDWAY", 100)
    learner = nr.Learner(network(8.0, height=2.0), "rtrl-tolerance-0", update="sequence")
    with pytest.raises(
        SimulationError, match=r", step [12]\d\d or shortly before: influence is not"
    ):
        learner.run(stream(400), None, between=lambda done: 50)


def test_large_influence_is_looked_at_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where steps come one by one; but at least once in CHECK_MIDWAY of them."""

    def looks(entries: int, midway: int) -> int:
        monkeypatch.setattr(guard, "ENTRIES_A_STEP", entries)
        monkeypatch.setattr(guard, "CHECK_MIDWAY", midway)
        learner: Any = nr.Learner(network(0.1), update="sequence")
        watched, seen = learner._session.guard, []
        look = watched._look
        monkeypatch.setattr(watched, "_look", lambda *given: (seen.append(1), look(*given)))
        for x in stream(400)[0]:
            learner.step(x)
        return len(seen)

    assert looks(1 << 14, 4096) == 400 // 64
    assert 1 < looks(1, 4096) < 400 // 64
    assert looks(1, 70) == 1 + (400 - 64) // 70


def test_influence_that_stays_small_is_quiet() -> None:
    nr.Learner(network(0.1), update="sequence").run(stream(200), np.zeros((1, 200, 1)))


class Wild:
    """An optimizer that goes too far."""

    def update(self, values: np.ndarray, gradient: np.ndarray) -> None:
        values[0] = np.inf


def test_a_learned_value_that_overflows_is_named() -> None:
    learner = nr.Learner(network(0.1), optimizer=Wild(), update="sequence")
    text = r"first_h, number \d+ \(to h, unit \d\): a learned value is not finite; given: inf"
    text += "|input_first, number 0 .*a learned value is not finite"
    with pytest.raises(SimulationError, match=text):
        learner.run(stream(10), np.zeros((1, 10, 1)))


def test_a_gradient_that_overflows_is_named() -> None:
    learner = nr.Learner(network(0.1), update="sequence")
    with pytest.raises(SimulationError, match=r"\w+, number \d+ .*the gradient is not finite"):
        learner.run(stream(10), np.full((1, 10, 1), 1e300))


def test_unit_parameters_are_named_too() -> None:
    learner: Any = nr.Learner(network(0.1), update="sequence")
    session = learner._session
    gradient = np.zeros_like(session.collect())
    gradient[session.built.plan.names["h.bias"][1]] = np.nan
    with pytest.raises(SimulationError, match=r"h\.bias, number 1: the gradient is not finite"):
        session.guard.gradient(gradient)


@pytest.mark.parametrize(("kind", "unit"), [(2, "h, unit 1"), (1, "h, unit 2"), (0, r"\w+, unit")])
def test_the_unit_is_found(kind: int, unit: str) -> None:
    learner: Any = nr.Learner(network(0.1), update="sequence")
    learner.run(stream(3))
    session = learner._session
    lane = session.lanes[0]
    carried = lane.carried()
    for one in carried:
        one.array[:] = 0.0
    carried[kind].array[(0, int(lane.mask.own_at[4]), 3)[kind]] = np.nan
    with pytest.raises(SimulationError, match=f"{unit}.*, step"):
        session.guard.lane(lane, make_stream(session.built, stream(64), None))
    assert all(np.isfinite(one.array).all() for one in carried)


# Classes of lanes: rows, rows with limits, factors, local with traces, tangents, windows.
CARRY = {
    "rtrl": 5, "snap-1": 5, "snap-2": 3, "ostl": 3, "d-rtrl": 3, "rtrl-tolerance-0": 3,
    "snap-active": 3, "random-paths": 3, "pp-prop": 5, "eprop": 5, "eprop-random": 5, "rflo": 5,
    "superspike": 5, "decolle": 5, "reward-eprop": 3, "uoro": 5, "kf-rtrl": 5, "ok-2": 5,
    "sk-rtrl-2": 5, "bptt": 0, "tbptt-5": 0, "dni": 1,
}  # fmt: skip


def test_all_rules_are_looked_at() -> None:
    families = {find("rules", name).name.split("-")[0] for name in files("rules")}
    assert families <= {name.split("-")[0] for name in CARRY}


@pytest.mark.parametrize(("rule", "count"), CARRY.items())
def test_no_array_of_any_rule_hides_a_number_that_is_not_finite(rule: str, count: int) -> None:
    learner: Any = nr.Learner(network(0.1), rule, update="sequence")
    learner.run(stream(20), np.zeros((1, 20, 1)), learn=False)
    session = learner._session
    lane = session.lanes[0]
    vars(lane)["_empty"] = False  # a lane without traces shows none
    looked = make_stream(session.built, stream(64), None)
    arrays = [one for one in lane.carried() if one.array.size] if count else []
    assert len(arrays) <= count
    assert count == 0 or arrays
    for one in arrays:
        for bad in (np.nan, -np.inf):
            one.array.flat[-1] = bad
            with pytest.raises(SimulationError, match=f"{one.what} is not finite; given") as caught:
                session.guard.lane(lane, looked)
            assert re.match(
                r"(first|h|h_local|y), unit|input 0|an event|number|row", str(caught.value)
            )
            assert np.isfinite(one.array).all()
        one.array.flat[0] = -1e10
        with pytest.warns(ExplodingWarning, match=f"{one.what} grows without bound: 1e\\+10"):
            session.guard.lane(lane, looked)
        session.guard._warned = False
        one.array.flat[0] = 0.0


def test_several_arrays_at_once_are_all_cleared() -> None:
    learner: Any = nr.Learner(network(0.1), "eprop", update="sequence")
    learner.run(stream(20), np.zeros((1, 20, 1)), learn=False)
    session = learner._session
    vars(session.lanes[0])["_empty"] = False
    carried = [one for one in session.lanes[0].carried() if one.array.size]
    carried[0].array.flat[0] = 1e10
    for one in carried[1:]:
        one.array.flat[0] = np.nan
    with pytest.raises(SimulationError, match=r"is not finite"):
        session.guard.lane(session.lanes[0], make_stream(session.built, stream(64), None))
    assert all(np.isfinite(one.array).all() for one in carried)
