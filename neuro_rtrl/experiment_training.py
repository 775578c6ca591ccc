"""The loop over iterations: train, test now and then, record, tell whoever watches."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from neuro_rtrl.contracts import Curriculum, Prequential, Recorded, Rule, Task, Trial
from neuro_rtrl.engine.learning import Result
from neuro_rtrl.engine.provenance import collect
from neuro_rtrl.engine.recorder import Recorder
from neuro_rtrl.experiment_evaluation import Evaluator
from neuro_rtrl.experiment_figures import Shown
from neuro_rtrl.experiment_text import (
    Experiment,
    make_feedback,
    make_network,
    make_optimizer,
    make_task,
)
from neuro_rtrl.learner import Learner
from neuro_rtrl.learner_options import takes_feedback
from neuro_rtrl.network.describe import Network
from neuro_rtrl.outputs import RUN_FILE, News, Watcher
from neuro_rtrl.registry import find

SHOWN_STEPS = 200
"""Steps at the end of a run that the raster shows, at least; never less than a whole sequence."""

Events = tuple[np.ndarray, np.ndarray]


@dataclass
class History:
    """What the loop leaves. Lists have one entry for each iteration that was finished.

    Attributes:
        loss: mean loss per sequence of the batch.
        activity: fraction of unit-steps with an event, in the first sequence of the batch.
        seconds: of processor time, spent in learning.
        tests: (iterations done, score).
        last: events, predictions and targets of the first sequences of the last iterations.
        steps: of all sequences together.
        clock: steps of the first sequences of all batches.
        interrupted: whether Ctrl-C ended the run.
    """

    loss: list[float] = field(default_factory=list)
    activity: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    tests: list[tuple[int, float]] = field(default_factory=list)
    last: deque[tuple[dict[str, Events], np.ndarray, np.ndarray]] = field(default_factory=deque)
    steps: int = 0
    clock: int = 0
    interrupted: bool = False

    @property
    def score(self) -> float | None:
        """The last test's score; None before the first."""
        return self.tests[-1][1] if self.tests else None

    def learning_seconds(self) -> float:
        """Seconds of all iterations; the first, which compiles, counts as an average one."""
        later = self.seconds[1:] or self.seconds
        return float(np.mean(later)) * len(self.seconds) if later else 0.0

    def keep(
        self, events: dict[str, Events], result: Result, trial: Trial, activity: float
    ) -> None:
        """Adds an iteration, and forgets the sequences that the raster will not show."""
        steps = trial.inputs.shape[1]
        self.loss.append(result.loss)
        self.steps += result.losses.size
        self.clock += steps
        self.activity.append(activity)
        # A raster is of sequences of one length; a curriculum may have changed it.
        if self.last and len(self.last[0][1]) != steps:
            self.last.clear()
        self.last.append((events, result.predictions[0], trial.targets[0]))
        while (len(self.last) - 1) * steps >= SHOWN_STEPS:
            self.last.popleft()

    def last_steps(self, sizes: dict[str, int]) -> Shown:
        """The kept sequences as one; `sizes` are the numbers of units of the populations."""
        steps = len(self.last[0][1])
        joined = {
            name: (
                np.concatenate([e[name][0] + i * steps for i, (e, _, _) in enumerate(self.last)]),
                np.concatenate([e[name][1] for e, _, _ in self.last]),
            )
            for name in self.last[0][0]
        }
        return Shown(
            events=joined,
            sizes={name: sizes[name] for name in joined},
            predictions=np.concatenate([predictions for _, predictions, _ in self.last]),
            targets=np.concatenate([targets for _, _, targets in self.last]),
            sequence=steps,
        )


@dataclass
class Job:
    """One run: what was described, what is made of it, what it leaves.

    Attributes:
        label: name of the run, for pictures and news.
    """

    label: str
    experiment: Experiment
    network: Network
    task: Task
    learner: Learner
    history: History = field(default_factory=History)


AfterIteration = Callable[[int, Job, Trial], None]


def make_job(experiment: Experiment, label: str, rule: str | Rule | None = None) -> Job:
    """The network, task and learner of an experiment's text.

    Args:
        experiment: the text, checked.
        label: name of the run.
        rule: instead of the text's.

    Raises:
        NeuroRtrlError: they cannot be put together.
    """
    learning = experiment.learning
    network = make_network(experiment)
    named = learning.rule if rule is None else rule
    chosen = find("rules", named) if isinstance(named, str) else named
    learner = Learner(
        network,
        rule=chosen,
        optimizer=make_optimizer(experiment),
        loss=learning.loss,
        update=learning.update,
        precision=learning.precision,
        firing_rate=learning.firing_rate,
        feedback=make_feedback(experiment) if takes_feedback(chosen) else None,
        average=learning.average,
    )
    return Job(label, experiment, network, make_task(experiment), learner)


