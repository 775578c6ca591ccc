"""Rows of shards that nothing has reached cost nothing, and are never mistaken for others."""

from __future__ import annotations

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine.carried import in_shards
from neuro_rtrl.engine.memory import spans
from neuro_rtrl.engine.replay import Replay

STEPS = 60


def learner(silent: int, update: int = STEPS) -> nr.Learner:
    """Exact influence in windows; `silent` units project to all others and hear each other only."""
    net = nr.Network(dt="1 ms", seed=5)
    x, h = net.inputs(10, name="x"), net.neurons(20, "lif", name="h")
    quiet, y = net.neurons(silent, "lif", name="quiet"), net.neurons(2, "leaky_readout", name="y")
    net.connect(x, h, weights="normal(0.2, 0.5)")
    net.connect(h, h, weights="normal(0, 0.3)", delay="1 ms")
    net.connect(quiet, h, density=0.1)
    net.connect(quiet, quiet, density=0.5)
    for source in (h, quiet):
        net.connect(source, y)
    return nr.Learner(net, "rtrl", update=update, precision="float64")


def trial(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return (rng.random((1, STEPS, 10)) < 0.3) * 1.0, rng.standard_normal((1, STEPS, 2))


def shards(made: nr.Learner) -> Replay:
    found = made._session.lane(0).replay
    assert isinstance(found, Replay)
    return found


def test_silent_units_change_no_gradient() -> None:
    one, two = learner(1), learner(100)
    for seed in range(3):
        for made in (one, two):
            made.run(*trial(seed))
    assert shards(two).base
    assert np.any(two.gradient["h_h"])
    for name in ("x_h", "h_h", "h_y"):
        np.testing.assert_allclose(two.gradient[name], one.gradient[name], rtol=1e-12)
    assert not np.any(two.gradient["quiet_h"])


def test_rows_that_are_looked_at_have_their_names() -> None:
    made, found = learner(100), []

    def between(done: int) -> int:
        for one in in_shards(made._built, shards(made)) if done else ():
            if one.array.ndim == 3:
                places = range(0, one.array[0].size, shards(made).width)
                found.append([one.whose(place) for place in places])
        return 40

    made.run(*trial(), between=between)
    assert found[0] == [f"h, unit {i}" for i in range(20)]
    assert found[1][:3] == ["y, unit 0", "y, unit 1", "an event under way"]
    assert set(found[1][2:]) == {"an event under way"}
    assert len(found) == 2 * len(shards(made).base)


def test_what_another_sequence_has_left_is_gone() -> None:
    """Rows that are in use when another shard comes into use: there they are zero."""
    once, again = learner(100, 20), learner(100, 20)
    inputs, targets = trial()
    again.run(inputs, targets)
    inputs[:, :20, 1:] = 0.0
    for made in (once, again):
        made.run(inputs, targets)
        assert shards(made).base
    assert np.any(once.gradient["x_h"])
    for name, values in once.gradient.items():
        np.testing.assert_array_equal(again.gradient[name], values)


@pytest.mark.parametrize("last", [5, 63, 64, 65, 66, 400])
def test_spans(last: int) -> None:
    numbers = np.array([1, 2, last])
    wanted = [(1, last + 1)] if last - 2 <= 64 else [(1, 3), (last, last + 1)]
    assert spans(numbers) == wanted
