"""What every task must do; the tasks are found, not listed."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl import registry
from neuro_rtrl.contracts import Task

NAMES = sorted(registry.files("tasks"))

# Tasks in which nothing is random.
THE_SAME_FOR_EVERY_SEED = {"influence_balancing", "breathing_belt"}

# Tasks whose score is minus a cost; perfect logits cost nothing.
SCORED_BY_COST = {"characters"}


def test_tasks_are_found() -> None:
    assert len(NAMES) >= 13


def make(name: str, seed: int = 0) -> Task:
    task: Task = registry.find("tasks", name)(np.random.default_rng(seed))
    return task


@pytest.mark.parametrize("name", NAMES)
def test_trials_have_the_promised_shapes(name: str) -> None:
    task = make(name)
    assert isinstance(task, Task)
    for trial in (task.train(0), task.train(7), task.test()):
        batch, steps, inputs = trial.inputs.shape
        assert inputs == task.inputs
        assert trial.targets.shape == (batch, steps, task.outputs)
        assert trial.inputs.dtype == trial.targets.dtype == np.float64
        assert np.all(np.isfinite(trial.inputs))
        assert np.any(np.isfinite(trial.targets))


@pytest.mark.parametrize("name", NAMES)
def test_a_trial_depends_on_seed_and_iteration_only(name: str) -> None:
    one, two, other = make(name), make(name), make(name, seed=1)
    two.train(5)
    two.test()
    np.testing.assert_array_equal(one.train(3).inputs, two.train(3).inputs)
    np.testing.assert_array_equal(one.test().targets, two.test().targets)
    alike = np.array_equal(one.train(3).inputs, other.train(3).inputs)
    assert alike == (name in THE_SAME_FOR_EVERY_SEED)


@pytest.mark.parametrize("name", NAMES)
def test_perfect_predictions_score_better_than_none(name: str) -> None:
    task = make(name)
    trial = task.test()
    targets = np.nan_to_num(trial.targets)
    perfect = 1000 * targets if name in SCORED_BY_COST else targets
    assert task.score(perfect, trial) == (0 if name in SCORED_BY_COST else 1)
    assert task.score(np.zeros_like(targets), trial) < (-1 if name in SCORED_BY_COST else 0.7)
