"""The loop over iterations: train, test now and then, record, tell whoever watches."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from neuro_rtrl.contracts import Curriculum, Prequential, Recorded, Rule, Task, Trial
from neuro_rtrl.engine.learning import Result
from neuro_rtrl.engine.monitor import Records
from neuro_rtrl.engine.provenance import collect
from neuro_rtrl.engine.recorder import Recorder
from neuro_rtrl.errors import RunFileError
from neuro_rtrl.experiment_evaluation import Evaluator
from neuro_rtrl.experiment_history import Events, History, Seen
from neuro_rtrl.experiment_influence import looked_at, record_influence
from neuro_rtrl.experiment_pauses import Pace, Within, pauses
from neuro_rtrl.experiment_rewiring import read_rewiring
from neuro_rtrl.experiment_sections import RecordText
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
    pace: Pace = field(default_factory=Pace)

    @cached_property
    def evaluator(self) -> Evaluator:
        """Tests the network on a copy."""
        return Evaluator(self.network)


AfterIteration = Callable[[int, Job, Trial], None]


class Keeper(Within, Protocol):
    """Keeps the state of a run, so that it can go on after its process has ended."""

    def after(self, done: int) -> None:
        """Called when `done` iterations are done: keeps, if it is time."""
        ...

    def now(self, done: int) -> None:
        """Keeps, whatever the time."""
        ...


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
        rewiring=read_rewiring(learning.rewiring, network),
    )
    return Job(label, experiment, network, make_task(experiment), learner)


def open_recorder(job: Job, folder: Path, live: bool = False, texts: bool = True) -> Recorder:
    """A run file that holds what the text asks for, and, where a run begins, the texts."""
    experiment, network, record = job.experiment, job.network, job.experiment.record
    units = {}
    for name in experiment.record.states:
        population, state = name.split(".")
        model = network.populations[population].model
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
        states=_units(record, network),
        units=units,
        influence=looked_at(record.influence, job.learner),
        dt=network.dt,
        precision=experiment.learning.precision,
        compression=None if record.compression == "none" else record.compression,
        live=live,
    )
    if job.history.begun or not texts:
        return recorder
    recorder.attach("experiment", experiment.file.read_text(encoding="utf-8"))
    recorder.attach("experiment_with_overrides", json.dumps(experiment.values, indent=2))
    for name, described in network.populations.items():
        if described.model is not None:
            recorder.attach(f"model_of_{name}", described.model.source)
    return recorder


def train(
    job: Job,
    recorder: Recorder,
    watch: Watcher,
    after: AfterIteration,
    keeper: Keeper | None = None,
) -> None:
    """All iterations from where the job stands; weights and ledger reach the file even if Ctrl-C
    comes between.

    Args:
        job: its learner changes and its history is filled.
        recorder: an open run file.
        watch: is told after each iteration.
        after: called at the end of each iteration with its number and its trial.
        keeper: keeps the state now and then, and when `watch` ends the run.
    """
    if not job.history.begun:
        recorder.weights("start", job.learner.parameters, _pairs(job))
    try:
        _loop(job, recorder, watch, after, keeper)
    except RunFileError:
        raise  # nothing more can be written, and of two errors the first one tells what happened
    except BaseException:
        _record_end(job, recorder)
        raise
    _record_end(job, recorder)


def _loop(
    job: Job, recorder: Recorder, watch: Watcher, after: AfterIteration, keeper: Keeper | None
) -> None:
    iterations = job.experiment.learning.iterations
    for iteration in range(len(job.history.loss), iterations):
        trial, done = job.task.train(iteration), iteration + 1
        loss = _iterate(job, recorder, iteration, trial, keeper)
        after(iteration, job, trial)
        if keeper is not None:
            keeper.after(done)
        try:
            density = _density(job.learner.connected)
            watch(News(job.label, done, iterations, loss, job.history.score, density))
        except KeyboardInterrupt:
            if keeper is not None:
                keeper.now(done)
            raise


def _record_end(job: Job, recorder: Recorder) -> None:
    recorder.weights("end", job.learner.parameters, _pairs(job))
    recorder.ledger(job.learner.ledger.as_dict())


def _iterate(
    job: Job, recorder: Recorder, iteration: int, trial: Trial, keeper: Keeper | None
) -> float:
    """Learns from one batch, tests if it is time, and records; the loss."""
    history, record, done, score = job.history, job.experiment.record, iteration + 1, None
    if not history.within:
        record_influence(recorder, record.influence, job.learner, iteration, trial, history.clock)
    start = time.process_time() - history.spent

    def spent() -> float:
        return time.process_time() - start

    if history.within == 0:
        history.seen = Seen()
    steps = trial.inputs.shape[1]

    def receive(records: Records) -> None:
        history.seen.add(records.spikes, steps)
        _record(recorder, job, records)

    between = None if keeper is None else pauses(history, job.pace, keeper, spent)
    states = _units(record, job.network)
    result = job.learner.run(
        trial.inputs, trial.targets, record=states, spikes=True, between=between, receive=receive
    )
    history.seconds.append(spent())
    if done % record.test_every == 0 or done == job.experiment.learning.iterations:
        score = _score(job, trial, result)
        history.tests.append((done, score))
    if isinstance(job.task, Curriculum):
        job.task.report(trial, result.predictions)
    history.keep(result, trial, _activity(history.seen.counts, job.network, steps))
    recorder.loss(iteration, result.loss, score)
    return result.loss


def _score(job: Job, trial: Trial, result: Result) -> float:
    """Of a test; or of what was predicted while learning, if that is how the task is scored."""
    if isinstance(job.task, Prequential) and job.task.prequential:
        return job.task.score(result.predictions, trial)
    if job.learner.plastic:
        job.evaluator.follow(job.learner.network)
    return job.evaluator.score(job.task, job.learner.parameters)


def _pairs(job: Job) -> dict[str, Events]:
    """(pre, post) of the synapses of each projection that learns."""
    learned, now = job.learner.parameters, job.learner.projections
    return {name: (p.pre, p.post) for name, p in now.items() if name in learned}


def _density(connected: Mapping[str, float]) -> float | None:
    """Mean over the projections that are rewired; None if there are none."""
    return float(np.mean(list(connected.values()))) if connected else None


def _activity(counts: Mapping[str, int], network: Network, steps: int) -> float:
    units = sum(network.populations[name].n for name in counts)
    return sum(counts.values()) / max(units * steps, 1)


def _units(record: RecordText, network: Network) -> dict[str, np.ndarray]:
    """State that is recorded -> numbers of its units."""
    of = {name: network.populations[name.split(".")[0]].n for name in record.states}
    return {name: np.arange(min(record.units, n)) for name, n in of.items()}


def _record(recorder: Recorder, job: Job, records: Records) -> None:
    """Some steps of the first sequence, which follows the first sequences before it."""
    record, begin = job.experiment.record, job.history.clock
    nothing = np.zeros(0, np.int64), np.zeros(0, np.int64)
    for name in record.spikes:
        when, unit = records.spikes.get(name, nothing)
        recorder.spikes(name, when + begin, unit)
    rows, at = begin + records.first + np.arange(len(records.states)), 0
    if rows.size == 0:
        return
    for name, units in _units(record, job.network).items():
        recorder.state(name, rows, records.states[:, at : at + units.size])
        at += units.size
