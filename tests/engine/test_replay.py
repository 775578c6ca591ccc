"""Windows that are replayed give what rows give, step by step; shards and rows hold the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl import registry
from neuro_rtrl.engine import replay, row_lanes
from neuro_rtrl.engine.stream import make_stream
from neuro_rtrl.engine.threads import set_threads
from neuro_rtrl.kernels.layout import SENSITIVE, SPIKES

LEARNED = {"leaky_readout": ("leaky_readout",), "two": ("leaky_readout", "leaky_readout")}
KINDS = ("lif", "lif_current", "alif")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    yield
    set_threads(1)


@pytest.fixture(params=[True, False], ids=["read", "replayed"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Windows at the end of sequences are read from their end, or replayed as all others."""
    monkeypatch.setattr(replay.Replay, "reads", request.param)
    return bool(request.param)


def network(
    model: str | Path,
    delay: str = "0 ms",
    loops: bool = True,
    refractory: str = "0 ms",
    **options: Any,
) -> nr.Network:
    """Two populations, one after the other, and two populations of readouts."""
    net = nr.Network(dt="1 ms", seed=6)
    x = net.inputs(5, name="x")
    options |= {} if refractory == "0 ms" else {"refractory": refractory}
    first, second = (net.neurons(n, model, name=f"h{n}", **options) for n in (8, 6))
    port = next(iter(first.model.ports))
    common: dict[str, Any] = {"port": port, "density": 0.6}
    net.connect(x, first, weights="normal(0.5, 0.8)", **common)
    if loops:
        net.connect(first, first, weights="normal(0, 0.5)", delay=delay, **common)
    net.connect(first, second, weights="normal(0.5, 0.5)", delay=delay, **common)
    if loops:
        net.connect(second, second, weights="normal(0, 0.4)", delay=delay, **common)
        net.connect(second, first, weights="normal(0, 0.4)", delay=delay, **common)
    for i in range(2):
        y = net.neurons(2, "leaky_readout", name=f"y{i}")
        net.connect(second, y, density=0.8, delay=delay)
    return net


