"""Pauses within sequences: nothing changes by them, and in each a learner can be left and gone on
with, bit for bit, for every rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine import passage
from neuro_rtrl.engine.result import Result
from neuro_rtrl.engine.snapshot import Snapshot
from neuro_rtrl.errors import RunFileError
from neuro_rtrl.registry import find
from tests.engine.test_snapshot import RULES, all_of, batches, learner, through_json

(INPUTS, TARGETS), *_ = batches(1)
STEPS = INPUTS.shape[0] * INPUTS.shape[1]


class LeftError(Exception):
    """Stands for the end of a process."""


def updates(rule: str) -> tuple[str | int, ...]:
    online = int(find("rules", rule).online)
    return ("sequence", *((1, 7) if online == 1 else (3 * online,) if online else ()))


CASES = [(rule, update) for rule in RULES for update in updates(rule)]


def run(one: nr.Learner, between: Callable[[int], int] | None = None) -> dict[str, Any]:
    """What a call gives and leaves."""
    given = one.run(INPUTS, TARGETS, record=["h.v"], spikes=True, between=between)
    return {**all_of(one), **{name: getattr(given, name) for name in Result.__annotations__}}


def left_after(one: nr.Learner, at: int) -> Snapshot:
    """A learner is left in a pause after so many steps; its state then."""
    kept: list[Snapshot] = []

    def leave(done: int) -> int:
        if done < at:
            return at - done
        kept.append(through_json(one.state()))
        raise LeftError

    with pytest.raises(LeftError):
        run(one, leave)
    return kept[0]


@pytest.mark.parametrize(("rule", "update"), CASES)
def test_a_learner_left_in_a_pause_is_gone_on_with_bit_for_bit(
    rule: str, update: str | int
) -> None:
    whole, paused, asked = learner(rule, update), learner(rule, update), list[int]()

    def often(done: int) -> int:
        asked.append(done)
        return 5

    first = run(whole)
    np.testing.assert_equal(run(paused, often), first)
    assert asked[0] == 0
    assert STEPS - 7 <= asked[-1] <= STEPS
    assert len(asked) >= STEPS // 7
    second = run(whole)
    for at in (10, 26):
        other = learner(rule, update)
        other.restore(left_after(learner(rule, update), at))
        np.testing.assert_equal(run(other), first)
        np.testing.assert_equal(run(other), second)


@pytest.mark.parametrize("update", ["sequence", 7])
def test_synapses_that_come_and_go_do_so_after_a_pause_too(update: str | int) -> None:
    def make() -> nr.Learner:
        net = nr.Network(dt="1 ms", seed=2)
        x, h = net.inputs(3), net.neurons(6, "lif", name="h")
        net.connect(x, h, weights="normal(0.7, 0.4)")
        net.connect(h, h, density=0.4, weights="normal(0, 0.4)", name="hh")
        net.connect(h, net.neurons(2, "leaky_readout"))
        method = nr.DeepR(0.3, l1=0.3, temperature=1e-3)
        return nr.Learner(net, "rtrl", nr.Adam(1e-2), update=update, rewiring={"hh": method})

    def wiring(one: nr.Learner) -> list[list[int]]:
        return [one.projections["hh"].pre.tolist(), one.projections["hh"].post.tolist()]

    whole = make()
    before, first = wiring(whole), run(whole)
    assert wiring(whole) != before
    for at in (3, 17, 30):
        other = make()
        other.restore(left_after(make(), at))
        np.testing.assert_equal(run(other), first)
        assert wiring(other) == wiring(whole)


def test_results_of_many_windows_are_put_together_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = run(learner("rtrl", 1))
    monkeypatch.setattr(passage, "MOST_PARTS", 2)
    np.testing.assert_equal(run(learner("rtrl", 1)), whole)
    other = learner("rtrl", 1)
    other.restore(left_after(learner("rtrl", 1), 26))
    assert {len(part) for part in other._session.passage.parts} <= {1, 2}  # type: ignore[union-attr]
    np.testing.assert_equal(run(other), whole)


def test_another_batch_than_the_one_that_was_begun_is_refused() -> None:
    one = learner("rtrl", "sequence")
    one.restore(left_after(learner("rtrl", "sequence"), 10))
    with pytest.raises(RunFileError, match=r"of another batch.*of shape \(2, 21, 3\)"):
        one.run(INPUTS[:, :5], TARGETS[:, :5])
    one.reset()
    one.run(INPUTS[:, :5], TARGETS[:, :5])


def test_an_interrupted_call_leaves_a_learner_that_begins_anew() -> None:
    one = learner("rtrl", "sequence")
    left_after(one, 10)
    assert one.run(INPUTS[:, :5], TARGETS[:, :5]).losses.shape == (2, 5)
    assert one.step(INPUTS[:, 0]).shape == (2, 2)
