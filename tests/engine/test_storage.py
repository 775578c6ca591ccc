"""The influence matrix's storage: growing keeps what it holds, and it stays small."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.engine import storage
from neuro_rtrl.engine.build import Built, build
from neuro_rtrl.kernels.layout import LIVE, STEP, Mask
from neuro_rtrl.learner import Learner
from neuro_rtrl.network.describe import Network
from neuro_rtrl.network.plan import mask
from tests.reference.twin import twin

Data = tuple[Network, np.ndarray, np.ndarray]


def busy(hidden: int, model: str = "alif", steps: int = 12) -> Data:
    """Strong common input: many units live at once, and soon hundreds of columns in use."""
    rng = np.random.default_rng(5)
    net = Network(dt="1 ms", seed=5)
    x, h = net.inputs(6, name="x"), net.neurons(hidden, model, name="h", learn=("bias",))
    y = net.neurons(2, "leaky_readout", name="y")
    net.connect(x, h, weights="normal(0.5, 0.2)")
    net.connect(h, h, weights="normal(0, 0.2)", delay="uniform(0 ms, 3 ms)")
    net.connect(h, y)
    inputs = (rng.random((steps, 6)) < 0.5).astype(float)
    return net, inputs, rng.standard_normal((steps, 2))


def stepwise(data: Data, precision: str = "float64") -> Learner:
    net, inputs, targets = data
    learner = Learner(net, precision=precision, update="sequence", loss="sse")
    for x, target in zip(inputs, targets, strict=True):
        learner.step(x, target)
    return learner


def test_growing_changes_nothing_that_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    small = stepwise(busy(24))
    lane = small._session.lanes[0]
    assert lane.rows.live.max() > storage.FIRST_COLUMNS
    assert lane.rows.q_free.size > storage.FIRST_EVENT_ROWS
    monkeypatch.setattr(storage, "FIRST_COLUMNS", 4096)
    monkeypatch.setattr(storage, "FIRST_EVENT_ROWS", 512)
    large = stepwise(busy(24))
    for name, gradient in large.gradient.items():
        assert abs(gradient).max() > 0
        np.testing.assert_allclose(small.gradient[name], gradient, rtol=1e-12, atol=1e-15)
    assert small.ledger.multiply_adds == large.ledger.multiply_adds
    np.testing.assert_array_equal(lane.rows.live, large._session.lanes[0].rows.live)


def test_more_columns_and_more_live_units_than_at_first_equal_the_twin() -> None:
    net, inputs, targets = data = busy(18, steps=8)
    learner = stepwise(data)
    rows = learner._session.lanes[0].rows
    assert rows.live.max() > storage.FIRST_COLUMNS
    assert rows.q_free.size > storage.FIRST_EVENT_ROWS
    wanted = twin(net, inputs, targets, "sse").gradient
    for name, gradient in learner.gradient.items():
        size = abs(wanted[name]).max()
        np.testing.assert_allclose(gradient, wanted[name], rtol=0, atol=1e-10 * size)


def chain() -> tuple[Built, Mask]:
    net = Network(dt="1 ms")
    x, h = net.inputs(2), net.neurons(100, "alif", name="h")
    net.connect(x, h)
    net.connect(h, h, density=1.0)
    net.connect(h, net.neurons(1, "leaky_readout"))
    built = build(net)
    return built, mask(built.plan)


def test_columns_grow_at_least_twofold_and_keep_their_contents() -> None:
    built, shape = chain()
    rows = storage.make_rows(built, shape, "float32")
    assert rows.capacity.max() == storage.FIRST_COLUMNS
    rows.P[:] = np.arange(rows.P.size)
    rows.Q[:] = np.arange(rows.Q.size)
    rows.live[:] = np.minimum(rows.capacity, 50)
    wanted = np.zeros_like(rows.live)
    b = int(np.argmax(shape.columns))
    wanted[b] = 20
    grown = storage.grow_columns(built, shape, rows, wanted)
    assert grown.capacity[b] == 2 * storage.FIRST_COLUMNS
    assert grown.P.dtype == grown.Q.dtype == np.float32
    for block in range(rows.live.size):
        count = int(storage._block_rows(built, shape)[block])
        before = rows.P[rows.at_p[block] :][: count * rows.capacity[block]]
        after = grown.P[grown.at_p[block] :][: count * grown.capacity[block]]
        np.testing.assert_array_equal(
            after.reshape(count, grown.capacity[block])[:, : rows.live[block]],
            before.reshape(count, rows.capacity[block])[:, : rows.live[block]],
        )
        for row in range(storage.FIRST_EVENT_ROWS):
            old = rows.Q[row * rows.at_q[-1] + rows.at_q[block] :][: rows.live[block]]
            new = grown.Q[row * grown.at_q[-1] + grown.at_q[block] :][: rows.live[block]]
            np.testing.assert_array_equal(new, old)


def test_columns_never_grow_beyond_the_parameters() -> None:
    built, shape = chain()
    rows = storage.make_rows(built, shape, "float32")
    wanted = shape.columns - rows.live
    assert (storage.grow_columns(built, shape, rows, wanted).capacity == shape.columns).all()


def test_event_rows_grow_and_stay_free_or_taken() -> None:
    built, shape = chain()
    rows = storage.make_rows(built, shape, "float64")
    rows.Q[:] = np.arange(rows.Q.size)
    taken = set(rows.q_free[10:].tolist())
    rows.q_count[0] = 10
    grown = storage.grow_events(rows, 100)
    assert grown.q_free.size == storage.FIRST_EVENT_ROWS + 100
    free = grown.q_free[: grown.q_count[0]].tolist()
    assert sorted([*free, *taken]) == list(range(grown.q_free.size))
    assert len(free) >= 100
    np.testing.assert_array_equal(grown.Q[: rows.Q.size], rows.Q)


def test_precision_is_that_of_the_influence_only() -> None:
    single, double = (stepwise(busy(5, steps=6), p) for p in ("float32", "float64"))
    rows = single._session.lanes[0].rows
    assert rows.P.dtype == rows.Q.dtype == rows.own.dtype == rows.gathered.dtype == np.float32
    assert single._session.lanes[0].run.h.dtype == np.float64
    for name, gradient in double.gradient.items():
        size = abs(gradient).max()
        np.testing.assert_allclose(single.gradient[name], gradient, rtol=0, atol=1e-4 * size)
        assert not np.array_equal(single.gradient[name], gradient)


def test_memory_follows_what_lives() -> None:
    """400 units, 16 000 recurrent weights; only five units ever hear an input."""
    net = Network(dt="1 ms", seed=1)
    x, h = net.inputs(5, name="x"), net.neurons(400, "lif", name="h", surrogate={"width": 0.3})
    y = net.neurons(1, "leaky_readout", name="y")
    net.connect(x, h, pairs=(range(5), range(5)), weights=1.5)
    net.connect(h, h, density=0.1, weights="normal(0, 0.01)")
    net.connect(h, y)
    learner = Learner(net, update="sequence")
    for _ in range(30):
        learner.step(np.ones(5), [0.0])
    lane = learner._session.lanes[0]
    assert lane.run.counts[0] > 0 and lane.run.clock[STEP] == 30 and lane.run.clock[LIVE] <= 10
    parameters = learner._session.built.plan.learned.size
    dense = 401 * parameters * 4
    assert learner.ledger.influence_bytes < 0.05 * dense
