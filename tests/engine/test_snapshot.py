"""Everything that changes is kept and comes back: a learner goes on bit for bit, for every rule."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine.counting import Counting
from neuro_rtrl.engine.snapshot import Snapshot, put_back, take
from neuro_rtrl.errors import RunFileError
from neuro_rtrl.optimizers.delayed_sgd import DelayedSgd
from neuro_rtrl.registry import files, find

RULES = (*files("rules"), "snap-2", "tbptt-3", "eprop-adaptive", "eprop-random", "ok-2")


def through_json(found: Snapshot) -> Snapshot:
    """What a file makes of it: copies."""
    arrays = {place: array.copy() for place, array in found.arrays.items()}
    return Snapshot(arrays, json.loads(json.dumps(found.notes)))


def learner(rule: str, update: str | int, optimizer: str = "adam") -> nr.Learner:
    net = nr.Network(dt="1 ms", seed=3)
    x = net.inputs(3)
    noisy = net.neurons(4, "lif_noise", name="noisy", learn=("bias",))
    h = net.neurons(5, "alif", name="h")
    y = net.neurons(2, "leaky_readout", name="y", learn=("bias",))
    net.connect(x, noisy, weights="normal(0.6, 0.4)", delay="2 ms")
    net.connect(x, h, weights="normal(0.6, 0.4)")
    if rule not in ("decolle", "ostl"):
        net.connect(noisy, h, weights="normal(0.3, 0.4)", delay="1 ms")
        net.connect(h, h, weights="normal(0, 0.4)", self_connections=False)
    net.connect(h, y)
    net.connect(noisy, y)
    made = find("optimizers", optimizer)(1e-2)
    return nr.Learner(net, rule, made, update=update, batch=2, loss="mse")


def batches(count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(2)
    return [
        ((rng.random((2, 21, 3)) < 0.5).astype(float), rng.standard_normal((2, 21, 2)))
        for _ in range(count)
    ]


def all_of(one: nr.Learner) -> dict[str, Any]:
    return {
        "parameters": one.parameters,
        "gradient": one.gradient,
        "ledger": one.ledger.as_dict(),
        "certificate": one.certificate,
    }


def assert_same(one: Any, other: Any) -> None:
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key, value in one.items():
            assert_same(value, other[key])
    else:
        np.testing.assert_array_equal(one, other)


def save(one: nr.Learner) -> Snapshot:
    return through_json(one.state())


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_goes_on_between_sequences(rule: str) -> None:
    online = find("rules", rule).online
    update = int(online) * 7 if online else "sequence"
    first = learner(rule, update)
    before, after = batches(4)[:2], batches(4)[2:]
    for inputs, targets in before:
        first.run(inputs, targets)
    kept = save(first)
    second = learner(rule, update)
    second.restore(kept)
    assert_same(all_of(first), all_of(second))
    for inputs, targets in after:
        a, b = first.run(inputs, targets), second.run(inputs, targets)
        np.testing.assert_array_equal(a.losses, b.losses)
    assert_same(all_of(first), all_of(second))
    assert_same(save(first).notes, save(second).notes)


@pytest.mark.parametrize("rule", [rule for rule in RULES if find("rules", rule).online == 1])
def test_every_rule_goes_on_within_a_sequence(rule: str) -> None:
    first = learner(rule, "step")
    ((inputs, targets),) = batches(1)
    for t in range(9):
        first.step(inputs[:, t], targets[:, t])
    second = learner(rule, "step")
    second.restore(save(first))
    for t in range(9, 21):
        a = first.step(inputs[:, t], targets[:, t])
        np.testing.assert_array_equal(a, second.step(inputs[:, t], targets[:, t]))
    assert_same(all_of(first), all_of(second))


def test_optimizers_and_late_gradients_go_on() -> None:
    for name in files("optimizers"):
        values, other = np.ones(3), np.ones(3)
        first, second = (find("optimizers", name)(0.1) for _ in range(2))
        if isinstance(first, DelayedSgd):
            first, second = DelayedSgd(0.1, delay=2), DelayedSgd(0.1, delay=2)
        for i in range(3):
            first.update(values, np.array([1.0, -0.5, i]))
        other[:] = values
        put_back(second, through_json(take(first)))
        for i in range(3):
            first.update(values, np.array([0.3, i, 1.0]))
            second.update(other, np.array([0.3, i, 1.0]))
        np.testing.assert_array_equal(values, other, err_msg=name)


class Pair(NamedTuple):
    array: np.ndarray
    number: int


@dataclass
class Thing:
    pair: Pair
    again: np.ndarray
    draws: np.random.Generator
    counts: Counting = field(default_factory=Counting)
    course: list[float] = field(default_factory=list)
    last: deque[tuple[dict[str, np.ndarray], int]] = field(default_factory=deque)
    late: np.ndarray | None = None


def thing(seed: int) -> Thing:
    array = np.zeros(3)
    return Thing(Pair(array, 0), array, np.random.default_rng(seed))


def test_objects_of_all_kinds() -> None:
    first, second = thing(1), thing(2)
    first.again[:] = 1, 2, 3
    first.pair = first.pair._replace(number=4)
    first.draws.random(5)
    next(first.counts)
    first.course += [0.1, float("nan")]
    first.last.append(({"a": np.arange(2)}, 7))
    first.late = np.ones((2, 2), np.float32)
    held = second.again
    put_back(second, through_json(take(first)))
    assert second.pair.array is second.again is held
    assert held.tolist() == [1, 2, 3]
    assert second.pair.number == 4
    assert second.draws.random() == first.draws.random()
    assert next(second.counts) == 1
    np.testing.assert_array_equal(second.course, first.course)
    assert isinstance(second.last, deque)
    assert second.last[0][0]["a"].tolist() == [0, 1]
    assert second.last[0][1] == 7
    assert second.late is not None
    assert second.late.dtype == np.float32
    assert second.late is not first.late


def test_an_array_that_has_grown_takes_the_place_of_a_small_one() -> None:
    small = [np.zeros(2), np.zeros(1)]
    put_back(small, take([np.arange(5.0), np.zeros(1)]))
    assert small[0].tolist() == [0, 1, 2, 3, 4]


@dataclass(frozen=True)
class Settled:
    number: int | None
    array: np.ndarray


def test_an_object_that_never_changes_is_shared_by_all_and_is_not_changed() -> None:
    shared = Settled(3, np.zeros(2))
    put_back([shared], take([Settled(3, np.ones(2))]))
    assert shared.array.tolist() == [1, 1]
    for one, other in ((shared, Settled(4, np.zeros(2))), (Settled(None, np.zeros(1)), shared)):
        before = one.number
        with pytest.raises(RunFileError, match=r"^/0/number: the kept state is not that of this"):
            put_back([one], take([other]))
        assert one.number == before


def test_what_cannot_be_kept_is_refused() -> None:
    with pytest.raises(RunFileError, match=r"cannot be kept; given: a value of the type object"):
        take({"a": [object()]})
    with pytest.raises(RunFileError, match=r"/0: the state of a run cannot be kept"):
        take([np.array(["text"])])


@pytest.mark.parametrize(
    ("made", "other"),
    [
        (lambda: Counting(), lambda: thing(0)),
        (lambda: [np.random.default_rng(0)], lambda: [3]),
        (lambda: Pair(np.zeros(1), 2), lambda: 5),
        (lambda: [np.zeros(2)], lambda: [np.zeros(2, np.float32)]),
        (lambda: [np.zeros(2)], lambda: [np.zeros((2, 1))]),
        (lambda: [3, np.zeros(1)], lambda: ["x", np.zeros(1)]),
        (lambda: ["x", np.zeros(1)], lambda: [None, np.zeros(1)]),
        (lambda: [True, np.zeros(1)], lambda: [1, np.zeros(1)]),
    ],
)
def test_another_make_is_refused(made: Any, other: Any) -> None:
    with pytest.raises(RunFileError, match=r"the kept state is not that of this run"):
        put_back(other(), take(made()))


def test_a_place_that_was_not_kept_is_refused() -> None:
    found = take(Counting())
    del found.notes["/given"]
    with pytest.raises(RunFileError, match=r"/given: the kept state is not that of this run"):
        put_back(Counting(), found)


def test_a_list_longer_than_what_is_there_is_refused() -> None:
    found = take([[np.zeros(1)]])
    found.notes["/0"] = {"count": 10**12, "kind": "list"}
    with pytest.raises(RunFileError, match=r"given: 1000000000000; expected: a list of what"):
        put_back([[np.zeros(1)]], found)


@pytest.mark.parametrize(
    "note", [{"value": []}, {"same": "/9"}, {"plain": 3, "kind": "list"}, {"count": 1}, {"keys": 5}]
)
def test_notes_that_nobody_has_taken_are_refused(note: dict[str, Any]) -> None:
    found = take([[np.zeros(1)]])
    found.notes["/0"] = note
    with pytest.raises(RunFileError, match=r"the kept state is not that of this run"):
        put_back([[np.zeros(1)]], found)
