"""Sequences of a batch in shares: the same bits whatever the number of threads, and of pauses."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine import crew, diary
from neuro_rtrl.engine.threads import threads as in_use
from tests.engine.test_snapshot import through_json

SEQUENCES, STEPS = 7, 40
ONE = ["rtrl", "snap-1", "snap-2", "eprop", "d-rtrl", "superspike", "bptt", "tbptt-10"]


@pytest.fixture(autouse=True)
def _small_shares(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Five shares, of one and of two sequences."""
    monkeypatch.setattr(crew, "LEAST_STEPS", 56)
    monkeypatch.setattr("neuro_rtrl.engine.diary.LEAST_STEPS", 8)
    yield
    nr.set_threads(1)


def network(populations: int = 1) -> nr.Network:
    """Recurrent units with delays and refractory periods; a loop if there are two populations."""
    net = nr.Network(dt="1 ms", seed=4)
    x, y = net.inputs(12, name="x"), net.neurons(2, "leaky_readout", name="y")
    units = [
        net.neurons(9, "lif", name=f"u{k}", t_ref="2 ms", surrogate={"width": 0.6})
        for k in range(populations)
    ]
    for unit in units:
        net.connect(x, unit, weights="normal(0.3, 0.5)")
        net.connect(unit, y, weights="normal(0, 0.5)")
        for other in units:
            net.connect(unit, other, weights="normal(0, 0.3)", delay="uniform(0 ms, 3 ms)")
    return net


