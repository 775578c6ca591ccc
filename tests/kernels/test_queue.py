"""The calendar of events: each group in its step, first in, first out, every event used again."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.engine.build import Built, build
from neuro_rtrl.engine.fresh_run import make_run
from neuro_rtrl.kernels import queue
from neuro_rtrl.kernels.forward import release_done
from neuro_rtrl.kernels.jit import kernel
from neuro_rtrl.kernels.layout import DONE, FREE, STEP, Run, Wires
from neuro_rtrl.kernels.refs import ref
from neuro_rtrl.network.describe import Network


@kernel
def emit(wires: Wires, run: Run, source: int) -> int:
    w, r = ref(wires), ref(run)
    event = queue.new_event(r, source, 1.0, -1, w.group[source])
    queue.schedule(w, r, event)
    return event


@kernel
def due(wires: Wires, run: Run, found: np.ndarray) -> int:
    """Events that are due now, each with its group; they move on to their next one."""
    w, r = ref(wires), ref(run)
    event, count = queue.take_slot(w, r), 0
    while event >= 0:
        following = r.link[event]
        found[count, 0], found[count, 1] = r.source[event], r.next_group[event]
        count += 1
        r.next_group[event] += 1
        queue.schedule(w, r, event)
        event = following
    return count


@kernel
def clear(run: Run) -> None:
    queue.clear_queue(ref(run))


@kernel
def release(run: Run) -> None:
    release_done(ref(run))


@pytest.fixture
def built() -> Built:
    """Two units (sources 0, 1) and an input (source 2), with delays of 0 to 5 steps."""
    net = Network(dt="1 ms")
    x, h = net.inputs(1), net.neurons(2, "lif")
    net.connect(h, h, pairs=([0, 0, 0, 1], [0, 1, 1, 0]), delay=[1e-3, 1e-3, 4e-3, 1e-3])
    net.connect(x, h, pairs=([0, 0], [0, 1]), delay=[0.0, 5e-3])
    return build(net)


def calendar(built: Built, emissions: dict[int, list[int]], steps: int) -> dict[int, list[int]]:
    """Step -> sources of the events that were due in it, in their order."""
    run = make_run(built)
    free = run.clock[FREE]
    made: dict[int, list[int]] = {}
    for t in range(steps):
        run.clock[STEP] = t
        release(run)
        for source in emissions.get(t, []):
            emit(built.wires, run, source)
        found = np.zeros((50, 2), np.int64)
        count = due(built.wires, run, found)
        if count:
            made[t] = found[:count, 0].tolist()
            delays = t - built.wires.delay[found[:count, 1]]
            assert set(delays.tolist()) <= set(emissions)
    release(run)
    assert run.clock[FREE] == free, "an event was lost"
    return made


def test_one_event_stops_at_each_of_its_groups(built: Built) -> None:
    assert calendar(built, {0: [0]}, 8) == {1: [0], 4: [0]}
    assert calendar(built, {2: [2]}, 9) == {2: [2], 7: [2]}


def test_first_in_first_out(built: Built) -> None:
    assert calendar(built, {0: [1, 0]}, 8)[1] == [1, 0]
    assert calendar(built, {0: [0, 1]}, 8)[1] == [0, 1]
    # What was on its way before comes first: unit 0 of step 0 (delay 4), then unit 1 of step 3.
    assert calendar(built, {0: [0], 3: [1]}, 9) == {1: [0], 4: [0, 1]}


def test_the_calendar_goes_round(built: Built) -> None:
    emissions = {t: [0, 1, 2] for t in range(40)}
    made = calendar(built, emissions, 60)
    assert all(sorted(made[t]) == [0, 0, 1, 2, 2] for t in range(5, 40))


def test_a_source_without_synapses_is_done_at_once() -> None:
    net = Network()
    net.neurons(1, "lif")
    built = build(net)
    run = make_run(built)
    emit(built.wires, run, 0)
    assert run.clock[DONE] == 1


def test_clearing_forgets_everything(built: Built) -> None:
    run = make_run(built)
    free = run.clock[FREE]
    emit(built.wires, run, 0)
    assert run.clock[FREE] == free - 1
    clear(run)
    assert run.clock[FREE] == free and (run.head == -1).all()
    assert sorted(run.free.tolist()) == list(range(run.free.size))
