"""Windows of networks whose units learn parameters of their own: what rows give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine import replay
from neuro_rtrl.engine.stream import make_stream
from neuro_rtrl.engine.threads import set_threads
from tests.engine import test_replay
from tests.engine.test_replay import all_rows, assert_same, learner, trial

one_thread = test_replay.one_thread


def network(
    learn: Any = "bias", model: str = "alif", hidden: Any = (), delay: str = "uniform(0 ms, 3 ms)"
) -> nr.Network:
    """Readouts in two populations; those of the first learn `learn`, units before it `hidden`."""
    net = nr.Network(dt="1 ms", seed=6)
    x, h = net.inputs(5, name="x"), net.neurons(9, model, name="h", t_ref="2 ms", learn=[*hidden])
    port = next(iter(h.model.ports))
    net.connect(x, h, weights="normal(0.5, 0.8)", port=port)
    net.connect(h, h, weights="normal(0, 0.5)", delay=delay, port=port)
    for i, learned in enumerate((learn, [])):
        bias = "normal(0, 0.3)"
        y = net.neurons(2, "leaky_readout", name=f"y{i}", bias=bias, tau="8 ms", learn=learned)
        net.connect(h, y, weights="normal(0, 0.5)")
    return net


@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.parametrize("model", ["lif", "alif"])
def test_gradients_are_those_of_rows(
    model: str, reads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay.Replay, "reads", reads)
    compare(network(model=model), "y0.bias")


@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.parametrize("delay", ["0 ms", "uniform(0 ms, 3 ms)"])
@pytest.mark.parametrize(
    ("model", "hidden"),
    [("lif", ["bias"]), ("lif", ["bias", "v_th"]), ("lif_current", ["v_reset", "bias"]),
     ("alif", ["bias", "beta", "v_th"])],
)  # fmt: skip
def test_hidden_units_may_learn(
    model: str, hidden: list[str], delay: str, reads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they drive, their thresholds (dy/dtheta) and what a reset writes (dR/dtheta)."""
    monkeypatch.setattr(replay.Replay, "reads", reads)
    compare(network([], model, hidden, delay), *(f"h.{name}" for name in hidden))


def compare(net: nr.Network, *learned: str) -> None:
    """Windows, rows, and the way back through all steps: the same gradients."""
    fast, rows = learner(net, False), learner(net, True)
    back = nr.Learner(net, rule="bptt", update="sequence")
    for one in (fast, rows, back):
        for _ in range(2):  # the second run is read from its end in one window
            found = one.run(*trial(), learn=False)
    assert found.loss > 0
    assert all(np.abs(rows.gradient[name]).max() > 0.01 for name in learned)
    assert_same(fast.gradient, rows.gradient)
    assert_same(fast.gradient, back.gradient)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("update", [20, 47])
def test_parameters_may_change_between_windows(update: int, count: int) -> None:
    net, ends = network(hidden=["bias", "beta"]), []
    for threads, by_rows in ((count, False), (1, True)):
        set_threads(threads)
        one = learner(net, by_rows, update=update, optimizer=nr.Adam(0.01), batch=2)
        one.run(*trial())
        ends.append(one.parameters)
    assert_same(ends[0], ends[1])
    start = learner(net, True).parameters
    for name in ("y0.bias", "h.bias", "h.beta"):
        assert np.abs(ends[0][name] - start[name]).max() > 0.01


@pytest.mark.parametrize("hidden", [[], ["bias", "v_th"]])
def test_single_steps_go_on_where_a_window_ended(hidden: list[str]) -> None:
    inputs, targets = (array[:1] for array in trial())
    ends = []
    for by_rows in (False, True):
        session = learner(network(hidden=hidden), by_rows)._session
        lane, gradient = session.lane(0), np.zeros_like(session.collect())
        for low, high in ((0, 40), (40, 41), (41, 47), (47, 80), (80, 90)):
            part = inputs[:, low:high], targets[:, low:high]
            assert not lane.advance(make_stream(session.built, *part, offset=low), gradient, False)
        ends.append({"all": gradient, "rows": all_rows(session)})
    assert_same(ends[0], ends[1])
