"""Recorded units, steps and inputs: what is refused, and how much room there is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuro_rtrl.engine import memory
from neuro_rtrl.engine.build import build
from neuro_rtrl.engine.simulation import Simulation, simulate
from neuro_rtrl.engine.tape import make_tape
from neuro_rtrl.errors import BuildError, DescriptionError
from neuro_rtrl.learner import Learner
from neuro_rtrl.network.describe import Network


def network() -> Network:
    net = Network(dt="1 ms", seed=1)
    net.neurons(4, "lif", name="h", bias="uniform(1, 3)")
    return net


@pytest.mark.parametrize(
    ("begin", "steps", "every"), [(0, 10, 1), (0, 10, 3), (4, 5, 3), (5, 1, 3)]
)
def test_room_for_every_recorded_step(begin: int, steps: int, every: int) -> None:
    tape = make_tape(build(network(), False), np.zeros((steps, 0)), np.zeros(2, int), begin, every)
    assert len(tape.trace) == sum(t % every == 0 for t in range(begin, begin + steps))


def test_some_units_at_some_steps() -> None:
    whole = simulate(network(), steps=31, record=["h.v"])
    part = simulate(network(), steps=31, record={"h.v": [3, 1]}, every=7)
    np.testing.assert_array_equal(part.states["h.v"], whole.states["h.v"][[3, 1], ::7])
    np.testing.assert_allclose(part.t, np.arange(0, 31, 7) * 1e-3)


def test_a_run_in_parts_is_the_whole_run() -> None:
    whole = simulate(network(), steps=31, record=["h.v"], every=4)
    simulation = Simulation(network())
    parts = [simulation.run(steps=n, record=["h.v"], every=4) for n in (10, 0, 1, 20)]
    assert simulation.step == 31
    found = np.concatenate([p.states["h.v"] for p in parts], axis=1)
    np.testing.assert_array_equal(found, whole.states["h.v"])
    np.testing.assert_allclose(np.concatenate([p.t for p in parts]), whole.t)
    steps = np.concatenate([p["h"].step for p in parts])
    assert steps.tolist() == whole["h"].step.tolist() != []
    rates = np.concatenate([p.rate("h") for p in parts])
    np.testing.assert_array_equal(rates, whole.rate("h"))
    assert rates.sum() * 4 * 1e-3 == pytest.approx(whole["h"].i.size)


@pytest.mark.parametrize("units", [[4], [-1], [0.5], [], 2, [[0]], ["0"], [[0], 1]])
def test_units_that_do_not_exist(units: Any) -> None:
    with pytest.raises(DescriptionError, match=r"record: h\.v: these are not numbers of units"):
        simulate(network(), steps=3, record={"h.v": units})


@pytest.mark.parametrize("record", [5, [["h.v"]], [None], b"h.v", {3: [0]}])
def test_what_is_no_name_of_a_state(record: Any) -> None:
    with pytest.raises(DescriptionError, match=r"record: these are not names of states; given: "):
        simulate(network(), steps=3, record=record)
    net = network()
    net.neurons(1, "leaky_readout")
    with pytest.raises(DescriptionError, match=r"record: these are not names of states; given: "):
        Learner(net, update="sequence").run(np.zeros((1, 3, 0)), record=record)


def test_more_than_memory_holds_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network()
    net.inputs(1)
    with pytest.raises(BuildError, match=r"^steps: this needs more memory than there is; .* TiB"):
        simulate(net, steps=10**13)
    monkeypatch.setattr(memory, "physical", lambda: 2000)
    simulate(net, steps=50, record=["h.v"])
    with pytest.raises(BuildError, match=r"^record: this needs more memory than there is; .*KiB"):
        simulate(net, steps=60, record=["h.v"])


@pytest.mark.parametrize("every", [0, -1, 1.5, True])
def test_steps_between_records(every: Any) -> None:
    with pytest.raises(DescriptionError, match=r"every: "):
        simulate(network(), steps=3, record=["h.v"], every=every)
