"""e-prop against numbers from outside: the reference losses of the NEST simulator's e-prop tests.

Covered: `tests/reference/eprop_golden.py`, with weights, inputs and targets from our tasks, has all
five published losses of pattern generation to 1e-9, and those of evidence accumulation for batches
of one and of two. So have the shipped experiments `eprop_pattern` and `eprop_evidence`, which run
the package itself; spikes and gradients of the first sequence are those of the reference.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from neuro_rtrl.contracts import Recipe
from neuro_rtrl.experiment_text import load_experiment
from neuro_rtrl.experiment_training import Job, make_job
from neuro_rtrl.tasks import evidence_accumulation, pattern_generation
from tests.reference.eprop_golden import (
    FILTERED,
    AdamSteps,
    Arrays,
    Setup,
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


def job(name: str, *overrides: str) -> Job:
    return make_job(load_experiment(name, overrides), name)


@pytest.mark.parametrize(
    ("name", "overrides", "published"),
    [
        ("eprop_pattern", (), PATTERN_LOSSES),
        ("eprop_evidence", ("task.batch=1",), EVIDENCE_LOSSES[1]),
        ("eprop_evidence", ("task.batch=2",), EVIDENCE_LOSSES[2]),
    ],
)
def test_the_experiments_have_the_published_losses(
    name: str, overrides: tuple[str, ...], published: tuple[float, ...]
) -> None:
    made, losses = job(name, *overrides), []
    for iteration in range(5):
        trial = made.task.train(iteration)
        losses.append(made.learner.run(trial.inputs, trial.targets).loss)
    np.testing.assert_allclose(losses, published, rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "setup", "share"), [("eprop_pattern", pattern, 1), ("eprop_evidence", evidence, 150)]
)
def test_the_engine_has_the_same_spikes_and_gradients(
    name: str, setup: Callable[[], Setup], share: int
) -> None:
    made = job(name, *(["task.batch=1"] if name == "eprop_evidence" else []))
    trial = made.task.train(0)
    assert isinstance(made.task, Recipe)
    weights = weights_of(dict(made.task.weights))
    result = made.learner.run(trial.inputs, trial.targets, spikes=True, learn=False)
    gradients, _, spikes = sequence(setup(), weights, trial.inputs[0], trial.targets[0])
    when, unit = result.spikes["hidden"]
    assert len(when) > 1000, "the network is alive"
    found = np.zeros_like(spikes)
    found[when, unit] = 1
    np.testing.assert_array_equal(found, spikes)
    for projection in (*FILTERED, "out"):
        p, wanted = made.network.projections[projection], gradients[projection] / share
        np.testing.assert_allclose(
            made.learner.gradient[projection],
            wanted[p.pre, p.post],
            rtol=1e-9,
            atol=1e-9 * np.abs(wanted).max(),
        )
