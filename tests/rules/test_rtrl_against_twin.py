"""Exact rules against the readable twin: gradients to 1e-10, predictions to 1e-12, same spikes.

The networks are drawn until they live (see `tests.reference.networks`). They differ in model,
wiring, delays, resets, refractory periods, methods, surrogates, losses and windows of the error.
"""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neuro_rtrl as nr
from tests.reference.networks import Case, in_volts, random_case, random_targets, shipped
from tests.reference.twin import twin

EXACT_RULES = ("rtrl", "bptt")
PREDICTIONS, GRADIENT, SINGLE = 1e-12, 1e-10, 1e-4


def learned(
    case: Case, rule: str, precision: str = "float64"
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Gradient and predictions of one sequence, without any update."""
    learner = nr.Learner(
        case.net, rule=rule, precision=precision, optimizer=None, loss=case.loss, update="sequence"
    )
    result = learner.run(case.inputs[None], case.targets[None])
    return dict(learner.gradient), result.predictions[0]


def assert_same(
    found: dict[str, np.ndarray], wanted: dict[str, np.ndarray], tolerance: float
) -> None:
    """Every array equal within `tolerance` of its largest entry."""
    assert set(found) == set(wanted)
    for name, array in wanted.items():
        error = abs(found[name] - array).max() / abs(array).max()
        assert error < tolerance, f"{name}: {error:.2e}"


def check(case: Case, rule: str) -> None:
    gradient, predictions = learned(case, rule)
    size = max(1.0, abs(case.twin.predictions).max())
    np.testing.assert_allclose(predictions, case.twin.predictions, rtol=0, atol=PREDICTIONS * size)
    assert_same(gradient, case.twin.gradient, GRADIENT)


@functools.cache
def case_of(model: str, seed: int) -> Case:
    return random_case(np.random.default_rng([seed, 1]), (model,))


@pytest.mark.parametrize("rule", EXACT_RULES)
@pytest.mark.parametrize("model", shipped(spiking=True))
@pytest.mark.parametrize("seed", range(4))
def test_every_spiking_model(model: str, rule: str, seed: int) -> None:
    check(case_of(model, seed), rule)


@pytest.mark.parametrize("rule", EXACT_RULES)
@pytest.mark.parametrize("model", in_volts())
def test_every_model_in_volts(model: str, rule: str) -> None:
    check(case_of(model, 1), rule)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), rule=st.sampled_from(EXACT_RULES))
def test_mixed_networks(seed: int, rule: str) -> None:
    check(random_case(np.random.default_rng(seed)), rule)


@pytest.mark.parametrize("seed", range(8))
def test_spikes_and_states(seed: int) -> None:
    case = random_case(np.random.default_rng([seed, 2]))
    names = list(case.twin.states)
    found = nr.simulate(case.net, case.inputs, record=names)
    for name, spikes in case.twin.spikes.items():
        model = case.net.populations[name].model
        if model is not None and model.threshold is not None:
            raster = np.zeros_like(spikes)
            raster[found[name].step, found[name].i] = True
            np.testing.assert_array_equal(raster, spikes)
    for name in names:
        # The twin keeps the end of each step, a recording its beginning.
        before = case.twin.states[name][:-1]
        size = max(1.0, abs(before).max())
        np.testing.assert_allclose(found.states[name][:, 1:].T, before, rtol=0, atol=1e-12 * size)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("model", shipped(spiking=True))
def test_single_precision(model: str, seed: int) -> None:
    case = random_case(np.random.default_rng([seed, 3]), (model,))
    gradient, predictions = learned(case, "rtrl", "float32")
    size = max(1.0, abs(case.twin.predictions).max())
    np.testing.assert_allclose(predictions, case.twin.predictions, rtol=0, atol=1e-4 * size)
    assert_same(gradient, case.twin.gradient, SINGLE)


@pytest.mark.parametrize("rule", EXACT_RULES)
@pytest.mark.parametrize("seed", range(3))
def test_a_batch_has_the_mean_gradient(rule: str, seed: int) -> None:
    rng = np.random.default_rng([seed, 4])
    case = random_case(rng)
    inputs = np.stack([case.inputs, case.inputs[::-1], np.roll(case.inputs, 3, axis=0)])
    outputs = case.targets.shape[1]
    targets = np.stack([random_targets(rng, len(t), outputs, case.loss) for t in inputs])
    lanes = [twin(case.net, x, y, case.loss) for x, y in zip(inputs, targets, strict=True)]
    learner = nr.Learner(
        case.net,
        rule=rule,
        precision="float64",
        optimizer=None,
        loss=case.loss,
        update="sequence",
        batch=3,
    )
    result = learner.run(inputs, targets)
    wanted = {
        name: np.mean([t.gradient[name] for t in lanes], axis=0) for name in lanes[0].gradient
    }
    assert_same(learner.gradient, wanted, GRADIENT)
    for lane, predictions in zip(lanes, result.predictions, strict=True):
        size = max(1.0, abs(lane.predictions).max())
        np.testing.assert_allclose(predictions, lane.predictions, rtol=0, atol=1e-12 * size)


@pytest.mark.parametrize("seed", range(3))
def test_step_by_step_is_the_same_as_a_run(seed: int) -> None:
    case = random_case(np.random.default_rng([seed, 5]))
    learner = nr.Learner(
        case.net,
        rule="rtrl",
        precision="float64",
        optimizer=None,
        loss=case.loss,
        update="sequence",
    )
    steps = zip(case.inputs, case.targets, strict=True)
    predictions = np.array([np.ravel(learner.step(x, y)) for x, y in steps])
    size = max(1.0, abs(case.twin.predictions).max())
    np.testing.assert_allclose(predictions, case.twin.predictions, rtol=0, atol=PREDICTIONS * size)
    assert_same(learner.gradient, case.twin.gradient, GRADIENT)


def test_a_second_run_starts_from_the_beginning() -> None:
    case = random_case(np.random.default_rng([0, 6]))
    learner = nr.Learner(
        case.net,
        rule="rtrl",
        precision="float64",
        optimizer=None,
        loss=case.loss,
        update="sequence",
    )
    first = learner.run(case.inputs[None], case.targets[None]).predictions
    learner.reset()
    second = learner.run(case.inputs[None], case.targets[None]).predictions
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("seed", range(3))
def test_a_wrong_gradient_is_seen(seed: int) -> None:
    """The comparison can fail: with a slightly wider surrogate the gradient is another one."""
    case = random_case(np.random.default_rng([seed, 7]), ("lif",))
    hidden = case.net.populations["h0"]
    assert hidden.model is not None
    surrogate = replace(hidden.model.surrogate, height=1.01 * hidden.model.surrogate.height)
    hidden.model = replace(hidden.model, surrogate=surrogate)
    gradient, _ = learned(case, "rtrl")
    with pytest.raises(AssertionError, match="e-"):
        assert_same(gradient, case.twin.gradient, GRADIENT)
