"""Windows that are replayed give what rows give: rare events, which networks meet by chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine import replay
from neuro_rtrl.kernels.layout import SENSITIVE, SPIKES
from tests.engine import test_replay
from tests.engine.test_replay import assert_same, learner, network, trial

either_way = test_replay.either_way
pytestmark = pytest.mark.usefixtures("either_way")

TWO = ("dx/dt = -x/tau_x : 1", "dy/dt = (x - y)/tau_y : 1")
TAUS = {"tau_x": "4 ms", "tau_y": "15 ms"}
SYNAPSE: dict[str, Any] = {"method": "exact", "synapses": {"delta": "x += w"}}
PERIOD = {"threshold": "x > 0.6", "refractory": "t_ref"}
HELD = {  # spikes begin a period, and reset nothing
    1: nr.make_model(
        "dx/dt = -x/tau_x : 1 (unless refractory)",
        parameters={"tau_x": "9 ms", "t_ref": "3 ms"},
        **PERIOD,
        **SYNAPSE,
    ),
    2: nr.make_model(
        f"{TWO[0]} (unless refractory)\n{TWO[1]}",
        parameters={**TAUS, "t_ref": "3 ms"},
        **PERIOD,
        **SYNAPSE,
    ),
}


def both(net: nr.Network, *data: np.ndarray, steps: int = 512) -> tuple[nr.Learner, nr.Learner]:
    """A learner in windows of so many steps, and one by rows; their gradients are the same."""
    fast, rows = learner(net, False), learner(net, True)
    for program in fast._session.lane(0).replay._programs:
        program.room[3] = steps
    for one in (fast, rows):
        one.run(*(data or trial()))
    assert_same(fast.gradient, rows.gradient)
    return fast, rows


@pytest.mark.parametrize("reset", ["v = v_reset", "v -= v_th"])
@pytest.mark.parametrize("refractory", ["0 ms", "3 ms"])
@pytest.mark.parametrize("model", ["lif", "lif_current", "alif"])
def test_arrivals_wait_while_a_unit_spikes_without_a_derivative(
    model: str, refractory: str, reset: str
) -> None:
    """Into any of its states; they pass through the reset, and wait for a period to end."""
    width = 0.02 if model == "lif_current" else 0.1
    options: dict[str, Any] = {"surrogate": {"width": width}}
    if model != "alif":
        options["reset"] = reset
    net = network(model, "uniform(0 ms, 4 ms)", refractory=refractory, **options)
    fast, _ = both(net, steps=40)
    counts = fast._session.lane(0).run.counts
    assert counts[SPIKES] > counts[SENSITIVE] > 20


@pytest.mark.parametrize("states", [1, 2])
@pytest.mark.parametrize("steps", [13, 512])
def test_periods_without_a_reset(states: int, steps: int) -> None:
    """What had arrived before a period is not held a second time by the next."""
    surrogate = {"width": 0.05}
    net = network(HELD[states], "uniform(0 ms, 4 ms)", surrogate=surrogate)
    fast, _ = both(net, steps=steps)
    counts = fast._session.lane(0).run.counts
    assert counts[SPIKES] > counts[SENSITIVE] > 20


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("steps", [13, 512])
def test_readouts_with_two_states(steps: int, order: int) -> None:
    """The way back through a window passes from one state to the other."""
    slow = nr.make_model("\n".join(TWO[::order]), readout="y", parameters=TAUS, **SYNAPSE)
    net = network("lif", "uniform(0 ms, 4 ms)")
    net.connect(net.populations["h6"], net.neurons(2, slow, name="slow"))
    inputs, targets = trial()
    fast, _ = both(net, inputs, np.concatenate([targets, targets[:, :, :2]], axis=2), steps=steps)
    assert np.any(fast.gradient["h6_slow"]) and np.any(fast.gradient["x_h8"])


@pytest.mark.parametrize("steps", [13, 512])
def test_inputs_of_readouts(steps: int) -> None:
    """The first of all learned parameters is one that reaches a readout directly."""
    net = nr.Network(dt="1 ms", seed=3)
    x, y = net.inputs(5, name="x"), net.neurons(2, "leaky_readout", name="y")
    h = net.neurons(6, "lif", name="h")
    net.connect(x, y, delay="2 ms")
    net.connect(x, h, weights="normal(0.5, 0.5)")
    net.connect(h, h, weights="normal(0, 0.4)")
    net.connect(h, y)
    inputs, targets = trial()
    fast, _ = both(net, inputs, targets[:, :, :2], steps=steps)
    assert fast.gradient["x_y"].all()


def test_the_first_version_of_all_is_left_to_the_next_window() -> None:
    """A unit with one event in a window, which is the first of all: its row is not forgotten."""
    net = nr.Network(dt="1 ms", seed=3)
    x, y = net.inputs(1, name="x"), net.neurons(1, "leaky_readout", name="y")
    options: dict[str, Any] = {"surrogate": {"width": 0.5}, "reset": "v -= v_th"}
    h, g = (net.neurons(1, "lif", name=name, tau_m="50 ms", **options) for name in "hg")
    net.connect(x, h, weights=1.2)
    net.connect(h, g, weights=0.1)
    net.connect(g, h, weights=0.1)
    net.connect(h, y)
    inputs, targets = np.zeros((1, 40, 1)), np.zeros((1, 40, 1))
    inputs[0, 3] = inputs[0, 15] = 1.0
    targets[0, :14] = np.nan
    fast, _ = both(net, inputs, targets, steps=10)
    assert fast._session.lane(0).run.counts[SPIKES] == 2
    assert fast.gradient["x_h"].all()


ROOMS = [(40, 1 << 16, 1 << 17, 512), (4096, 50, 1 << 17, 512), (4096, 1 << 16, 150, 512)]


@pytest.mark.parametrize("room", ROOMS)
def test_any_room_that_is_full_ends_a_window(
    room: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay.Replay, "reads", False)
    net = network("alif", "uniform(0 ms, 4 ms)", refractory="2 ms")
    fast, rows, opened = learner(net, False), learner(net, True), []
    for program in fast._session.lane(0).replay._programs:
        program.room[:] = room
    opens = replay.open_window
    monkeypatch.setattr(
        replay, "open_window", lambda *given: opens(*given) or opened.append(len(opened))
    )
    for one in (fast, rows):
        one.run(*trial())
    assert len(opened) > 8
    assert_same(fast.gradient, rows.gradient)


@pytest.mark.parametrize("steps", [13, 512])
def test_units_that_hear_more_than_64_sources(steps: int) -> None:
    """Terms are looked at 64 at a time; most of these sources are rarely heard."""
    net = nr.Network(dt="1 ms", seed=3)
    x, h = net.inputs(140, name="x"), net.neurons(6, "lif", name="h")
    net.connect(x, h, weights="normal(0.1, 0.3)")
    net.connect(h, h, weights="normal(0, 0.4)", delay="1 ms")
    net.connect(h, net.neurons(2, "leaky_readout", name="y"))
    rng = np.random.default_rng(0)
    data = 1.0 * (rng.random((2, 80, 140)) < 0.05), rng.normal(size=(2, 80, 2))
    fast, _ = both(net, *data, steps=steps)
    assert np.count_nonzero(fast.gradient["x_h"]) > 600
