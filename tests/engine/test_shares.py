"""Several threads: the same numbers as one, to the last bit, whatever the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neuro_rtrl.engine import shares
from neuro_rtrl.engine.simulation import Simulation, simulate
from neuro_rtrl.engine.threads import set_threads
from neuro_rtrl.errors import DescriptionError, SimulationError
from neuro_rtrl.network.describe import Network
from tests.kernels.test_fast import assert_same


@pytest.fixture(autouse=True)
def _four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that have no core of their own must get on, too."""
    monkeypatch.setattr(shares, "cores", lambda: 4)


def mixed() -> Network:
    """Inputs, maps with graded events, units that differ, readouts; delays from 0 to 3 steps."""
    net = Network(dt="1 ms", seed=3)
    x = net.inputs(12, name="x")
    cells = net.neurons(35, "egru", name="cells")
    units = net.neurons(75, "lif", name="units", t_ref="uniform(0 ms, 4 ms)", tau_m="9 ms")
    out = net.neurons(3, "leaky_readout", name="out")
    for port in ("cand_x", "cand_h"):
        net.connect(x if port == "cand_x" else cells, cells, port=port, weights="normal(0.2, 1)")
    for source in (cells, units, x):
        net.connect(source, units, weights="normal(0.1, 0.4)", delay="uniform(0 ms, 3.9 ms)")
    net.connect(units, units, density=0.3, weights=0.11)
    net.connect(units, out, delay="2 ms")
    return net


def inputs(steps: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.random((steps, 12)) < 0.2) * rng.normal(1, 0.5, (steps, 12))


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_give_the_same_bits(threads: int) -> None:
    assert assert_same(mixed(), inputs(120), threads) > 500


def test_records_are_those_of_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """States of some units, readouts, several calls, and a buffer of spikes that fills up."""
    monkeypatch.setattr("neuro_rtrl.engine.stream.RECORD_EVENTS", 40)
    one, two = Simulation(mixed()), Simulation(mixed(), threads=2)
    assert (one.threads, two.threads) == (1, 2)
    record = {"units.v": [0, 40, 74, 3], "out.y": [2, 0]}
    for part in np.split(inputs(90), 2):
        a, b = one.run(part, record=record, every=7), two.run(part, record=record, every=7)
        assert one.step == two.step
        for name, states in a.states.items():
            np.testing.assert_array_equal(b.states[name], states)
        np.testing.assert_array_equal(b.predictions, a.predictions)
        for name in ("cells", "units"):
            np.testing.assert_array_equal(b[name].step, a[name].step)
            np.testing.assert_array_equal(b[name].i, a[name].i)
        assert a["units"].i.size > 80


def test_a_state_that_is_not_finite_ends_all_threads() -> None:
    def found(threads: int) -> str:
        net = Network(dt="1 ms")
        x, quiet = net.inputs(1), net.neurons(5, "leaky_readout", name="quiet")
        net.connect(x, quiet, pairs=([0], [4]), weights=[1e308])
        with pytest.raises(SimulationError) as error:
            simulate(net, np.ones((100, 1)), threads=threads)
        return str(error.value)

    assert "quiet.y, unit 4, step 64" in found(1)
    assert found(2) == found(1)


def test_noise_has_one_thread() -> None:
    noisy = Network(dt="1 ms")
    noisy.neurons(4, "poisson")
    assert Simulation(noisy, threads=2).threads == 1


def test_threads_of_the_process_unless_told_otherwise() -> None:
    set_threads(2)
    try:
        assert Simulation(mixed()).threads == 2
        assert Simulation(mixed(), threads=1).threads == 1
    finally:
        set_threads(1)
    assert Simulation(mixed()).threads == 1


def resting() -> Network:
    """No inputs and no delays; several jumps from one source, and deaf targets."""
    net = Network(dt="1 ms", seed=5)
    units = net.neurons(40, "lif", name="units", bias="uniform(0.8, 1.6)", t_ref="3 ms")
    free = net.neurons(30, "lif", name="free", bias="uniform(0.8, 1.6)")
    for source in (units, free):
        net.connect(source, free, density=0.3, weights=0.05)
        net.connect(source, units, density=0.3, weights="normal(0, 0.2)")
    return net


