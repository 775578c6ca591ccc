"""A diary that is left in the middle: in a pause, or because there is no more room for records."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine import diary
from neuro_rtrl.kernels.diary import FIRST_STEP
from neuro_rtrl.kernels.layout import STEP, Run
from tests.engine import test_diary
from tests.engine.test_diary import LANES, assert_same, both, learner, network, small_windows, trial
from tests.engine.test_snapshot import through_json

short_ones = test_diary.short_ones


def test_pauses_wait_for_the_end_of_a_window_and_change_no_bit() -> None:
    net, found, asked = network("uniform(0 ms, 3 ms)"), [], []
    inputs, targets = trial()
    targets = np.nan_to_num(targets)  # a loss at every step, so that every trace counts
    for between in (None, lambda done: asked.append(done) or 5):
        one = learner(net, "eprop", True, precision="float32")
        small_windows(one, (1000, 1000, 12))
        one._session.sequences(inputs, targets, between=between)
        found.append(np.concatenate(list(one.gradient.values())))
    np.testing.assert_array_equal(found[0], found[1])
    assert asked[:4] == [0, 12, 24, 36]


def test_a_pause_that_is_due_at_the_end_of_a_sequence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the clock is set back already: the diary is not put together by that."""
    seen, settle = [], diary.Journal.settle

    def look(self: diary.Journal, run: Run, rows: Any) -> None:
        if self.waits:
            seen.append(int(run.clock[STEP]) - int(self.diary.clock[FIRST_STEP]))
        settle(self, run, rows)

    monkeypatch.setattr(diary.Journal, "settle", look)
    one = learner(network("uniform(0 ms, 3 ms)"), "eprop", True)
    small_windows(one, (1000, 1000, 12))
    for _ in range(2):
        one.run(*trial(), between=lambda done: 5)
    assert seen and all(0 < steps <= 12 for steps in seen)


@pytest.mark.usefixtures("short_ones")
@pytest.mark.parametrize("update", ["sequence", 35])
def test_a_learner_left_in_a_pause_is_gone_on_with_bit_for_bit(update: str | int) -> None:
    net, (inputs, targets) = network("uniform(0 ms, 3 ms)"), trial()

    def made() -> nr.Learner:
        one = learner(net, "eprop", True, update=update, batch=2, optimizer=nr.Sgd(0.01))
        one._session.lane(1)
        small_windows(one, (1000, 1000, 12))
        return one

    def run(one: nr.Learner, between: Any = None) -> tuple[np.ndarray, np.ndarray, Any]:
        given = one.run(inputs, targets, between=between)
        return given.predictions, given.losses, one.parameters

    wanted = run(made())
    for least in (12, 40, 100, 120):
        kept: list[Any] = []
        left, other = made(), made()

        def leave(done: int, one: nr.Learner = left, most: int = least, kept: Any = kept) -> int:
            if done < most:
                return 3
            kept.append(through_json(one.state()))
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(left, leave)
        other.restore(kept[0])
        small_windows(other, (1000, 1000, 12))
        np.testing.assert_equal(run(other), wanted)


def test_a_record_that_is_full_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuro_rtrl.engine.stream.RECORD_EVENTS", 20)
    fast, plain = both(network(), "eprop")
    found, wanted = (one.run(*trial(), spikes=True) for one in (fast, plain))
    name = f"h{LANES + 6}"
    assert found.spikes[name][0].size > 100
    np.testing.assert_array_equal(found.spikes[name], wanted.spikes[name])
    assert_same(fast.gradient, plain.gradient)