def open_recorder(job: Job, folder: Path) -> Recorder:
    """A run file that holds what the text asks for, and the texts themselves."""
    experiment, network = job.experiment, job.network
    states, units = {}, {}
    for name in experiment.record.states:
        population, state = name.split(".")
        model = network.populations[population].model
        states[name] = np.arange(min(experiment.record.units, network.populations[population].n))
        units[name] = next(s.unit for s in model.states if s.name == state) if model else ""
    recorder = Recorder(
        folder / RUN_FILE,
        provenance=collect(
            experiment.seed,
            experiment=experiment.name,
            rule=experiment.learning.rule,
            **(job.task.origin if isinstance(job.task, Recorded) else {}),
        ),
        populations={name: network.populations[name].n for name in experiment.record.spikes},
        states=states,
        units=units,
        dt=network.dt,
        precision=experiment.learning.precision,
    )
    recorder.attach("experiment", experiment.file.read_text(encoding="utf-8"))
    recorder.attach("experiment_with_overrides", json.dumps(experiment.values, indent=2))
    for name, described in network.populations.items():
        if described.model is not None:
            recorder.attach(f"model_of_{name}", described.model.source)
    return recorder


def train(job: Job, recorder: Recorder, watch: Watcher, after: AfterIteration) -> None:
    """All iterations; weights and ledger reach the file even if Ctrl-C comes between.

    Args:
        job: its learner changes and its history is filled.
        recorder: an open run file.
        watch: is told after each iteration.
        after: called at the end of each iteration with its number and its trial.
    """
    learner, history, record = job.learner, job.history, job.experiment.record
    iterations = job.experiment.learning.iterations
    evaluator, pairs = Evaluator(job.network), _pairs(job)
    recorder.weights("start", learner.parameters, pairs)
    try:
        for iteration in range(iterations):
            trial, done, score = job.task.train(iteration), iteration + 1, None
            start = time.process_time()
            result = learner.run(trial.inputs, trial.targets, record=record.states, spikes=True)
            history.seconds.append(time.process_time() - start)
            if done % record.test_every == 0 or done == iterations:
                score = _score(job, evaluator, trial, result)
                history.tests.append((done, score))
            if isinstance(job.task, Curriculum):
                job.task.report(trial, result.predictions)
            events = _first_sequence(result)
            begin = history.clock
            history.keep(events, result, trial, _activity(events, job.network, trial))
            recorder.loss(iteration, result.loss, score)
            _record(recorder, job, begin, events, result)
            after(iteration, job, trial)
            watch(News(job.label, done, iterations, result.loss, history.score))
    finally:
        recorder.weights("end", learner.parameters, pairs)
        recorder.ledger(learner.ledger.as_dict())


def _score(job: Job, evaluator: Evaluator, trial: Trial, result: Result) -> float:
    """Of a test; or of what was predicted while learning, if that is how the task is scored."""
    if isinstance(job.task, Prequential) and job.task.prequential:
        return job.task.score(result.predictions, trial)
    return evaluator.score(job.task, job.learner.parameters)


def _pairs(job: Job) -> dict[str, Events]:
    """(pre, post) of the synapses of each projection that learns."""
    learned = job.learner.parameters
    return {name: (p.pre, p.post) for name, p in job.network.projections.items() if name in learned}


def _first_sequence(result: Result) -> dict[str, Events]:
    """Events of the first sequence of the batch: those of its own steps."""
    steps = result.predictions.shape[1]
    return {
        name: (when[when < steps], unit[when < steps])
        for name, (when, unit) in result.spikes.items()
    }


def _activity(events: dict[str, Events], network: Network, trial: Trial) -> float:
    units = sum(network.populations[name].n for name in events)
    unit_steps = units * trial.inputs.shape[1]
    return sum(len(when) for when, _ in events.values()) / max(unit_steps, 1)


def _record(
    recorder: Recorder, job: Job, begin: int, events: dict[str, Events], result: Result
) -> None:
    """The first sequence of an iteration, from step `begin` of all first sequences together."""
    record, steps = job.experiment.record, result.predictions.shape[1]
    nothing = np.zeros(0, np.int64), np.zeros(0, np.int64)
    for name in record.spikes:
        when, unit = events.get(name, nothing)
        recorder.spikes(name, when + begin, unit)
    at = 0
    for name in record.states:
        n = job.network.populations[name.split(".")[0]].n
        shown = result.traces[:, at : at + min(n, record.units)]
        recorder.state(name, np.arange(steps) + begin, shown)
        at += n
