"""Windows that are read from a diary give what events give one by one; and traces that go on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine.guard import ExplodingWarning
from neuro_rtrl.engine.local_lane import LocalLane
from neuro_rtrl.engine.stream import make_stream
from neuro_rtrl.engine.threads import set_threads
from neuro_rtrl.kernels.diary import LANES
from neuro_rtrl.registry import find

RULES = ("eprop", "eprop-random", "rflo", "superspike", "decolle")
DIAGONAL = ("snap-1", "d-rtrl")
SMALL = (40, 50, 7)
LEARN = ("v_th", "bias", "v_reset")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    yield
    set_threads(1)


def network(
    delay: str = "0 ms", memory: str = "leaky_readout", model: str = "lif", **options: Any
) -> nr.Network:
    """Two populations that hear each other, more units than a lot has, two kinds of readouts."""
    net = nr.Network(dt="1 ms", seed=6)
    x = net.inputs(5, name="x")
    first, second = (net.neurons(n, model, name=f"h{n}", **options) for n in (LANES + 6, 5))
    later: dict[str, Any] = {"weights": "normal(0, 0.3)", "density": 0.3, "delay": delay}
    for port in first.model.ports:
        net.connect(x, first, weights="normal(0.4, 0.8)", density=0.7, port=port)
        net.connect(
            first, first, weights="normal(0, 0.12)", density=0.5, delay=delay, port=port
        )  # fmt: skip
        net.connect(first, second, port=port, **later)
        net.connect(second, first, port=port, **later)
    y, z = net.neurons(2, memory, name="y"), net.neurons(2, "leaky_readout", name="z", tau="5 ms")
    net.connect(first, y, density=0.8)
    net.connect(second, y)
    net.connect(second, z)
    return net


def layer(learn: tuple[str, ...] = (), model: str = "lif", **options: Any) -> nr.Network:
    """One population with loops; readouts learn a bias where units learn something."""
    options |= {"learn": learn} if learn else {}
    net = nr.Network(dt="1 ms", seed=4)
    x, h = net.inputs(5, name="x"), net.neurons(9, model, name="h", **options)
    net.connect(x, h, weights="normal(0.4, 0.8)")
    net.connect(h, h, weights="normal(0.2, 0.6)")
    net.connect(h, net.neurons(3, "leaky_readout", name="y", learn="bias" if learn else ()))
    return net


def trial(outputs: int = 4, batch: int = 2, steps: int = 90) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    inputs = (rng.random((batch, steps, 5)) < 0.4) * rng.uniform(0.5, 1.5, (batch, steps, 5))
    targets = rng.standard_normal((batch, steps, outputs))
    targets[:, 12:30] = np.nan
    return inputs, targets


@pytest.fixture
def short_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """A diary is kept however few steps it is for."""
    monkeypatch.setattr("neuro_rtrl.engine.diary.LEAST_BETWEEN", 30)


def learner(net: nr.Network, rule: str, windows: bool, **options: Any) -> nr.Learner:
    chosen = dataclasses.replace(find("rules", rule), windows=windows)
    made = nr.Learner(
        net, rule=chosen, **({"precision": "float64", "update": "sequence"} | options)
    )
    lane = made._session.lane(0)
    assert isinstance(lane, LocalLane) and (lane.journal is not None) == windows
    return made


def both(net: nr.Network, rule: str, **options: Any) -> tuple[nr.Learner, nr.Learner]:
    return learner(net, rule, True, **options), learner(net, rule, False, **options)


def small_windows(made: nr.Learner, room: tuple[int, ...] = SMALL) -> None:
    for lane in made._session.lanes:
        lane.journal.diary.room[:] = room


def assert_same(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    size = max(np.abs(a).max(initial=0.0) for a in wanted.values())
    assert size > 0
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=1e-12 * size, err_msg=name)


@pytest.mark.parametrize("room", [None, SMALL])
@pytest.mark.parametrize("delay", ["0 ms", "uniform(0 ms, 3 ms)"])
@pytest.mark.parametrize("rule", RULES)
def test_gradients_are_those_of_events_one_by_one(
    rule: str, delay: str, room: tuple[int, ...] | None
) -> None:
    fast, plain = both(network(delay), rule)
    if room is not None:
        small_windows(fast, room)
    found, wanted = (one.run(*trial(), spikes=True) for one in (fast, plain))
    np.testing.assert_array_equal(found.predictions, wanted.predictions)
    np.testing.assert_array_equal(found.spikes["h5"], wanted.spikes["h5"])
    assert found.loss == wanted.loss
    assert_same(fast.gradient, plain.gradient)
    name = f"h{LANES + 6}"
    assert np.abs(fast.gradient[f"{name}_{name}"]).max() > 1e-3
    assert np.abs(fast.gradient[f"h5_{name}"]).max() > 1e-4


@pytest.mark.parametrize("room", [None, SMALL])
@pytest.mark.parametrize("rule", DIAGONAL)
def test_a_synapse_with_itself(rule: str, room: tuple[int, ...] | None) -> None:
    """A loop counts in SnAp-1; readouts have no memory in D-RTRL."""
    fast, plain = both(layer(), rule)
    if room is not None:
        small_windows(fast, room)
    for one in (fast, plain):
        one.run(*trial(3))
    assert (fast._session.lane(0).filters.loop >= 0).any() == (rule == "snap-1")
    assert_same(fast.gradient, plain.gradient)


@pytest.mark.usefixtures("short_ones")
@pytest.mark.parametrize("room", [None, SMALL])
@pytest.mark.parametrize("rule", ["eprop", "rflo", "d-rtrl"])
def test_weights_may_change_between_windows(rule: str, room: tuple[int, ...] | None) -> None:
    ends, net = [], layer()
    for windows in (True, False):
        one = learner(net, rule, windows, update=35, optimizer=nr.Sgd(0.01), batch=2)
        if windows and room is not None:
            one._session.lane(1)
            small_windows(one, room)
        one.run(*trial(3))
        journal = one._session.lane(1).journal
        assert journal is None or journal.diary.clock.any()
        ends.append(one.parameters)
    assert_same(ends[0], ends[1])
    before = nr.Learner(net, rule="eprop").parameters
    assert any(np.abs(ends[0][name] - before[name]).max() > 0.01 for name in before)


@pytest.mark.usefixtures("short_ones")
@pytest.mark.parametrize("learn", [(), LEARN])
@pytest.mark.parametrize("rule", ["eprop", "snap-1", "d-rtrl"])
def test_single_steps_go_on_where_a_window_ended(rule: str, learn: tuple[str, ...]) -> None:
    net, (inputs, targets) = layer(learn), trial(3, 1, 180)
    ends: list[dict[str, np.ndarray]] = []
    for windows in (True, False):
        session = learner(net, rule, windows)._session
        lane, gradient = session.lane(0), np.zeros_like(session.collect())
        for low, high in ((0, 40), (40, 41), (41, 46), (46, 80), (80, 130), (130, 180)):
            part = inputs[:, low:high], targets[:, low:high]
            stream = make_stream(session.built, *part, offset=low)
            stream.holds[0] = high == 46  # what is gathered waits until the next stream
            assert not lane.advance(stream, gradient, False)
        lane.settle()
        rows = [np.concatenate([p[1].ravel() for p in lane.row(k)]) for k in range(12)]
        ends.append({"all": gradient, "rows": np.concatenate(rows)})
        assert np.abs(ends[-1]["rows"]).max() > 0.1
    assert_same({"all": ends[0]["all"]}, {"all": ends[1]["all"]})
    assert_same({"rows": ends[0]["rows"]}, {"rows": ends[1]["rows"]})


@pytest.mark.usefixtures("short_ones")
def test_looking_at_traces_changes_nothing() -> None:
    net, (inputs, targets) = layer(), trial(3)
    looked, plain = both(net, "snap-1")
    found, wanted = (
        one.influence(inputs[0], targets[0], units={"h": [0, 3]}, every=45)
        for one in (looked, plain)
    )
    rows, theirs = (one["h"].value[np.abs(one["h"].value) > 1e-12] for one in (found, wanted))
    assert rows.size > 10
    np.testing.assert_allclose(rows, theirs, rtol=1e-9, atol=1e-12)
    looked.run(inputs, targets)
    plain.run(inputs, targets)
    assert_same(looked.gradient, plain.gradient)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_threads_change_nothing(precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuro_rtrl.engine.diary.PART", 1)  # so that each has lots to take
    net, found = network("uniform(0 ms, 3 ms)"), []
    for count in (1, 2, 4):
        set_threads(count)
        one = learner(net, "eprop", True, precision=precision)
        small_windows(one)
        one.run(*trial())
        found.append(np.concatenate(list(one.gradient.values())))
    assert np.array_equal(found[0], found[1]) and np.array_equal(found[0], found[2])
    assert np.abs(found[0]).max() > 0


def test_float32_is_near() -> None:
    fast = learner(network(), "eprop", True)
    rough = learner(network(), "eprop", True, precision="float32")
    for one in (fast, rough):
        one.run(*trial())
    for name, gradient in fast.gradient.items():
        size = np.abs(gradient).max()
        np.testing.assert_allclose(rough.gradient[name], gradient, rtol=0, atol=1e-5 * size)


def test_a_ledger_counts_what_is_done() -> None:
    fast, plain = both(network(), "eprop")
    for one in (fast, plain):
        one.run(*trial())
    mine, theirs = fast.ledger, plain.ledger
    assert (mine.steps, mine.spikes, mine.sensitive) == (
        theirs.steps, theirs.spikes, theirs.sensitive,
    )  # fmt: skip
    assert mine.densities == theirs.densities
    assert 0.1 < mine.multiply_adds / theirs.multiply_adds < 2


def test_silent_units_add_nothing() -> None:
    """Nothing is worth anything to units that have no event, however much they hear."""
    counts = []
    for units in (10, 300):
        net = nr.Network(dt="1 ms", seed=3)
        h = net.neurons(units, "lif", name="h")
        net.connect(net.inputs(5, name="x"), h, weights=-0.01)
        net.connect(h, net.neurons(1, "leaky_readout", name="y"))
        made = learner(net, "eprop", True)
        made.run(np.ones((1, 50, 5)), np.zeros((1, 50, 1)))
        counts.append(made.ledger.multiply_adds)
    own = 50 * 2  # signals of the readout, of the loss and behind its filter
    assert [count - own for count in counts] == [10, 300]


@pytest.mark.parametrize("change", ["model", "map", "short"])
def test_networks_that_keep_no_diary(change: str) -> None:
    net = nr.Network(dt="1 ms", seed=1)
    kind = {"model": "egru", "map": "eprop_lif"}.get(change, "lif")
    h = net.neurons(3, kind, name="h")
    net.connect(net.inputs(5), h)
    net.connect(h, net.neurons(1, "leaky_readout", name="y"))
    made = nr.Learner(net, rule="eprop", update="sequence")
    lane = made._session.lane(0)
    assert isinstance(lane, LocalLane)
    if change == "short":
        made.run(*trial(1, 1, 20), learn=False)
        assert lane.journal is not None and not lane.journal.diary.clock.any()
    else:
        assert lane.journal is None


def test_numbers_that_overflow_in_a_window_are_named() -> None:
    inputs, targets = trial(3, 1)
    with pytest.raises(nr.NeuroRtrlError, match=r"h\.v, unit \d, step \d.*a state is not finite"):
        learner(layer(), "eprop", True).run(1e308 * inputs, targets)


def test_traces_that_explode_in_a_window_are_noticed() -> None:
    """By a loop so strong that influence grows at every event."""
    net = nr.Network(dt="1 ms", seed=4)
    h = net.neurons(
        2, "lif", name="h", reset_gradient=False, surrogate={"width": 50.0, "height": 1}
    )
    net.connect(net.inputs(5), h, weights="normal(0.01, 0.01)")
    net.connect(h, h, weights="normal(3, 0.1)", density=1.0)
    net.connect(h, net.neurons(1, "leaky_readout", name="y"))
    with pytest.warns(ExplodingWarning, match="grows without bound"):
        learner(net, "snap-1", True).run(*trial(1, 1, 70), learn=False)
