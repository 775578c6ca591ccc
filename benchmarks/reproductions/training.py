"""An experiment's text trained without files: what several studies need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from neuro_rtrl.contracts import Trial
from neuro_rtrl.errors import SimulationError
from neuro_rtrl.experiment_evaluation import Evaluator
from neuro_rtrl.experiment_text import load_experiment
from neuro_rtrl.experiment_training import Job, make_job


@dataclass
class Trained:
    """What a training leaves.

    Attributes:
        job: the learner with what it has learned, the task.
        losses: of each iteration, mean over the steps that have a target.
        steps: (iterations, steps) loss of each step, mean over the batch.
        predictions, trial: of the last iteration.
        diverged: whether a value was not finite, which ended it.
    """

    job: Job
    losses: list[float] = field(default_factory=list)
    steps: list[np.ndarray] = field(default_factory=list)
    predictions: np.ndarray = field(default_factory=lambda: np.zeros(0))
    trial: Trial = field(default_factory=lambda: Trial(np.zeros(0), np.zeros(0)))
    diverged: bool = False

    def late(self) -> float:
        """Mean loss of the last tenth of the iterations."""
        return float(np.mean(self.losses[-max(1, len(self.losses) // 10) :]))

    def score(self) -> float:
        """The task's score on its held-out trial."""
        return Evaluator(self.job.network).score(self.job.task, self.job.learner.parameters)


def trained(name: str, settings: Iterable[str] = ()) -> Trained:
    """An experiment of models/experiments, with settings as of `--set`, from start to end."""
    experiment = load_experiment(name, settings)
    found = Trained(make_job(experiment, name))
    for iteration in range(experiment.learning.iterations):
        trial = found.job.task.train(iteration)
        try:
            result = found.job.learner.run(trial.inputs, trial.targets)
        except SimulationError:
            found.diverged = True
            break
        asked = np.isfinite(trial.targets).all(axis=2)
        by_step = np.asarray(result.losses).reshape(asked.shape)
        found.losses.append(float(by_step[asked].mean()))
        found.steps.append(by_step.mean(axis=0))
        found.predictions, found.trial = result.predictions, trial
    return found
