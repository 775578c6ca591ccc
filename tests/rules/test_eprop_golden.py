"""e-prop against numbers from outside: the reference losses of the NEST simulator's e-prop tests.

Covered: `tests/reference/eprop_golden.py`, with weights, inputs and targets from our tasks, has all
five published losses of pattern generation to 1e-9, and those of evidence accumulation for batches
of one and of two. On the first of these networks our engine has the same spikes and the same first
loss, and the rule "eprop" the same gradients as the reference with symmetric feedback.

Not covered by the engine, only by the reference: random feedback, the rate regularisation, and so
the losses from the second on; the refractory adaptive units of evidence accumulation.
"""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.equations.model_text import model_from_text
from neuro_rtrl.learner import Learner
from neuro_rtrl.network.describe import Network
from neuro_rtrl.tasks import evidence_accumulation, pattern_generation
from tests.reference.eprop_golden import (
    FILTERED,
    AdamSteps,
    Arrays,
    descend,
    evidence,
    pattern,
    sequence,
)

PATTERN_LOSSES = (
    101.964356999041,
    103.466731126205,
    103.340607074771,
    103.680244037686,
    104.412775748752,
)
EVIDENCE_LOSSES = {
    1: (0.741152550006, 0.740388187700, 0.665785233177, 0.663644193322, 0.729428962844),
    2: (0.702163370672, 0.735555303152, 0.740354864111, 0.683882815282, 0.707841122268),
}

HIDDEN = """
equations = "v[t+1] = alpha*v + zeta*drive : 1"
threshold = "v >= v_th"
reset = "v -= v_th/alpha"
reset_gradient = false
[states]
v = { initial = 0, meaning = "membrane potential" }
[inputs]
drive = { unit = "1", meaning = "weighted spikes of a step" }
[synapses]
drive = "drive += w"
[parameters]
alpha = { value = 0, unit = "1", meaning = "what the membrane keeps in a step" }
zeta = { value = 1, unit = "1", meaning = "gain of the input" }
v_th = { value = 0.03, unit = "1", meaning = "threshold" }
[surrogate]
shape = "triangle"
height = 10.0
width = 0.03
"""

READOUT = """
equations = "dy/dt = -y/tau : 1"
method = "exact"
readout = "y"
[states]
y = { initial = 0, meaning = "output" }
[synapses]
filtered = "y += zeta*w"
[parameters]
tau = { value = 30, unit = "ms", meaning = "time constant of the output" }
zeta = { value = 1, unit = "1", meaning = "gain of the input" }
"""


def weights_of(values: Arrays) -> Arrays:
    return {name: array.copy() for name, array in values.items()}


def test_pattern_generation_has_the_published_losses() -> None:
    weights = weights_of(pattern_generation.initial_weights())
    task = pattern_generation.make(np.random.default_rng(0), recipe_seed=1)
    losses = []
    for iteration in range(5):
        trial = task.train(iteration)
        gradients, loss, _ = sequence(pattern(), weights, trial.inputs[0], trial.targets[0])
        descend(weights, gradients)
        losses.append(loss)
    np.testing.assert_allclose(losses, PATTERN_LOSSES, rtol=1e-9)


@pytest.mark.parametrize("batch", [1, 2])
def test_evidence_accumulation_has_the_published_losses(batch: int) -> None:
    weights, adam = weights_of(evidence_accumulation.initial_weights()), AdamSteps()
    rng, setup = np.random.default_rng(0), evidence()
    task = evidence_accumulation.make(rng, batch=batch, recipe_seed=1)
    losses = []
    for iteration in range(5):
        trial, share = task.train(iteration), 1 / (150 * batch)
        pairs = zip(trial.inputs, trial.targets, strict=True)
        done = [sequence(setup, weights, x, target) for x, target in pairs]
        names = done[0][0]
        adam.descend(weights, {name: share * sum(g[name] for g, _, _ in done) for name in names})
        losses.append(share * sum(loss for _, loss, _ in done))
    np.testing.assert_allclose(losses, EVIDENCE_LOSSES[batch], rtol=1e-9)


def engine(weights: Arrays) -> Learner:
    """The pattern generation network in our own words."""
    alpha = float(np.exp(-1 / 30))
    net = Network(dt="1 ms")
    x = net.inputs(100, name="x")
    hidden = net.neurons(
        100, model_from_text(HIDDEN, name="recipe"), name="hidden", alpha=alpha, zeta=1 - alpha
    )
    y = net.neurons(1, model_from_text(READOUT, name="filter"), name="y", zeta=1 - alpha)
    net.connect(x, hidden, weights=weights["in"], name="in")
    net.connect(hidden, hidden, weights=weights["recurrent"], name="recurrent")
    net.connect(hidden, y, weights=weights["out"], name="out")
    return Learner(net, rule="eprop", loss="sse", update="sequence", precision="float64")


def test_the_engine_has_the_same_spikes_loss_and_gradients() -> None:
    weights = weights_of(pattern_generation.initial_weights())
    weights["feedback"] = weights["out"]
    task = pattern_generation.make(np.random.default_rng(0), recipe_seed=1)
    trial, learner = task.train(0), engine(weights)
    result = learner.run(trial.inputs, trial.targets, spikes=True)
    gradients, _, spikes = sequence(
        pattern(), weights, trial.inputs[0], trial.targets[0], c_rate=0.0
    )
    when, unit = result.spikes["hidden"]
    assert len(when) > 1000, "the network is alive"
    found = np.zeros_like(spikes)
    found[when, unit] = 1
    np.testing.assert_array_equal(found, spikes)
    assert result.loss == pytest.approx(PATTERN_LOSSES[0], rel=1e-9)
    # All pairs are connected, in the order of a matrix; the recipe has no synapse to the own unit.
    for name in (*FILTERED, "out"):
        made = learner.gradient[name].reshape(gradients[name].shape)
        if name == "recurrent":
            made = made * (1 - np.eye(100))
        scale = np.abs(gradients[name]).max()
        np.testing.assert_allclose(made, gradients[name], rtol=1e-9, atol=1e-9 * scale)
