"""The rule `rtrl`: what it says of itself, what lanes share, and what stops them."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.contracts import Lane, Rule
from neuro_rtrl.engine.build import Built, build
from neuro_rtrl.engine.stream import make_stream
from neuro_rtrl.errors import SimulationError
from neuro_rtrl.kernels.layout import SEQUENCE, STEP
from neuro_rtrl.network.describe import Network
from neuro_rtrl.rules.rtrl import RULE


@pytest.fixture
def built() -> Built:
    net = Network(dt="1 ms", seed=2)
    x, h = net.inputs(3, name="x"), net.neurons(5, "lif", name="h")
    y = net.neurons(1, "leaky_readout", name="y")
    net.connect(x, h, weights="normal(0.6, 0.3)")
    net.connect(h, h, delay="1 ms")
    net.connect(h, y)
    return build(net)


def gradient(built: Built, lane: Lane, steps: int = 30, parts: int = 1) -> np.ndarray:
    rng = np.random.default_rng(9)
    inputs, targets = (rng.random((1, steps, 3)) < 0.5) * 1.0, rng.standard_normal((1, steps, 1))
    total = np.zeros(built.values.size)
    for part in np.split(np.arange(steps), parts):
        stream = make_stream(
            built, inputs[:, part], targets[:, part], offset=int(lane.run.clock[STEP])
        )
        assert lane.advance(stream, total, False) is False
    return total


def test_it_says_what_it_drops() -> None:
    rule: Rule = RULE
    assert rule.name == "rtrl" and rule.online
    assert "drops nothing" in rule.exactness


def test_lanes_share_a_mask_and_nothing_else(built: Built) -> None:
    shared = RULE.prepare(built)
    one, other = (RULE.start(built, shared, "float64") for _ in range(2))
    assert one.mask is other.mask is shared.mask
    first = gradient(built, one)
    assert not other.run.clock[STEP] and not other.rows.live.any()
    np.testing.assert_array_equal(gradient(built, other), first)
    assert RULE.ledger(built, shared, [one, other]).steps == 60
    assert (
        RULE.ledger(built, shared, [one, other]).multiply_adds
        == 2 * RULE.ledger(built, shared, [one]).multiply_adds
    )


@pytest.mark.parametrize("parts", [2, 5, 30])
def test_a_stream_may_come_in_parts(built: Built, parts: int) -> None:
    shared = RULE.prepare(built)
    whole = gradient(built, RULE.start(built, shared, "float64"))
    pieces = gradient(built, RULE.start(built, shared, "float64"), parts=parts)
    np.testing.assert_allclose(pieces, whole, rtol=1e-12)


def test_restarting_forgets_all_but_the_counts(built: Built) -> None:
    lane = RULE.start(built, RULE.prepare(built), "float64")
    first = gradient(built, lane)
    counts = lane.rows.counts.copy()
    lane.rows.gathered[:] = 7.0  # as an error in the middle of a step may leave it
    lane.run.clock[SEQUENCE] = 1
    lane.restart()
    np.testing.assert_array_equal(gradient(built, lane), first)
    assert lane.rows.counts[0] == 2 * counts[0]


def test_an_answer_that_kernels_do_not_give(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    lane = RULE.start(built, RULE.prepare(built), "float64")
    monkeypatch.setattr(lane, "_kernel", lambda *_: 99)
    with pytest.raises(SimulationError, match=r"the kernel stopped; given: 99"):
        gradient(built, lane, parts=30)


def test_a_state_that_is_not_finite(built: Built) -> None:
    lane = RULE.start(built, RULE.prepare(built), "float64")
    lane.run.h[2] = np.nan
    with pytest.raises(SimulationError, match=r"h\.v, unit 2, step 30 or shortly before.*nan"):
        gradient(built, lane)
