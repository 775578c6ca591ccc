"""Units of all kinds in a diary: with parameters, refractory, unlike each other, without memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine.stream import make_stream
from neuro_rtrl.kernels.diary import CHUNK, FIRST_STEP
from neuro_rtrl.kernels.layout import SENSITIVE, SPIKES
from tests.engine import test_diary
from tests.engine.test_diary import (
    LEARN,
    SMALL,
    assert_same,
    both,
    layer,
    learner,
    network,
    small_windows,
    trial,
)

short_ones = test_diary.short_ones


OWN = (
    {"refractory": "3 ms"},
    {"t_ref": "2 ms", "reset": "v -= v_th"},
    {"tau_m": "10*ms*(1 + i/N)"},
)


TWO = ({"model": "alif"}, {"model": "alif", "reset": "v = 0; a += 1", "beta": 0.4})
KINDS = (
    *OWN,
    *TWO,
    *({"model": "alif"} | options for options in OWN),
    {"model": "lif_current"},
    {"model": "lif_current"} | OWN[0],
)


@pytest.mark.usefixtures("short_ones")
@pytest.mark.parametrize("room", [None, SMALL])
@pytest.mark.parametrize("rule", ["eprop", "snap-1", "d-rtrl", "superspike"])
@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("learn", [False, True])
def test_windows_and_steps_in_turn(
    options: dict[str, Any], rule: str, room: tuple[int, ...] | None, learn: bool
) -> None:
    """Units that are refractory or unlike each other share nothing; some have two states."""
    names = {"alif": ("beta", "bias"), "lif_current": ("bias",)}.get(options.get("model"), LEARN)
    net, (inputs, targets) = layer(names if learn else (), **options), trial(3, 1, 100)
    ends: list[dict[str, np.ndarray]] = []
    for windows in (True, False):
        session = learner(net, rule, windows)._session
        lane, gradient = session.lane(0), np.zeros_like(session.collect())
        alone = any(name in options for name in ("refractory", "t_ref", "tau_m"))
        assert ((lane.traces.shared[:9] < 0) == alone).all()
        if windows and room is not None:
            lane.journal.diary.room[:] = room
        for low, high in ((0, 40), (40, 45), (45, 100)):
            part = inputs[:, low:high], targets[:, low:high]
            assert not lane.advance(make_stream(session.built, *part, offset=low), gradient, False)
        lane.settle()
        rows = [np.concatenate([p[1].ravel() for p in lane.row(k)]) for k in range(12)]
        assert lane.run.counts[SPIKES] > 50 < lane.run.counts[SENSITIVE]
        ends.append({"gradient": gradient, "rows": np.concatenate(rows)})
    for name in ends[0]:
        assert_same({name: ends[0][name]}, {name: ends[1][name]})


@pytest.mark.parametrize("room", [None, SMALL])
@pytest.mark.parametrize("rule", ["eprop", "snap-1", "d-rtrl", "superspike"])
def test_parameters_of_units(rule: str, room: tuple[int, ...] | None) -> None:
    fast, plain = both(layer(LEARN), rule)
    if room is not None:
        small_windows(fast, room)
    for one in (fast, plain):
        one.run(*trial(3))
    assert_same(fast.gradient, plain.gradient)
    assert all(values.any() for values in fast.gradient.values())
    assert {"h.v_th", "y.bias"} <= set(fast.gradient)


@pytest.mark.parametrize("reset", ["v = v_reset", "v -= v_th", "v *= 0.3"])
@pytest.mark.parametrize("rule", ["eprop", "snap-1", "superspike"])
def test_resets_and_spikes_without_a_derivative(rule: str, reset: str) -> None:
    net = layer(reset=reset, surrogate={"width": 0.2})
    fast, plain = both(net, rule)
    small_windows(fast)
    for one in (fast, plain):
        one.run(*trial(3))
    lane = fast._session.lane(0)
    assert lane.run.counts[SPIKES] > 50 < lane.run.counts[SENSITIVE]
    assert_same(fast.gradient, plain.gradient)


def test_readouts_without_memory() -> None:
    fast, plain = both(network(memory="readout"), "eprop")
    small_windows(fast)
    for one in (fast, plain):
        one.run(*trial())
    assert_same(fast.gradient, plain.gradient)


def test_resets_outside_of_the_gradient() -> None:
    fast, plain = both(network(reset_gradient=False), "superspike")
    for one in (fast, plain):
        one.run(*trial())
    assert_same(fast.gradient, plain.gradient)


@pytest.mark.parametrize("model", ["lif", "alif"])
def test_a_window_of_several_chunks(model: str) -> None:
    """What comes in a chunk without an event counts, where one that follows has some."""
    net = nr.Network(dt="1 ms", seed=4)
    h = net.neurons(9, model, name="h", tau_m="200 ms", surrogate={"width": 0.3})
    net.connect(net.inputs(5, name="x"), h, weights="normal(0.1, 0.3)")
    net.connect(h, net.neurons(3, "leaky_readout", name="y"))
    inputs, targets = trial(3, 1, 3 * CHUNK + 40)
    quiet = slice(CHUNK - 100, 2 * CHUNK + 20)
    inputs[:, quiet] *= 1e-3
    fast, plain = both(net, "eprop")
    found, _ = (one.run(inputs, targets, spikes=True) for one in (fast, plain))
    steps = found.spikes["h"][0]
    assert not np.any((steps > CHUNK) & (steps < 2 * CHUNK)) and steps.max() > 3 * CHUNK
    assert fast._session.lane(0).journal.diary.clock[FIRST_STEP] == 0
    assert_same(fast.gradient, plain.gradient)


@pytest.mark.usefixtures("short_ones")
@pytest.mark.parametrize("model", ["lif", "alif"])
def test_traces_behind_a_window_of_several_chunks(model: str) -> None:
    net, (inputs, targets) = layer(LEARN[1:2], model=model), trial(3, 1, 2 * CHUNK + 90)
    ends: list[dict[str, np.ndarray]] = []
    for windows in (True, False):
        session = learner(net, "eprop", windows)._session
        lane, gradient = session.lane(0), np.zeros_like(session.collect())
        for low, high in ((0, 2 * CHUNK + 50), (2 * CHUNK + 50, 2 * CHUNK + 90)):
            part = inputs[:, low:high], targets[:, low:high]
            assert not lane.advance(make_stream(session.built, *part, offset=low), gradient, False)
        lane.settle()
        rows = [np.concatenate([p[1].ravel() for p in lane.row(k)]) for k in range(12)]
        ends.append({"gradient": gradient, "rows": np.concatenate(rows)})
    for name in ends[0]:
        assert_same({name: ends[0][name]}, {name: ends[1][name]})
