"""`Learner`: steps and runs, updates, batches, resetting, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.errors import BuildError, DescriptionError, SimulationError
from neuro_rtrl.rules.rtrl import RULE


def network(seed: int = 0) -> nr.Network:
    net = nr.Network(dt="1 ms", seed=seed)
    x, h = net.inputs(4, name="x"), net.neurons(10, "lif", name="h", learn=("bias",))
    y = net.neurons(2, "leaky_readout", name="y", tau="5 ms")
    net.connect(x, h, weights="normal(0.4, 0.4)")
    net.connect(h, h, weights="normal(0, 0.3)", delay="1 ms")
    net.connect(h, y, weights="normal(0, 0.3)")
    return net


@pytest.fixture
def inputs(rng: np.random.Generator) -> np.ndarray:
    return (rng.random((40, 4)) < 0.5).astype(float)


@pytest.fixture
def targets() -> np.ndarray:
    t = np.arange(40) / 40
    return np.stack([np.sin(2 * np.pi * t), np.cos(2 * np.pi * t)], axis=1)


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("optimizer", [nr.Adam(1e-2), nr.Sgd(3e-3)])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_learning_at_every_step_lowers_the_loss(
    optimizer: Any, precision: str, inputs: np.ndarray, targets: np.ndarray
) -> None:
    learner = nr.Learner(network(), optimizer=optimizer, precision=precision)
    before = learner.parameters
    untrained = nr.Learner(network()).run(inputs[None], targets[None]).loss / len(inputs)
    losses = []
    for _ in range(40):
        learner.reset()
        errors = [learner.step(x, y) - y for x, y in zip(inputs, targets, strict=True)]
        losses.append(np.square(errors).mean())
    # One update can move a spike and with it the loss: the median does not see that.
    assert np.median(losses[-15:]) < 0.5 * untrained
    for name, values in learner.parameters.items():
        assert not np.array_equal(values, before[name]), name


@pytest.mark.parametrize("update", ["step", "sequence", 7])
def test_runs_lower_the_loss(update: Any, inputs: np.ndarray, targets: np.ndarray) -> None:
    learner = nr.Learner(network(), optimizer=nr.Adam(1e-2), update=update)
    losses = [learner.run(inputs[None], targets[None]).loss for _ in range(60)]
    assert np.mean(losses[-5:]) < 0.6 * losses[0]


def test_steps_and_runs_are_the_same(inputs: np.ndarray, targets: np.ndarray) -> None:
    steps, runs = (
        nr.Learner(network(), optimizer=nr.Sgd(0.05), update=3, precision="float64")
        for _ in range(2)
    )
    predictions = [steps.step(x, y) for x, y in zip(inputs[:39], targets[:39], strict=True)]
    result = runs.run(inputs[None, :39], targets[None, :39])
    np.testing.assert_allclose(result.predictions[0], predictions, rtol=1e-12)
    for name, values in steps.parameters.items():
        np.testing.assert_allclose(values, runs.parameters[name], rtol=1e-10)
        np.testing.assert_allclose(steps.gradient[name], runs.gradient[name], rtol=1e-8)


def test_an_update_happens_when_it_is_due(inputs: np.ndarray, targets: np.ndarray) -> None:
    learner = nr.Learner(network(), optimizer=nr.Sgd(0.1), update=5)
    start = learner.parameters
    changed = []
    for x, y in zip(inputs[:15], targets[:15], strict=True):
        learner.step(x, y)
        changed.append(not same(learner.parameters, start))
        start = learner.parameters
    assert np.flatnonzero(changed).tolist() == [4, 9, 14]


def test_no_update_without_learning(inputs: np.ndarray, targets: np.ndarray) -> None:
    learner = nr.Learner(network(), optimizer=nr.Sgd(0.1))
    start = learner.parameters
    learner.run(inputs[None], targets[None], learn=False)
    assert same(learner.parameters, start)
    only = nr.Learner(network(), update="sequence")
    only.run(inputs[None], targets[None])
    assert same(learner.gradient, only.gradient)
    assert abs(learner.gradient["x_h"]).max() > 0
    learner.run(inputs[None], targets[None])
    assert not same(learner.parameters, start)


def test_lanes_of_a_batch_are_independent(inputs: np.ndarray, targets: np.ndarray) -> None:
    batch = np.stack([inputs, inputs[::-1], np.zeros_like(inputs)])
    learner = nr.Learner(network(), batch=3, update="sequence", precision="float64")
    made = np.array([learner.step(batch[:, t], targets[[t] * 3]) for t in range(40)])
    assert made.shape == (40, 3, 2)
    single = []
    for b, sequence in enumerate(batch):
        one = nr.Learner(network(), update="sequence", precision="float64")
        for t in range(40):
            np.testing.assert_array_equal(one.step(sequence[t], targets[t]), made[t, b])
        single.append(one.gradient)
    for name, gradient in learner.gradient.items():
        mean = np.mean([s[name] for s in single], axis=0)
        np.testing.assert_allclose(gradient, mean, rtol=1e-12, atol=1e-15)


def test_reset_goes_back_to_the_start(inputs: np.ndarray, targets: np.ndarray) -> None:
    learner = nr.Learner(network(), update="sequence")
    first = [learner.step(x, y) for x, y in zip(inputs, targets, strict=True)]
    gradient = learner.gradient
    learner.reset()
    assert all(not g.any() for g in learner.gradient.values())
    again = [learner.step(x, y) for x, y in zip(inputs, targets, strict=True)]
    np.testing.assert_array_equal(first, again)
    assert same(learner.gradient, gradient)
    assert learner.ledger.steps == 80


def test_parameters_keep_what_was_learned_at_a_reset(
    inputs: np.ndarray, targets: np.ndarray
) -> None:
    learner = nr.Learner(network(), optimizer=nr.Sgd(0.1))
    learner.step(inputs[0], targets[0])
    learner.step(inputs[1], targets[1])
    before = learner.parameters
    learner.reset()
    assert same(learner.parameters, before)


def test_steps_without_a_target_have_no_error(inputs: np.ndarray) -> None:
    learner = nr.Learner(network(), update="sequence")
    for x in inputs[:20]:
        learner.step(x)
        learner.step(x, [np.nan, np.nan])
    assert all(not g.any() for g in learner.gradient.values())
    learner.step(inputs[20], [1.0, 1.0])
    assert abs(learner.gradient["x_h"]).max() > 0


def test_targets_may_be_missing_in_a_window(inputs: np.ndarray, targets: np.ndarray) -> None:
    masked = targets.copy()
    masked[10:30] = np.nan
    learner = nr.Learner(network(), update="sequence")
    result = learner.run(inputs[None], masked[None])
    assert (result.losses[0, 10:30] == 0).all() and (result.losses[0, 30:] > 0).all()
    wanted = np.nansum(np.square(result.predictions[0] - masked).mean(axis=1))
    assert result.loss == pytest.approx(wanted)


def test_parameters_can_be_set(inputs: np.ndarray, targets: np.ndarray) -> None:
    one, other = nr.Learner(network(1)), nr.Learner(network(2))
    assert not same(one.parameters, other.parameters)
    other.set_parameters(one.parameters)
    assert same(one.parameters, other.parameters)
    found = [learner.run(inputs[None]).predictions for learner in (one, other)]
    np.testing.assert_array_equal(*found)


def test_what_is_got_is_a_copy() -> None:
    learner = nr.Learner(network())
    learner.parameters["x_h"][:] = 0.0
    assert abs(learner.parameters["x_h"]).max() > 0
    described = network()
    learner = nr.Learner(described)
    described.projections["x_h"].weights[:] = 0.0
    assert abs(learner.parameters["x_h"]).max() > 0


def test_parameters_that_cannot_be_set() -> None:
    learner = nr.Learner(network())
    start = learner.parameters
    zeros = np.zeros_like(start["x_h"])
    with pytest.raises(DescriptionError, match=r"unknown learned parameter.*mean 'h_h'\?"):
        learner.set_parameters({"x_h": zeros, "hh": [0.0]})
    with pytest.raises(DescriptionError, match=r"h.bias have the wrong shape.*shape \(10\)"):
        learner.set_parameters({"x_h": zeros, "h.bias": [0.0, 1.0]})
    assert same(learner.parameters, start)


def test_weights_are_in_the_order_of_the_projection() -> None:
    net = network()
    learner = nr.Learner(net)
    np.testing.assert_array_equal(learner.parameters["h_h"], net.projections["h_h"].weights)


def test_what_does_not_learn_has_no_gradient() -> None:
    net = network()
    net.connect("x", "y", learn=False)
    learner = nr.Learner(net, optimizer=nr.Sgd(0.1))
    assert set(learner.gradient) == set(learner.parameters) == {"x_h", "h_h", "h_y", "h.bias"}
    before = learner._built.values.copy()
    learner.step([1, 1, 1, 1], [1.0, 1.0])
    fixed = np.setdiff1d(np.arange(before.size), learner._built.plan.learned)
    assert fixed.size == 8
    np.testing.assert_array_equal(learner._built.values[fixed], before[fixed])


def test_precisions_agree_to_their_digits(inputs: np.ndarray, targets: np.ndarray) -> None:
    single, double = (
        nr.Learner(network(), precision=p, update="sequence") for p in ("float32", "float64")
    )
    for learner in (single, double):
        learner.run(inputs[None], targets[None])
    assert not same(single.gradient, double.gradient)
    for name, gradient in double.gradient.items():
        atol = 1e-4 * abs(gradient).max()
        np.testing.assert_allclose(single.gradient[name], gradient, rtol=0, atol=atol)


def test_the_seed_makes_the_learning(inputs: np.ndarray, targets: np.ndarray) -> None:
    def learned(seed: int) -> dict[str, np.ndarray]:
        learner = nr.Learner(network(seed), optimizer=nr.Adam(1e-2))
        learner.run(inputs[None], targets[None])
        return learner.parameters

    assert same(learned(3), learned(3))
    assert not same(learned(3), learned(4))


def test_recorded_states_and_spikes(inputs: np.ndarray) -> None:
    learner = nr.Learner(network(), update="sequence")
    result = learner.run(inputs[None], record=["y.y", "h.v"], spikes=True)
    simulated = nr.simulate(network(), inputs, record=["y.y", "h.v"])
    traces = np.concatenate([simulated.states["y.y"], simulated.states["h.v"]]).T
    np.testing.assert_array_equal(result.traces, traces)
    np.testing.assert_array_equal(result.spikes["h"][0], simulated["h"].step)
    np.testing.assert_array_equal(result.spikes["h"][1], simulated["h"].i)


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"rule": "rtlr"}, DescriptionError, r"'rtlr'.*Did you mean 'rtrl'\?"),
        ({"loss": "msee"}, DescriptionError, r"unknown loss.*Did you mean 'mse'\?"),
        ({"precision": "double"}, DescriptionError, r"unknown precision; given: 'double'"),
        ({"update": "batch"}, DescriptionError, r"update: this is not a time to update"),
        ({"batch": 0}, DescriptionError, r"batch: the batch is out of range; given: 0"),
        ({"batch": 2.0}, DescriptionError, r"batch: the batch is out of range; given: 2.0"),
        ({"batch": True}, DescriptionError, r"batch: the batch is out of range"),
        ({"rule": "bptt"}, BuildError, r"the rule bptt has its gradient at the end"),
    ],
)
def test_options_that_are_refused(options: dict[str, Any], kind: type, text: str) -> None:
    with pytest.raises(kind, match=text):
        nr.Learner(network(), **options)


def test_a_rule_may_be_given_as_a_value(inputs: np.ndarray, targets: np.ndarray) -> None:
    named, given = nr.Learner(network()), nr.Learner(network(), rule=RULE)
    for learner in (named, given):
        learner.run(inputs[None], targets[None])
    assert same(named.gradient, given.gradient)


def test_wrong_shapes_are_refused() -> None:
    learner, batch = nr.Learner(network()), nr.Learner(network(), batch=2)
    with pytest.raises(DescriptionError, match=r"inputs have the wrong shape.*shape \(4\)"):
        learner.step([1, 0, 0])
    with pytest.raises(DescriptionError, match=r"targets have the wrong shape.*shape \(2\)"):
        learner.step([1, 0, 0, 1], [1.0])
    with pytest.raises(DescriptionError, match=r"inputs have the wrong shape.*shape \(2, 4\)"):
        batch.step([1, 0, 0, 1])
    with pytest.raises(DescriptionError, match=r"inputs have the wrong shape.*any, any, 4"):
        learner.run(np.zeros((5, 4)))
    with pytest.raises(DescriptionError, match=r"targets have the wrong shape.*shape \(1, 5, 2\)"):
        learner.run(np.zeros((1, 5, 4)), np.zeros((1, 4, 2)))
    with pytest.raises(DescriptionError, match=r"inputs are not all finite"):
        learner.step([np.nan, 0, 0, 0])
    with pytest.raises(DescriptionError, match=r"a step has targets for some outputs only"):
        learner.step([1, 0, 0, 1], [1.0, np.nan])
    with pytest.raises(DescriptionError, match=r"an empty batch"):
        learner.run(np.zeros((0, 5, 4)))
    with pytest.raises(DescriptionError, match=r"unknown state to record.*Did you mean 'h.v'"):
        learner.run(np.zeros((1, 5, 4)), record=["h.u"])


def test_bptt_does_not_step() -> None:
    learner = nr.Learner(network(), rule="bptt", update="sequence")
    with pytest.raises(BuildError, match=r"the rule bptt needs whole sequences.*rtrl"):
        learner.step([1, 0, 0, 1])


def test_a_state_that_overflows_is_named_and_a_reset_recovers(inputs: np.ndarray) -> None:
    learner, fresh = nr.Learner(network()), nr.Learner(network())
    with pytest.raises(SimulationError, match=r"h\.v, unit \d+, step \d+ or shortly before"):
        for _ in range(70):
            learner.step(np.full(4, 1.7e308))
    learner.reset()
    for x in inputs:
        np.testing.assert_array_equal(learner.step(x), fresh.step(x))


def test_the_generated_source_can_be_read() -> None:
    sources = nr.Learner(network()).sources
    assert "def flow" in sources["h"] and "def jacobian" in sources["y"]
