"""D-RTRL where populations hear each other: sequences from a diary give what rows give."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine import across
from neuro_rtrl.engine.across import AcrossLane
from neuro_rtrl.engine.threads import set_threads
from neuro_rtrl.kernels.layout import STEP
from neuro_rtrl.registry import find
from tests.engine.test_diary import LEARN, assert_same, network, trial
from tests.engine.test_snapshot import through_json

DELAY = "uniform(0 ms, 3 ms)"


def learner(net: nr.Network, windows: bool = True, **options: Any) -> nr.Learner:
    rule = dataclasses.replace(find("rules", "d-rtrl"), windows=windows)
    made = nr.Learner(net, rule, **({"precision": "float64", "update": "sequence"} | options))
    assert isinstance(made._session.lane(0), AcrossLane) == windows
    return made


def read(made: nr.Learner) -> bool:
    """Whether a diary has been read."""
    lane = made._session.lane(0)
    assert isinstance(lane, AcrossLane)
    return "diary" in vars(lane.journal) and lane._general is None


def assert_alike(net: nr.Network, **options: Any) -> None:
    fast, plain = learner(net, **options), learner(net, windows=False, **options)
    found, wanted = (one.run(*trial(), spikes=True) for one in (fast, plain))
    assert read(fast)
    np.testing.assert_array_equal(found.predictions, wanted.predictions)
    np.testing.assert_array_equal(found.spikes["h5"], wanted.spikes["h5"])
    assert_same(fast.gradient, plain.gradient)
    local = nr.Learner(net, "snap-1", precision="float64", update="sequence")
    local.run(*trial())
    crosses = np.abs(local.gradient["x_h70"] - plain.gradient["x_h70"]).max()
    assert crosses > 1e-3 * np.abs(plain.gradient["x_h70"]).max()


@pytest.mark.parametrize("delay", ["0 ms", DELAY])
@pytest.mark.parametrize("model", ["lif", "alif", "lif_current", "lif_alpha"])
def test_gradients_are_those_of_rows(model: str, delay: str) -> None:
    assert_alike(network(delay, model=model))


@pytest.mark.parametrize("delay", ["0 ms", DELAY])
@pytest.mark.parametrize("model", ["lif", "alif"])
def test_refractory_units(model: str, delay: str) -> None:
    assert_alike(network(delay, model=model, t_ref="uniform(0 ms, 4 ms)"))


@pytest.mark.parametrize("reset", ["v = 0", "v -= v_th", "v = 0.6*v"])
@pytest.mark.parametrize("model", ["lif", "lif_current"])
def test_events_one_after_the_other(model: str, reset: str) -> None:
    """Units that are live in the step after a spike hand on what came through its reset."""
    wide = nr.Surrogate("fast_sigmoid", 0.5, 1.0)
    assert_alike(network(DELAY, model=model, reset=reset, surrogate=wide))


def test_units_that_learn_parameters_of_their_own() -> None:
    net = network(DELAY, learn=LEARN)
    fast, plain = learner(net), learner(net, windows=False)
    for one in (fast, plain):
        one.run(*trial())
    assert read(fast)
    assert np.abs(plain.gradient["h70.bias"]).max() > 1e-3
    assert_same(fast.gradient, plain.gradient)


def three(copies: int = 1) -> nr.Network:
    """A chain of three populations, of which two are heard by no readout, and a way back; units of
    one state and of two, and some synapses between the same units."""
    net = nr.Network(dt="1 ms", seed=9)
    x, y = net.inputs(5, name="x"), net.neurons(4, "leaky_readout", name="y")
    models = ("lif", "alif", "lif")
    a, b, c = (net.neurons(8, m, name=name) for m, name in zip(models, "abc", strict=True))
    net.connect(x, a, weights="normal(0.4, 0.8)")
    for source, target in ((a, b), (b, c), (c, a)):
        for number in range(copies):
            net.connect(
                source, target, weights="normal(0.3, 0.5)", name=f"{source.name}{number}",
                delay="1 ms" if number else "0 ms",
            )  # fmt: skip
    net.connect(c, y)
    return net


@pytest.mark.parametrize("copies", [1, 2])
def test_errors_come_along_a_chain(copies: int) -> None:
    fast, plain = learner(three(copies)), learner(three(copies), windows=False)
    for one in (fast, plain):
        one.run(*trial())
    assert read(fast) and np.abs(plain.gradient["x_a"]).max() > 1e-6
    assert_same(fast.gradient, plain.gradient)


@pytest.mark.parametrize("threads", [1, 2])
def test_room_grows_and_records_fill_up(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    """A sequence stays one window: where the diary is full, where a record is, where it is long."""
    monkeypatch.setattr("neuro_rtrl.engine.stream.RECORD_EVENTS", 40)
    for name, size in (("ARRIVALS", 30), ("EVENTS", 30), ("STEPS", 40)):
        monkeypatch.setattr(f"neuro_rtrl.engine.diary.{name}", size)
    set_threads(threads)
    try:
        assert_alike(network(DELAY))
    finally:
        set_threads(1)


def test_sequences_that_are_too_long_go_by_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(across, "MOST_STEPS", 60)
    fast, plain = learner(network()), learner(network(), windows=False)
    for one in (fast, plain):
        one.run(*trial())
    assert fast._session.lane(0)._general is not None and not read(fast)
    assert_same(fast.gradient, plain.gradient)


def test_sequences_single_steps_and_windows_take_turns() -> None:
    """Whole sequences leave nothing behind; other ways find the lane as it was."""
    (x, t), one, two = trial(steps=50), learner(network()), learner(network(), windows=False)
    for made in (one, two):
        made.run(x, t, learn=False)
        for step in range(20):
            made.step(x[0, step], t[0, step])
        made.reset()
        made.run(x, t, learn=False)
    assert_same(one.gradient, two.gradient)


def test_counts_and_checkpoints() -> None:
    """The ledger counts both ways; a state that is put back goes on as the other would have."""
    net, (x, t) = network(), trial(steps=60)
    one, again, plain = (
        learner(net, windows, optimizer=nr.Adam(0.01)) for windows in (True, True, False)
    )
    for made in (one, plain):
        made.run(x, t)
    assert one.ledger.steps == plain.ledger.steps
    assert 0 < one.ledger.multiply_adds < plain.ledger.multiply_adds / 20
    again.restore(one.state())
    for made in (one, again, plain):
        made.run(x, t)
    for name, array in one.parameters.items():
        np.testing.assert_array_equal(again.parameters[name], array)
        np.testing.assert_allclose(plain.parameters[name], array, rtol=1e-9, atol=1e-12)


def test_nothing_is_left_of_a_sequence_that_was_broken_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a break for a record that was full, with the notes of half a sequence."""
    monkeypatch.setattr("neuro_rtrl.engine.stream.RECORD_EVENTS", 40)
    net, (x, t) = network(), trial(steps=60)
    left, other = learner(net), learner(net)
    broken = []

    def refuse(*given: Any) -> None:
        broken.append(int(left._session.lane(0).run.clock[STEP]))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("neuro_rtrl.engine.monitor.Monitor.take", refuse)
        left.run(x, t, spikes=True)
    assert 0 < broken[0] < 60
    for made in (left, other):
        made.run(x, t, spikes=True)
    assert_same(left.gradient, other.gradient)


