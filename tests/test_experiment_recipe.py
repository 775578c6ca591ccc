"""Weights of a task's recipe in an experiment's text: found, or refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.errors import NeuroRtrlError
from neuro_rtrl.experiment_text import load_experiment, make_feedback, make_network
from neuro_rtrl.experiment_training import make_job
from neuro_rtrl.tasks import evidence_accumulation, pattern_generation


def test_projections_have_the_weights_of_the_recipe() -> None:
    net = make_network(load_experiment("eprop_pattern"))
    for name, wanted in pattern_generation.initial_weights(1).items():
        if name != "feedback":
            p = net.projections[name]
            np.testing.assert_array_equal(p.weights, wanted[p.pre, p.post])
    assert (net.projections["recurrent"].pre != net.projections["recurrent"].post).all()


def test_so_has_feedback() -> None:
    given = make_feedback(load_experiment("eprop_evidence", ["task.recipe_seed=7"]))
    assert given is not None
    wanted = evidence_accumulation.initial_weights(7)["feedback"]
    np.testing.assert_array_equal(given["out"], wanted)
    assert make_feedback(load_experiment("spiral")) is None


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("projections.in.weights=task.inn", r"projections\.0\.weights: unknown weights.*'in'"),
        ("learning.feedback.outt=1.0", r"learning\.feedback: unknown projection.*'out'"),
        ("learning.feedback.recurrent=1.0", r"learning\.feedback: unknown projection.*one of out"),
        ("learning.feedback.out=true", r"learning\.feedback\.out: not numbers"),
        ("learning.firing_rate.populations=['hiden']", r"firing_rate\.populations.*'hidden'"),
        ("learning.firing_rate.coefficient=-1", r"firing_rate: coefficient: .*above 0"),
        ("learning.firing_rate.target='10 Hz'", r"firing_rate\.target: not a number"),
        ("learning.firing_rate.strength=1", r"firing_rate\.strength: unknown key"),
        ("learning.average=sequences", r"learning\.average: unknown average.*one of steps"),
    ],
)
def test_wrong_texts_are_refused(override: str, said: str) -> None:
    with pytest.raises(NeuroRtrlError, match=rf"eprop_evidence\.toml: .*{said}"):
        load_experiment("eprop_evidence", [override])


def test_a_task_without_a_recipe_has_no_weights() -> None:
    overrides = ["task.name=sum_of_sines", "task.inputs=100"]
    values = [*overrides, "projections.in.weights=task.in"]
    with pytest.raises(NeuroRtrlError, match=r"projections\.0\.weights: .*fixes no weights"):
        load_experiment("lif_pattern", ["projections.0.name=in", *values])


def test_rules_without_feedback_weights_leave_them_alone() -> None:
    """One word changes the rule, whatever options the text has for others."""
    made = make_job(load_experiment("eprop_pattern"), "test", "snap-1")
    trial = made.task.train(0)
    made.learner.run(trial.inputs[:, :50], trial.targets[:, :50])
    assert np.any(made.learner.gradient["in"])