def trial(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    inputs = (rng.random((SEQUENCES, STEPS, 12)) < 0.15).astype(float)
    return inputs, rng.normal(size=(SEQUENCES, STEPS, 2))


def learner(net: nr.Network, rule: str = "rtrl", **options: Any) -> nr.Learner:
    return nr.Learner(net, rule=rule, optimizer=nr.Adam(1e-2), update="sequence", **options)


def learned(
    net: nr.Network, threads: int, rule: str = "rtrl", between: Any = None, **options: Any
) -> tuple[list[nr.Result], dict[str, np.ndarray], nr.Learner]:
    """Three batches with one learner."""
    nr.set_threads(threads)
    one = learner(net, rule, **options)
    record = {"u0.v": [0, 3]}
    found = [one.run(*trial(k), record=record, spikes=True, between=between) for k in range(3)]
    return found, one.gradient | {f"{k}, learned": v for k, v in one.parameters.items()}, one


def assert_same(given: Any, wanted: Any) -> None:
    (results, values, _), (expected, others, _) = given, wanted
    for name, value in others.items():
        np.testing.assert_array_equal(values[name], value)
        assert np.abs(value).sum() > 0
    for result, other in zip(results, expected, strict=True):
        assert result.loss == other.loss
        for name in ("losses", "predictions", "traces"):
            np.testing.assert_array_equal(getattr(result, name), getattr(other, name))
        assert list(result.spikes) == list(other.spikes)
        for name, events in other.spikes.items():
            np.testing.assert_array_equal(result.spikes[name], events)
            assert events[0].size > 20


@pytest.mark.parametrize("rule", ONE)
def test_threads_give_the_same_bits(rule: str) -> None:
    wanted = learned(network(), 1, rule)
    for threads in (2, 3, 9):
        given = learned(network(), threads, rule)
        assert_same(given, wanted)
        assert len(given[2]._session.lanes) == min(threads, 5)
        for count in ("steps", "spikes", "sensitive", "multiply_adds"):
            assert getattr(given[2].ledger, count) == getattr(wanted[2].ledger, count)


@pytest.mark.parametrize("rule", ["d-rtrl", "eprop", "rtrl"])
def test_threads_give_the_same_bits_across_populations(rule: str) -> None:
    wanted = learned(network(2), 1, rule)
    assert_same(learned(network(2), 2, rule), wanted)


def test_lanes_are_told_how_the_first_one_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sequence that fills a window is read from its end where one before it said it would fit."""
    monkeypatch.setattr("neuro_rtrl.engine.replay.ROOM", (4096, 1 << 16, 1 << 17, 16))
    wanted = learned(network(), 1)
    assert_same(learned(network(), 3), wanted)
    monkeypatch.setattr(crew, "_begin", lambda passage, lane: lane.pace.fill(0.0))
    other = learned(network(), 1)
    assert any((other[1][name] != value).any() for name, value in wanted[1].items())


@pytest.mark.parametrize("rule", ["rtrl", "d-rtrl", "bptt"])
def test_the_gradient_is_that_of_all_sequences(monkeypatch: pytest.MonkeyPatch, rule: str) -> None:
    shared, whole = (learner(network(), rule, precision="float64") for _ in range(2))
    result = shared.run(*trial(), learn=False)
    monkeypatch.setattr(crew, "LEAST_STEPS", 10**6)
    assert result.loss == pytest.approx(whole.run(*trial(), learn=False).loss, rel=1e-14)
    for name, gradient in whole.gradient.items():
        scale = np.abs(gradient).max()
        np.testing.assert_allclose(shared.gradient[name], gradient, rtol=0, atol=1e-12 * scale)
        assert (shared.gradient[name] != gradient).any()


def test_what_is_done_in_several_threads_has_one_each(monkeypatch: pytest.MonkeyPatch) -> None:
    found, write = [], diary.Journal.write

    def look(self: diary.Journal, *given: Any) -> int:
        found.append((in_use(), threading.current_thread() is threading.main_thread()))
        return write(self, *given)

    monkeypatch.setattr(diary.Journal, "write", look)
    learned(network(), 2, "eprop")
    assert {count for count, _ in found} == {1} and {main for _, main in found} == {True, False}
    assert in_use() == 2


@pytest.mark.parametrize("rule", ["rtrl", "eprop"])
@pytest.mark.parametrize("pace", [1, 17, 90, 10**6])
def test_pauses_change_no_bit(rule: str, pace: int) -> None:
    wanted = learned(network(), 1, rule)
    for threads in (1, 2):
        asked: list[int] = []
        given = learned(network(), threads, rule, lambda done, a=asked: a.append(done) or pace)
        assert_same(given, wanted)
        assert max(asked) <= SEQUENCES * STEPS
        assert len(asked) > 3 or pace > SEQUENCES * STEPS


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1), (3, 2)])
@pytest.mark.parametrize("rule", ["rtrl", "d-rtrl"])
def test_a_learner_left_in_a_pause_is_gone_on_with(rule: str, before: int, after: int) -> None:
    """With another number of threads, from any pause; the second batch, so that lanes have run."""
    net, batch = network(), trial(1)
    nr.set_threads(1)
    whole = learner(net, rule)
    whole.run(*trial())
    wanted = whole.run(*batch, spikes=True)
    for most in (0, 60, 100, 150):
        kept: list[Any] = []
        nr.set_threads(before)
        left, other = learner(net, rule), learner(net, rule)

        def leave(
            done: int, most: int = most, one: nr.Learner = left, kept: list[Any] = kept
        ) -> int:
            if done < most:
                return 20
            kept.append(through_json(one.state()))
            raise KeyboardInterrupt

        left.run(*trial())
        with pytest.raises(KeyboardInterrupt):
            left.run(*batch, spikes=True, between=leave)
        nr.set_threads(after)
        other.restore(kept[0])
        given = other.run(*batch, spikes=True)
        np.testing.assert_array_equal(given.predictions, wanted.predictions)
        assert given.loss == wanted.loss
        for name, value in whole.parameters.items():
            np.testing.assert_array_equal(other.parameters[name], value)


def test_a_listener_hears_the_first_sequence_in_the_thread_that_asked() -> None:
    heard: dict[int, list[Any]] = {1: [], 2: []}
    for threads, found in heard.items():
        nr.set_threads(threads)

        def receive(records: Any, found: list[Any] = found) -> None:
            assert threading.current_thread() is threading.main_thread()
            found.append((records.first, records.states.copy(), records.spikes["u0"]))

        one = learner(network())
        result = one.run(*trial(), record=["u0.v"], spikes=True, receive=receive)
        assert result.spikes == {}
        assert sum(len(states) for _, states, _ in found) == STEPS
    for (first, states, events), other in zip(heard[2], heard[1], strict=True):
        assert first == other[0]
        np.testing.assert_array_equal(states, other[1])
        np.testing.assert_array_equal(events, other[2])
        assert events[0].size > 5


@pytest.mark.parametrize("failing", [{0: 2}, {4: 2}, {0: 2, 1: 5}, {1: 5, 2: 2}])
def test_the_first_sequence_that_fails_tells(failing: dict[int, int]) -> None:
    """Sequence -> input with an event that is too large; one of them makes -inf, the other inf."""
    inputs, targets = trial()
    for number, (sequence, source) in enumerate(failing.items()):
        inputs[sequence, 30 * (1 - number) :, source] = 1e308

    def message(threads: int) -> str:
        nr.set_threads(threads)
        one = learner(network(), "eprop")
        with pytest.raises(nr.NeuroRtrlError) as error:
            one.run(inputs, targets)
        given = one.run(*trial())  # and the learner can be used again
        assert np.isfinite(given.losses).all()
        return str(error.value)

    assert "not finite" in message(1)
    assert message(3) == message(1)


def test_what_knows_of_other_sequences_goes_one_by_one() -> None:
    noisy = network()
    noise = noisy.neurons(2, "lif_noise", name="noise")
    noisy.connect(noise, noisy.populations["u0"])
    nr.set_threads(2)
    for net, rule in ((noisy, "eprop"), (network(), "uoro"), (network(), "dni")):
        one = learner(net, rule)
        one.run(*trial())
        assert len(one._session.lanes) == 1


def test_memory_is_that_of_all_lanes() -> None:
    one = learner(network())
    alone, _ = one.most_bytes(SEQUENCES, STEPS)
    nr.set_threads(2)
    assert one.most_bytes(SEQUENCES, STEPS)[0] == 2 * alone
    assert one.most_bytes(1, STEPS)[0] == alone