def trial(steps: int = 90, batch: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    inputs = (rng.random((batch, steps, 5)) < 0.4) * rng.uniform(0.5, 1.5, (batch, steps, 5))
    targets = rng.standard_normal((batch, steps, 4))
    targets[:, 12:30] = np.nan
    return inputs, targets


def learner(net: nr.Network, by_rows: bool, **options: Any) -> nr.Learner:
    """Exact RTRL; without its shards if `by_rows`."""
    options = {"precision": "float64", "update": "sequence"} | options
    made = nr.Learner(net, rule="rtrl", **options)
    lane = made._session.lane(0)
    assert lane.replay is not None
    for number in range(options.get("batch", 1)):
        if by_rows:
            made._session.lane(number).replay = None
    return made


def assert_same(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    size = max(np.abs(a).max(initial=0.0) for a in wanted.values())
    assert size > 0
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=1e-12 * size, err_msg=name)


def all_rows(session: Any, number: int = 0) -> np.ndarray:
    """(units, states, values) the whole influence matrix of a lane."""
    lane, built = session.lanes[number], session.built
    lane.settle()
    dense = np.zeros((built.plan.n, built.widest, built.values.size))
    for k in range(built.plan.n):
        for numbers, part in lane.row(k):
            dense[k, : len(part), numbers] += part.T
    return dense


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("refractory", ["0 ms", "3 ms"])
@pytest.mark.parametrize("delay", ["0 ms", "uniform(0 ms, 4 ms)"])
@pytest.mark.parametrize("model", KINDS)
def test_gradients_are_those_of_rows(model: str, delay: str, refractory: str) -> None:
    net = network(model, delay, refractory=refractory)
    fast, rows = learner(net, False), learner(net, True)
    found, wanted = (one.run(*trial(), spikes=True) for one in (fast, rows))
    np.testing.assert_array_equal(found.predictions, wanted.predictions)
    assert found.loss == wanted.loss
    assert all(found.spikes[name][0].size > 9 for name in ("h8", "h6"))
    assert_same(fast.gradient, rows.gradient)
    assert np.any(fast.gradient["h8_h8"])


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("delay", ["0 ms", "uniform(0 ms, 4 ms)"])
def test_resets_outside_of_the_gradient(delay: str) -> None:
    net = network("lif", delay, reset_gradient=False)
    fast, rows = learner(net, False), learner(net, True)
    for one in (fast, rows):
        one.run(*trial())
    assert_same(fast.gradient, rows.gradient)


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("reset", ["v = v_reset", "v -= v_th", "v *= 0.3"])
@pytest.mark.parametrize("delay", ["0 ms", "uniform(0 ms, 4 ms)"])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_spikes_without_a_derivative(
    delay: str, reset: str, precision: str, tmp_path: Path
) -> None:
    """Own blocks from traces with a gain; rows that a spike outside of the support forgets."""
    text = registry.files("models")["lif"].read_text().replace('"v += w"', '"v += 0.7*w"')
    assert "0.7" in text
    (tmp_path / "strong.toml").write_text(text)
    net = network(tmp_path / "strong.toml", delay, reset=reset, surrogate={"width": 0.2})
    fast, rows = (learner(net, by_rows, precision=precision) for by_rows in (False, True))
    for one in (fast, rows):
        one.run(*trial())
    lane = fast._session.lane(0)
    assert (lane.replay._traces.shared >= 0).all() and lane.replay._programs[0].plain.all()
    assert lane.run.counts[SPIKES] > lane.run.counts[SENSITIVE] > 50
    size = max(np.abs(g).max() for g in rows.gradient.values())
    assert size > 0.1
    tolerance = 1e-12 if precision == "float64" else 1e-5
    for name, gradient in rows.gradient.items():
        np.testing.assert_allclose(fast.gradient[name], gradient, rtol=0, atol=tolerance * size)


@pytest.mark.usefixtures("either_way")
def test_sources_of_units_that_share_traces_and_others() -> None:
    """What is not learned may end anywhere; who is refractory keeps blocks of its own."""
    net = network("lif")
    slow = net.neurons(4, "alif", name="slow")
    held = net.neurons(4, "lif", name="held", refractory="2 ms")
    common: dict[str, Any] = {"weights": "normal(0.5, 0.5)"}
    net.connect("h8", slow, learn=False, **common)
    net.connect(slow, held, **common)
    net.connect(held, slow, delay="2 ms", **common)
    net.connect(held, "h6", learn=False, **common)
    fast, rows = learner(net, False), learner(net, True)
    for one in (fast, rows):
        one.run(*trial())
    shared = fast._session.lane(0).replay._traces.shared
    plain = fast._session.lane(0).replay._programs[0].plain
    assert (shared >= 0).any() and (shared < 0).any() and plain.any() and not plain.all()
    assert_same(fast.gradient, rows.gradient)
    assert np.any(fast.gradient["slow_held"])


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("room", [(40, 1 << 16, 1 << 17, 512), (4096, 1 << 16, 1 << 17, 7)])
def test_windows_may_end_anywhere(room: tuple[int, ...]) -> None:
    net = network("alif", "uniform(0 ms, 4 ms)", refractory="2 ms")
    fast, rows = learner(net, False), learner(net, True)
    for program in fast._session.lane(0).replay._programs:
        program.room[:] = room
    for one in (fast, rows):
        one.run(*trial())
    assert_same(fast.gradient, rows.gradient)


@pytest.mark.usefixtures("either_way")
def test_it_is_the_gradient_of_the_way_back() -> None:
    net = network("alif", "uniform(0 ms, 4 ms)", refractory="2 ms")
    fast, back = learner(net, False), nr.Learner(net, rule="bptt", update="sequence")
    for one in (fast, back):
        one.run(*trial())
    assert_same(fast.gradient, back.gradient)


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_threads_change_nothing(precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "PART", 1)  # so that each has shards to take
    net = network("lif", "uniform(0 ms, 4 ms)")
    found = []
    for count in (1, 2, 4):
        set_threads(count)
        one = learner(net, False, precision=precision)
        for program in one._session.lane(0).replay._programs:
            program.room[3] = 12
        one.run(*trial())
        found.append(np.concatenate(list(one.gradient.values())))
    assert np.array_equal(found[0], found[1]) and np.array_equal(found[0], found[2])
    assert np.abs(found[0]).max() > 0


@pytest.mark.parametrize("delay", ["0 ms", "uniform(0 ms, 4 ms)"])
@pytest.mark.parametrize("loops", [True, False])
def test_weights_may_change_between_windows(
    loops: bool, delay: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "LEAST_USED", 0.1)
    net = network("lif_current", delay, loops)
    ends = []
    for by_rows in (False, True):
        one = learner(net, by_rows, update=20, optimizer=nr.Adam(0.01), batch=2)
        one.run(*trial())
        ends.append(one.parameters)
    assert_same(ends[0], ends[1])
    before = learner(net, True).parameters
    assert any(np.abs(ends[0][name] - before[name]).max() > 0.01 for name in before)


@pytest.mark.parametrize("loops", [True, False])
def test_single_steps_go_on_where_a_window_ended(
    loops: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "LEAST_USED", 0.1)
    net = network("lif_current", "uniform(0 ms, 4 ms)", loops)
    inputs, targets = (array[:1] for array in trial())
    ends = []
    for by_rows in (False, True):
        session = learner(net, by_rows)._session
        lane, gradient = session.lane(0), np.zeros_like(session.collect())
        for low, high in ((0, 40), (40, 41), (41, 47), (47, 80), (80, 90)):
            part = inputs[:, low:high], targets[:, low:high]
            assert not lane.advance(make_stream(session.built, *part, offset=low), gradient, False)
        ends.append({"all": gradient})
    assert_same(ends[0], ends[1])


@pytest.mark.usefixtures("either_way")
def test_looking_at_influence_changes_nothing() -> None:
    net, (inputs, targets) = network("alif", "1 ms"), trial()
    looked, rows = learner(net, False), learner(net, True)
    found, wanted = (
        one.influence(inputs[0], targets[0], units={"h6": [0, 3]}, every=30)
        for one in (looked, rows)
    )
    assert found["h6"].value.size > 100
    np.testing.assert_allclose(found["h6"].value, wanted["h6"].value, rtol=1e-9, atol=1e-12)
    looked.run(inputs, targets)
    plain = learner(net, False)
    plain.run(inputs, targets)
    assert_same(looked.gradient, plain.gradient)


@pytest.mark.parametrize("change", ["model", "flows", "pattern", "forward"])
def test_networks_that_have_no_program(change: str) -> None:
    model = "egru" if change == "model" else "lif"
    net = network(model, loops=change != "forward")
    if change == "flows":  # another one after every few steps
        net = nr.Network(dt="1 ms")
        x, h = net.inputs(2), net.neurons(3, "lif", name="h", learn="tau_m", method="euler")
        net.connect(x, h)
        net.connect(h, h)
        net.connect(h, net.neurons(1, "leaky_readout", name="y"))
    rule = "snap-2" if change == "pattern" else "rtrl"
    lane = nr.Learner(net, rule=rule, update=4)._session.lane(0)
    assert isinstance(lane, row_lanes.Lane) and lane.replay is None


def test_a_ledger_counts_what_is_done(either_way: bool) -> None:
    net = network("lif")
    fast, rows = learner(net, False), learner(net, True)
    for one in (fast, rows):
        one.run(*trial())
    mine, theirs = fast.ledger, rows.ledger
    assert mine.steps == theirs.steps and mine.spikes == theirs.spikes
    least, most = (0.01, 0.1) if either_way else (0.3, 3)
    assert least < mine.multiply_adds / theirs.multiply_adds < most


def test_numbers_that_overflow_in_a_window_are_named() -> None:
    inputs, targets = trial(batch=1)
    made = learner(network("lif"), by_rows=False)
    with pytest.raises(nr.NeuroRtrlError, match=r"h\d\.v, unit \d, step \d.*a state is not finite"):
        made.run(1e308 * inputs, targets)
    replayed = made._session.lane(0).replay
    assert replayed is not None and replayed.active
