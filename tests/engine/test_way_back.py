"""Windows that are read from their end: gradients, and influence when somebody asks after all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine import replay
from neuro_rtrl.engine.guard import ExplodingWarning
from neuro_rtrl.engine.stream import make_stream
from neuro_rtrl.engine.threads import set_threads
from neuro_rtrl.kernels.layout import STEP
from tests.engine import test_replay
from tests.engine.test_replay import all_rows, assert_same, learner, network, trial
from tests.engine.test_snapshot import through_json

either_way, one_thread = test_replay.either_way, test_replay.one_thread


def small_windows(made: nr.Learner, steps: int = 12) -> None:
    for lane in made._session.lanes:
        for program in lane.replay._programs:
            program.room[3] = steps


@pytest.mark.parametrize("delay", ["0 ms", "uniform(0 ms, 4 ms)"])
@pytest.mark.parametrize("model", ["lif", "alif"])
def test_the_rest_of_a_sequence_is_one_large_window(
    model: str, delay: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind windows that were replayed: with influence and events under way from before."""
    monkeypatch.setattr(replay, "LARGE", (1 << 16, 1 << 20, 1 << 20, 60))
    net = network(model, delay)
    fast, rows = learner(net, False), learner(net, True)
    small_windows(fast)
    for one in (fast, rows):
        one.run(*trial())
    lane = fast._session.lane(0)
    assert lane.replay._large.clock.any() and np.abs(lane.replay.owed).max() > 0
    assert_same(fast.gradient, rows.gradient)


def test_a_large_window_that_is_full_before_the_end_is_replayed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net = network("lif", "uniform(0 ms, 4 ms)")
    fast, rows = learner(net, False), learner(net, True)
    small_windows(fast)
    made = fast._session.lane(0).replay
    made.of_a_step[:] = 1e-9
    made._large.room[0] = 200
    for one in (fast, rows):
        one.run(*trial())
    assert_same(fast.gradient, rows.gradient)


@pytest.mark.parametrize("count", [1, 2])
def test_influence_is_there_for_whoever_asks_or_goes_on(count: int) -> None:
    set_threads(count)
    net, (inputs, targets) = network("alif", "uniform(0 ms, 4 ms)"), trial(90, 1)
    ends: list[dict[str, np.ndarray]] = []
    for by_rows in (False, True):
        session = learner(net, by_rows)._session
        lane, gradient = session.lane(0), np.zeros_like(session.collect())
        for low, high, restart in ((0, 40, True), (40, 70, False), (70, 90, False)):
            part = inputs[:, low:high], targets[:, low:high]
            stream = make_stream(session.built, *part, offset=low)
            assert not lane.advance(stream, gradient, restart)
            lane.run.clock[STEP] = high  # as if the sequence went on
            if not by_rows and high == 40:
                assert lane.replay._waiting is not None
        ends.append({"gradient": gradient, "rows": all_rows(session)})
    for name in ends[0]:
        assert_same({name: ends[0][name]}, {name: ends[1][name]})


@pytest.mark.parametrize("least", [12, 40, 100, 130])
def test_a_learner_left_in_a_pause_is_gone_on_with_bit_for_bit(
    least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "LARGE", (1 << 16, 1 << 20, 1 << 20, 30))
    net, kept = network("lif", "uniform(0 ms, 4 ms)"), list[Any]()

    def made() -> nr.Learner:
        one = learner(net, False, optimizer=nr.Sgd(0.01))
        small_windows(one)
        return one

    def run(one: nr.Learner, between: Any = None) -> tuple[Any, ...]:
        given = one.run(*trial(), between=between)
        return given.predictions, given.losses, one.parameters

    left, other, wanted = made(), made(), run(made())

    def leave(done: int) -> int:
        if done < least:
            return 3
        kept.append(through_json(left.state()))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(left, leave)
    other.restore(kept[0])
    small_windows(other)
    np.testing.assert_equal(run(other), wanted)


def test_influence_that_explodes_is_noticed_on_the_way_back() -> None:
    net = nr.Network(dt="1 ms", seed=4)
    options: dict[str, Any] = {"reset_gradient": False, "surrogate": {"width": 50.0, "height": 1}}
    h = net.neurons(6, "lif", name="h", **options)
    net.connect(net.inputs(5), h, weights="normal(0.01, 0.01)")
    net.connect(h, h, weights="normal(1, 0.1)")
    net.connect(h, net.neurons(1, "leaky_readout", name="y"))
    inputs, targets = trial(120, 1)
    made = nr.Learner(net, rule="rtrl", precision="float64", update="sequence")
    made._session.lane(0)
    small_windows(made, 20)
    with pytest.warns(ExplodingWarning, match="grows without bound"):
        made.run(inputs, targets[:, :, :1], learn=False)


@pytest.mark.parametrize("count", [1, 2])
def test_pauses_wait_for_the_end_of_a_window_and_change_no_bit(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "LARGE", (1 << 16, 1 << 20, 1 << 20, 30))
    set_threads(count)
    net, found, asked = network("lif", "uniform(0 ms, 4 ms)"), [], []
    for between in (None, lambda done: asked.append(done) or 5):
        one = learner(net, False, precision="float32")
        for program in one._session.lane(0).replay._programs:
            program.room[3] = 12
        one._session.sequences(*trial(), between=between)
        found.append(np.concatenate(list(one.gradient.values())))
    np.testing.assert_array_equal(found[0], found[1])
    assert asked[:4] == [0, 12, 24, 36]


@pytest.mark.usefixtures("either_way")
def test_a_record_that_is_full_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuro_rtrl.engine.stream.RECORD_EVENTS", 20)
    net = network("lif")
    fast, rows = learner(net, False), learner(net, True)
    found, wanted = (one.run(*trial(), spikes=True) for one in (fast, rows))
    assert found.spikes["h8"][0].size > 40
    np.testing.assert_array_equal(found.spikes["h8"], wanted.spikes["h8"])
    assert_same(fast.gradient, rows.gradient)
