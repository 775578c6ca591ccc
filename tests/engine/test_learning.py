"""The session of a learner: when it updates, how lanes and parts make one result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuro_rtrl.engine.build import build
from neuro_rtrl.engine.learning import Session
from neuro_rtrl.engine.result import Result, in_parallel, in_sequence
from neuro_rtrl.errors import BuildError, DescriptionError, SimulationError
from neuro_rtrl.network.describe import Network
from neuro_rtrl.optimizers.sgd import Sgd
from neuro_rtrl.rules.bptt import RULE as BPTT
from neuro_rtrl.rules.rtrl import RULE as RTRL


def network() -> Network:
    net = Network(dt="1 ms", seed=4)
    x, h = net.inputs(3, name="x"), net.neurons(6, "lif", name="h", learn=("bias",))
    y = net.neurons(2, "leaky_readout", name="y")
    net.connect(x, h, weights="normal(0.5, 0.4)")
    net.connect(h, h, weights="normal(0, 0.4)", delay="1 ms")
    net.connect(h, y)
    return net


def session(update: Any = "step", rate: float | None = 0.05, **changes: Any) -> Session:
    options: dict[str, Any] = {"rule": RTRL, "loss": "mse", "precision": "float64", "batch": 1}
    optimizer = None if rate is None else Sgd(rate)
    return Session(build(network()), optimizer=optimizer, update=update, **(options | changes))


@pytest.fixture
def data(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Three sequences of eleven steps."""
    inputs = (rng.random((3, 11, 3)) < 0.5).astype(float)
    return inputs, rng.standard_normal((3, 11, 2))


@pytest.mark.parametrize("update", [0, -2, 1.5, True, "epoch", None])
def test_times_to_update_that_are_refused(update: Any) -> None:
    with pytest.raises(DescriptionError, match=r"update: this is not a time to update; given"):
        session(update)


def test_unknown_names_get_the_nearest() -> None:
    with pytest.raises(DescriptionError, match=r"unknown loss; given: 'mce'.*Did you mean 'mse'"):
        session(loss="mce")
    with pytest.raises(DescriptionError, match=r"unknown precision.*Did you mean 'float32'"):
        session(precision="float3")


def test_rules_without_a_gradient_at_every_step() -> None:
    with pytest.raises(BuildError, match=r"update: the rule bptt has its gradient at the end of a"):
        session("step", rule=BPTT)
    with pytest.raises(BuildError, match=r"the rule bptt needs whole sequences; given: a single"):
        session("sequence", rule=BPTT).steps(np.zeros((1, 1, 3)), None)


def test_something_has_to_be_read() -> None:
    net = Network()
    net.neurons(2, "lif")
    with pytest.raises(BuildError, match=r"nothing to compute a loss on"):
        Session(build(net), RTRL, None, "mse", "step", "float64", 1)


def test_a_gradient_that_overflows(data: tuple[np.ndarray, np.ndarray]) -> None:
    inputs, targets = data
    learner = session(precision="float32")
    with pytest.raises(SimulationError, match=r"the gradient is not finite.*smaller learning rate"):
        learner.sequences(inputs, 1e200 * targets)


@pytest.mark.parametrize("update", [1, 2, 4, 11, 50])
def test_updates_fall_where_they_should(update: int, data: tuple[np.ndarray, np.ndarray]) -> None:
    """Against a learner that never updates, and whose values are set by hand."""
    inputs, targets = (array[:1] for array in data)
    learner, manual = session(update), session("sequence", None)
    result = learner.sequences(inputs, targets)
    before, predictions = np.zeros_like(manual.collect()), []
    for t in range(11):
        part = manual.steps(inputs[:, t : t + 1], targets[:, t : t + 1])
        predictions.append(part.predictions[0, 0])
        if (t + 1) % update == 0 or t == 10:  # the end of a sequence is one, too
            learned = manual.built.plan.learned
            manual.built.values[learned] -= 0.05 * (manual.collect() - before)[learned]
            before = manual.collect().copy()
    np.testing.assert_allclose(learner.built.values, manual.built.values, rtol=1e-12)
    np.testing.assert_allclose(result.predictions[0], predictions, rtol=1e-12)
    assert not np.array_equal(learner.built.values, session().built.values)


def test_sequence_updates_once_with_the_mean(data: tuple[np.ndarray, np.ndarray]) -> None:
    inputs, targets = data
    learner = session("sequence")
    start = learner.built.values.copy()
    learner.sequences(inputs, targets)
    single = []
    for x, y in zip(inputs, targets, strict=True):
        one = session("sequence", None)
        one.sequences(x[None], y[None])
        single.append(one.collect())
    learned = learner.built.plan.learned
    wanted = start[learned] - 0.05 * np.mean(single, axis=0)[learned]
    np.testing.assert_allclose(learner.built.values[learned], wanted, rtol=1e-12)


