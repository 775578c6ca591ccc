"""Records that are handed on while a learner runs are those of its result, whatever the pieces."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine import monitor, stream
from neuro_rtrl.engine.monitor import Outlet, Records, handing_on
from neuro_rtrl.engine.result import Result
from neuro_rtrl.errors import DescriptionError, SimulationError
from tests.engine.test_passage import INPUTS, TARGETS, LeftError
from tests.engine.test_snapshot import learner, through_json

RUNS = [
    *(("rtrl", update) for update in ("sequence", 1, 7)),
    *(("eprop", update) for update in ("sequence", 1)),
    *(("uoro", update) for update in ("sequence", 7)),
    ("bptt", "sequence"),
    ("tbptt-3", 3),
]
STATES = {"h.v": [1, 0], "y.y": [0]}
PER_SEQUENCE = INPUTS.shape[1]


class Heard:
    """Keeps what it is given, and checks that steps follow each other."""

    def __init__(self) -> None:
        self.pieces: list[Records] = []

    def __call__(self, records: Records) -> None:
        assert records.first == sum(len(piece.states) for piece in self.pieces)
        self.pieces.append(records)

    def whole(self) -> dict[str, Any]:
        def joined(name: str, which: int) -> np.ndarray:
            return np.concatenate([piece.spikes[name][which] for piece in self.pieces])

        states = [piece.states for piece in self.pieces if piece.states.size]
        names = self.pieces[0].spikes
        return {
            "spikes": {name: (joined(name, 0), joined(name, 1)) for name in names},
            "states": np.concatenate(states),
        }


def run(one: nr.Learner, **listeners: Any) -> Result:
    return one.run(INPUTS, TARGETS, record=STATES, spikes=True, **listeners)


def wanted(rule: str, update: str | int) -> dict[str, Any]:
    """The first sequence, as a result has it."""
    made = run(learner(rule, update))
    spikes = {
        name: (when[when < PER_SEQUENCE], unit[when < PER_SEQUENCE])
        for name, (when, unit) in made.spikes.items()
    }
    assert len(spikes["h"][0]) > 10 and made.traces.shape == (PER_SEQUENCE, 3)
    return {"spikes": spikes, "states": made.traces}


@pytest.fixture(params=[1, 12, 1 << 16])
def room(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Numbers for which streams and outlets have room."""
    for module, name in (
        (stream, "RECORD_EVENTS"), (stream, "RECORD_STATES"), (monitor, "MOST_WAITING"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, request.param)
    return int(request.param)


@pytest.mark.parametrize(("rule", "update"), RUNS)
def test_a_listener_is_given_what_a_result_would_have(
    rule: str, update: str | int, room: int
) -> None:
    first, heard, one = wanted(rule, update), Heard(), learner(rule, update)
    made = run(one, receive=heard)
    assert made.spikes == {} and made.traces.size == 0
    np.testing.assert_equal(heard.whole(), first)
    assert (len(heard.pieces) > 4) == (room < 1 << 16)
    whole = learner(rule, update)
    np.testing.assert_equal(made.predictions, run(whole).predictions)
    np.testing.assert_equal(one.gradient, whole.gradient)


@pytest.mark.parametrize(("rule", "update"), RUNS)
@pytest.mark.parametrize("at", [4, 13, 26])
def test_what_was_heard_before_a_pause_is_not_heard_after_it(
    rule: str, update: str | int, at: int, room: int
) -> None:
    left, heard, one = learner(rule, update), Heard(), learner(rule, update)

    def leave(done: int) -> int:
        if done < at:
            return at - done
        state = through_json(left.state())
        # What waits is handed on before a pause: nothing of it is in the state.
        kept = [*state.arrays, *(n for n in state.notes if n.count("/") > 2)]
        assert not [n for n in kept if n.startswith(("/outlet", "/passage/s", "/passage/u"))]
        one.restore(state)
        raise LeftError

    with pytest.raises(LeftError):
        run(left, between=leave, receive=heard)
    before = sum(len(piece.states) for piece in heard.pieces)
    if update == "sequence":
        assert before == min(at, PER_SEQUENCE)
    run(one, receive=heard)
    np.testing.assert_equal(heard.whole(), wanted(rule, update))


@pytest.mark.parametrize("update", ["sequence", 1])
def test_a_listener_always_learns_which_populations_spike(update: str | int) -> None:
    heard, one = Heard(), learner("rtrl", update)
    one.run(0 * INPUTS, spikes=True, receive=heard)
    (piece,) = heard.pieces
    assert [*piece.spikes] == ["noisy", "h"] and piece.spikes["h"][0].size == 0


def test_the_last_steps_before_an_overflow_are_handed_on() -> None:
    inputs, heard = np.tile(INPUTS, (1, 9, 1)), Heard()
    inputs[0, 100:] = 1.7e308
    with pytest.raises(SimulationError, match="not finite"):
        learner("rtrl", "sequence").run(inputs, record=["h.v"], spikes=True, receive=heard)
    states = heard.whole()["states"]
    assert 100 < len(states) < inputs.shape[1]
    assert np.isfinite(states[:100]).all() and not np.isfinite(states).all()


def test_after_another_error_nothing_more_is_handed_on() -> None:
    def refuse(records: Records) -> None:
        given.append(records)
        raise OSError

    given: list[Records] = []
    with pytest.raises(OSError):
        run(learner("rtrl", 1), receive=refuse)
    assert len(given) == 1


def most_memory(steps: int, receive: Callable[[Records], None] | None) -> int:
    """Bytes at the peak of a run that records."""
    net = nr.Network(dt="1 ms", seed=2)
    hidden = net.neurons(50, "lif", name="h", bias=2.0, tau_m="2 ms")
    net.connect(net.inputs(1), hidden, weights=0.0)
    net.connect(hidden, net.neurons(1, "leaky_readout"), weights=0.1)
    one = nr.Learner(net, "eprop", update="sequence")
    one.run(np.zeros((1, 5, 1)), record=["h.v"], spikes=True)
    tracemalloc.start()
    one.run(np.zeros((1, steps, 1)), record=["h.v"], spikes=True, receive=receive)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_what_is_recorded() -> None:
    steps, heard = 40_000, [0, 0]

    def count(records: Records) -> None:
        heard[0] += records.states.size
        heard[1] += records.spikes["h"][0].size

    kept, streamed = most_memory(steps, None), most_memory(steps, count)
    assert heard[0] == 50 * steps and heard[1] > 5 * steps
    # Inputs, targets, predictions and losses stay: a dozen numbers a step.
    assert streamed < 8 * 20 * steps + 30 * 8 * monitor.MOST_WAITING < kept / 2


@pytest.mark.parametrize(
    ("listeners", "text"),
    [
        ({"receive": 3}, r"^receive: this cannot be called; given: 3; expected: a function"),
        ({"between": "x"}, r"^between: this cannot be called; given: 'x'"),
        ({"between": lambda done: None}, r"^between: this is not a number of steps; given: None"),
        ({"between": lambda done: 2.5}, r"returns the steps until the next pause"),
    ],
)
def test_listeners_that_are_none(listeners: dict[str, Any], text: str) -> None:
    one = learner("rtrl", 1)
    with pytest.raises(DescriptionError, match=text):
        run(one, **listeners)
    np.testing.assert_equal(run(one).predictions, run(learner("rtrl", 1)).predictions)


@pytest.mark.parametrize("units", [[99], "x", [0.5], [-1]])
def test_units_that_are_none(units: Any) -> None:
    with pytest.raises(DescriptionError, match=r"record: h.v"):
        learner("rtrl", 1).run(INPUTS, record={"h.v": units})


def test_steps_without_a_spike_leave_nothing_behind() -> None:
    outlet, none = Outlet(learner("rtrl", 1)._built, Heard()), np.zeros(0, np.int64)
    for _ in range(9):
        outlet(none, none, np.zeros((0, 2)))
    assert outlet._steps == outlet._units == outlet._states == []


def test_an_outlet_waits_until_many_are_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "MOST_WAITING", 5)
    heard, built = Heard(), learner("rtrl", 1)._built
    none = np.zeros(0, np.int64)
    with handing_on(built, heard, 0) as outlet:
        assert outlet is not None
        outlet(none, none, np.zeros((2, 2)))
        assert heard.pieces == []
        outlet(none, none, np.ones((1, 2)))
        assert [len(piece.states) for piece in heard.pieces] == [3]
        outlet(none, none, np.ones((1, 2)))
    assert [(piece.first, len(piece.states)) for piece in heard.pieces] == [(0, 3), (3, 1)]
