"""Windows of networks whose readouts learn parameters of their own: what rows give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine import replay
from neuro_rtrl.engine.stream import make_stream
from tests.engine.test_replay import assert_same, learner, trial


def network(learn: Any = "bias", model: str = "alif") -> nr.Network:
    """Readouts in two populations; those of the first learn."""
    net = nr.Network(dt="1 ms", seed=6)
    x, h = net.inputs(5, name="x"), net.neurons(9, model, name="h", t_ref="2 ms")
    port = next(iter(h.model.ports))
    net.connect(x, h, weights="normal(0.5, 0.8)", port=port)
    net.connect(h, h, weights="normal(0, 0.5)", delay="uniform(0 ms, 3 ms)", port=port)
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
    net = network(model=model)
    fast, rows = learner(net, False), learner(net, True)
    back = nr.Learner(net, rule="bptt", update="sequence")
    for one in (fast, rows, back):
        for _ in range(2):  # the second run is read from its end in one window
            found = one.run(*trial(), learn=False)
    assert found.loss > 0 and np.abs(rows.gradient["y0.bias"]).min() > 0.01
    assert_same(fast.gradient, rows.gradient)
    assert_same(fast.gradient, back.gradient)


@pytest.mark.parametrize("update", [20, 47])
def test_biases_may_change_between_windows(update: int) -> None:
    ends = []
    for by_rows in (False, True):
        one = learner(network(), by_rows, update=update, optimizer=nr.Adam(0.01), batch=2)
        one.run(*trial())
        ends.append(one.parameters)
    assert_same(ends[0], ends[1])
    assert np.abs(ends[0]["y0.bias"] - learner(network(), True).parameters["y0.bias"]).min() > 0.01


def test_single_steps_go_on_where_a_window_ended() -> None:
    inputs, targets = (array[:1] for array in trial())
    ends = []
    for by_rows in (False, True):
        session = learner(network(), by_rows)._session
        lane, gradient = session.lane(0), np.zeros_like(session.collect())
        for low, high in ((0, 40), (40, 41), (41, 47), (47, 80), (80, 90)):
            part = inputs[:, low:high], targets[:, low:high]
            assert not lane.advance(make_stream(session.built, *part, offset=low), gradient, False)
        ends.append({"all": gradient})
    assert_same(ends[0], ends[1])


def test_a_time_constant_that_learns_has_no_program() -> None:
    """Its flow is another one after every update."""
    net = nr.Network(dt="1 ms")
    h = net.neurons(3, "lif", name="h")
    net.connect(net.inputs(2), h)
    net.connect(h, h)
    net.connect(h, net.neurons(1, "leaky_readout", name="y", learn="tau", method="euler"))
    assert nr.Learner(net, rule="rtrl")._session.lane(0).replay is None