def test_where_nothing_waits_a_shorter_kernel_gives_the_same_bits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = []

    def counted(*arguments: Any) -> Any:
        calls.append(1)
        return at_once(*arguments)

    at_once = shares.run_at_once
    monkeypatch.setattr(shares, "run_at_once", counted)
    record = ["units.v", "free.v"]
    short = simulate(resting(), steps=200, record=record)
    assert calls
    monkeypatch.setattr(shares, "run_at_once", shares.run)
    whole = simulate(resting(), steps=200, record=record)
    assert len(calls) == 1
    for name in ("units", "free"):
        assert short[name].i.size > 100
        np.testing.assert_array_equal(short[name].i, whole[name].i)
        np.testing.assert_array_equal(short.states[f"{name}.v"], whole.states[f"{name}.v"])


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_without_delays_give_the_same_bits(
    monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    calls = []

    def counted(*arguments: Any) -> Any:
        calls.append(1)
        return together(*arguments)

    together = shares.run_together_at_once
    monkeypatch.setattr(shares, "run_together_at_once", counted)
    net, record = resting(), ["units.v", "free.v"]
    one = Simulation(net)
    several = Simulation(net, threads=threads)
    for steps in (70, 130):
        a, b = one.run(steps=steps, record=record), several.run(steps=steps, record=record)
        for name in ("units", "free"):
            assert a[name].i.size > 30
            np.testing.assert_array_equal(b[name].step, a[name].step)
            np.testing.assert_array_equal(b[name].i, a[name].i)
            np.testing.assert_array_equal(b.states[f"{name}.v"], a.states[f"{name}.v"])
    assert len(calls) == 2 * threads + 1  # once without steps, to compile


@pytest.mark.parametrize("once", [True, False])
def test_what_waits_is_delivered_before_others_are_heard(once: bool) -> None:
    """Where an event waits for several delays the order of sums does not allow it."""
    net = Network(dt="1 ms", seed=5)
    units = [net.neurons(n, "lif", name=f"u{n}", bias="uniform(0.8, 1.6)") for n in (40, 30)]
    delays = ("2 ms", "0 ms") if once else ("uniform(0 ms, 4 ms)", "1 ms")
    for source, delay in zip(units, delays, strict=True):
        for target in units:
            net.connect(source, target, density=0.5, weights="normal(0, 0.2)", delay=delay)
    one, several = Simulation(net), Simulation(net, threads=2)
    assert all(share.fan.once[0] == once for share in several._shares._shares)
    record = ["u40.v", "u30.v"]
    a, b = one.run(steps=300, record=record), several.run(steps=300, record=record)
    assert a["u40"].i.size > 100 and a["u30"].i.size > 100
    for name in record:
        np.testing.assert_array_equal(b.states[name], a.states[name])


def test_threads_with_a_condition_of_refractoriness() -> None:
    """These need the longest kernel."""
    net = Network(dt="0.1 ms", seed=1)
    units = net.neurons(30, "hodgkin_huxley", name="units", I_ext="uniform(0.4 nA, 0.9 nA)")
    net.connect(units, units, density=0.3, weights="20 nS")
    a, b = simulate(net, steps=400), simulate(net, steps=400, threads=2)
    assert a["units"].i.size > 30
    np.testing.assert_array_equal(b["units"].step, a["units"].step)
    np.testing.assert_array_equal(b["units"].i, a["units"].i)


def delayed() -> Network:
    net = resting()
    net.connect(net.populations["units"], net.populations["free"], delay="1 ms", name="late")
    return net


def with_inputs() -> Network:
    net = resting()
    net.connect(net.inputs(2), net.populations["free"])
    return net


@pytest.mark.parametrize("make", [delayed, with_inputs])
def test_where_something_waits_the_calendar_is_there(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[], Network]
) -> None:
    monkeypatch.setattr(shares, "run_at_once", None)  # a call of it would be an error
    assert simulate(make(), steps=30)["free"].i.size > 10


def test_threads_are_no_more_than_units_and_cores() -> None:
    net = Network(dt="1 ms")
    net.neurons(2, "lif")
    assert Simulation(net, threads=3).threads == 2
    assert Simulation(mixed(), threads=9).threads == 4


@pytest.mark.parametrize("threads", [0, 1.5, "two"])
def test_a_wrong_number_of_threads_is_refused(threads: object) -> None:
    with pytest.raises(DescriptionError, match="threads"):
        Simulation(mixed(), threads=threads)  # type: ignore[arg-type]


def test_a_thread_that_cannot_start_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the others would wait for ever."""
    submit, calls = shares.ThreadPoolExecutor.submit, []

    def refuse(pool: object, *job: object) -> object:
        calls.append(job)
        if len(calls) == 2:
            raise RuntimeError("can't start new thread")
        return submit(pool, *job)  # type: ignore[arg-type]

    monkeypatch.setattr(shares.ThreadPoolExecutor, "submit", refuse)
    with pytest.raises(RuntimeError, match="new thread"):
        simulate(mixed(), inputs(20), threads=3)