def test_a_batch_learns_in_lanes(data: tuple[np.ndarray, np.ndarray]) -> None:
    """Sequences of a batch, updated online: the same as steps of as many lanes."""
    inputs, targets = data
    whole, steps = session("step"), session("step", batch=3)
    result = whole.sequences(inputs, targets)
    parts = [
        steps.steps(inputs[:, t : t + 1], targets[:, t : t + 1]).predictions for t in range(11)
    ]
    np.testing.assert_array_equal(whole.built.values, steps.built.values)
    np.testing.assert_array_equal(result.predictions, np.concatenate(parts, axis=1))
    assert len(whole.lanes) == len(steps.lanes) == 3


def test_counts_outlive_sequences(data: tuple[np.ndarray, np.ndarray]) -> None:
    inputs, targets = data
    for update in ("step", 4, "sequence"):
        learner = session(update, None)
        for run in range(1, 4):
            learner.sequences(inputs, targets)
            assert learner.ledger().steps == 33 * run
        learner.restart()
        assert learner.ledger().steps == 99
        assert learner.ledger().multiply_adds > 0


def test_the_ledger_is_the_same_however_it_is_updated(data: tuple[np.ndarray, np.ndarray]) -> None:
    """Without an optimizer the steps are the same, in one lane or in three."""
    ledgers = []
    for update in ("sequence", "step", 4):
        learner = session(update, None)
        learner.sequences(*data)
        ledgers.append(learner.ledger())
    for ledger in ledgers[1:]:
        assert ledger.multiply_adds == ledgers[0].multiply_adds
        assert (ledger.spikes, ledger.sensitive) == (ledgers[0].spikes, ledgers[0].sensitive)
        assert ledger.densities == ledgers[0].densities


def test_lanes_are_used_again(data: tuple[np.ndarray, np.ndarray]) -> None:
    learner = session("step")
    learner.sequences(*data)
    before = [(lane, lane.rows.P) for lane in learner.lanes]
    learner.sequences(*data)
    for lane, (same, storage) in zip(learner.lanes, before, strict=True):
        assert lane is same and lane.rows.P is storage


def test_a_run_starts_and_ends_at_the_initial_state(data: tuple[np.ndarray, np.ndarray]) -> None:
    inputs, targets = data
    fresh, used = session("sequence", None), session("sequence", None)
    for t in range(5):
        used.steps(inputs[:1, t : t + 1], targets[:1, t : t + 1])
    np.testing.assert_array_equal(
        used.sequences(inputs, targets).predictions, fresh.sequences(inputs, targets).predictions
    )
    np.testing.assert_array_equal(used.collect(), fresh.collect())
    again = [s.steps(inputs[:1, :3], None).predictions for s in (used, session("sequence", None))]
    np.testing.assert_array_equal(*again)


def test_after_an_overflow_a_run_starts_afresh(data: tuple[np.ndarray, np.ndarray]) -> None:
    inputs, targets = data
    learner, fresh = session("sequence", None), session("sequence", None)
    with pytest.raises(SimulationError, match=r"a state is not finite"):
        learner.sequences(np.where(inputs > 0, 1.7e308, 0.0), None)
    found = learner.sequences(inputs, targets).predictions
    np.testing.assert_array_equal(found, fresh.sequences(inputs, targets).predictions)
    np.testing.assert_array_equal(learner.collect(), fresh.collect())


@pytest.mark.parametrize("update", ["sequence", "step", 4])
def test_spikes_of_all_sequences(update: Any, data: tuple[np.ndarray, np.ndarray]) -> None:
    inputs, targets = data
    learner = session(update, None)
    traced = np.arange(2)
    result = learner.sequences(inputs, targets, traced, spikes=True)
    when, unit = result.spikes["h"]
    assert set(result.spikes) == {"h"} and when.size > 10
    for b in range(3):
        one = session(update, None).sequences(inputs[b : b + 1], None, traced, spikes=True)
        mine = (when >= 11 * b) & (when < 11 * (b + 1))
        np.testing.assert_array_equal(when[mine] - 11 * b, one.spikes["h"][0])
        np.testing.assert_array_equal(unit[mine], one.spikes["h"][1])
        if b == 0:
            np.testing.assert_array_equal(result.traces, one.traces)
    assert result.traces.shape == (11, 2)
    assert learner.sequences(inputs, targets).spikes == {}


def part(first: float, spikes: int) -> Result:
    events = {"h": (np.array([spikes]), np.array([spikes + 10]))}
    losses = np.array([[first, first + 1]])
    return Result(float(losses.sum()), losses, losses[:, :, None], events, losses.T)


def test_parts_in_sequence() -> None:
    made = in_sequence([part(0.0, 1), part(2.0, 0)])
    assert made.losses.tolist() == [[0, 1, 2, 3]]
    assert made.loss == 6.0
    assert made.predictions.shape == (1, 4, 1) and made.traces.shape == (4, 1)
    assert [a.tolist() for a in made.spikes["h"]] == [[1, 2], [11, 10]]


def test_parts_in_parallel() -> None:
    made = in_parallel([part(0.0, 1), part(2.0, 0)])
    assert made.losses.tolist() == [[0, 1], [2, 3]]
    assert made.loss == 3.0
    assert made.predictions.shape == (2, 2, 1) and made.traces.tolist() == [[0], [1]]
    assert [a.tolist() for a in made.spikes["h"]] == [[1, 2], [11, 10]]