def test_rows_are_made_when_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause within a sequence that goes by rows, put back in a learner that has none yet."""
    monkeypatch.setattr(across, "MOST_STEPS", 30)
    net, (x, t) = network(), trial(batch=2, steps=40)
    whole, left, other = (learner(net, optimizer=nr.Sgd(0.01)) for _ in range(3))
    wanted, kept = whole.run(x, t), []

    def leave(done: int) -> int:
        if done < 14:
            return 7
        kept.append(through_json(left.state()))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        left.run(x, t, between=leave)
    assert other._session.lane(0)._general is None
    other.restore(kept[0])
    assert other._session.lane(0)._general is not None
    np.testing.assert_array_equal(other.run(x, t).losses, wanted.losses)
    for name, array in whole.parameters.items():
        np.testing.assert_array_equal(other.parameters[name], array)


def test_updates_within_sequences_go_by_rows() -> None:
    made = nr.Learner(network(), "d-rtrl", nr.Sgd(0.01), update=7)
    assert not isinstance(made._session.lane(0), AcrossLane)
    still = nr.Learner(network(), "d-rtrl", update="sequence")
    assert made.most_bytes(1, 90)[0] > 10 * still.most_bytes(1, 90)[0]


def test_pauses_wait_for_the_end_of_a_sequence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A learner that is left in one is gone on with, bit for bit."""
    monkeypatch.setattr("neuro_rtrl.engine.stream.RECORD_EVENTS", 40)
    net, (x, t) = network(), trial(batch=4, steps=40)
    whole, left, other = (learner(net, optimizer=nr.Sgd(0.01)) for _ in range(3))
    wanted, kept, asked = whole.run(x, t, spikes=True), [], []

    def leave(done: int) -> int:
        asked.append(done)
        if done < 80:
            return 7
        kept.append(through_json(left.state()))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        left.run(x, t, spikes=True, between=leave)
    assert asked == [0, 40, 80]
    other.restore(kept[0])
    found = other.run(x, t, spikes=True)
    np.testing.assert_array_equal(found.losses, wanted.losses)
    np.testing.assert_array_equal(found.spikes["h5"], wanted.spikes["h5"])
    for name, array in whole.parameters.items():
        np.testing.assert_array_equal(other.parameters[name], array)


def test_units_that_collect_their_arrivals_go_by_rows() -> None:
    net = nr.Network(dt="1 ms", seed=2)
    x, y = net.inputs(3, name="x"), net.neurons(2, "leaky_readout", name="y")
    a, b = net.neurons(4, "lif", name="a"), net.neurons(4, "egru", name="b")
    net.connect(x, a)
    net.connect(a, b, port="cand_x")
    net.connect(b, a)
    net.connect(b, y)
    made = nr.Learner(net, "d-rtrl", update="sequence")
    assert not isinstance(made._session.lane(0), AcrossLane)
