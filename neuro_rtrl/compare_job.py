"""One job of a comparison: one rule, one seed. It runs in a worker, on plain values alone."""

from __future__ import annotations

import dataclasses
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neuro_rtrl.compare_board import Board, Poster, StoppedError
from neuro_rtrl.compare_gradient import FIGURES, Probe, mean
from neuro_rtrl.contracts import Rule, Trial
from neuro_rtrl.engine.provenance import collect
from neuro_rtrl.engine.recorder import Recorder
from neuro_rtrl.errors import NeuroRtrlError, shorten
from neuro_rtrl.experiment_text import Experiment, check_experiment
from neuro_rtrl.experiment_training import Job as Training
from neuro_rtrl.experiment_training import make_job, train
from neuro_rtrl.outputs import RUN_FILE, peak_bytes

LONGEST = 400
"""Letters of a fault's message that a row keeps."""

LAST = 10
"""The loss of a run is the mean over the last 1/LAST of its iterations."""


@dataclass(frozen=True)
class Job:
    """What a worker is told.

    Attributes:
        name: the rule's name.
        rule: the same, or a rule as a value (it has to be picklable to reach another process).
        values: the experiment's text, with rule and seed put in.
        file: where the text came from: models may lie beside it.
        probes: how often the gradient is compared, the start included; 0: not at all.
        reference: name of the exact rule.
        board: folder for news, or None.
    """

    name: str
    rule: str | Rule
    seed: int
    values: Mapping[str, Any]
    file: str
    probes: int
    reference: str
    board: str | None

    @property
    def label(self) -> str:
        """For people."""
        return f"{self.name}, seed {self.seed}"

    @property
    def key(self) -> str:
        """For files.

        >>> Job("snap-2", "snap-2", 3, {}, "a.toml", 0, "rtrl", None).key
        'snap-2_seed3'
        """
        return f"{re.sub(r'[^0-9A-Za-z.-]+', '_', self.name)}_seed{self.seed}"


def run_job(job: Job) -> dict[str, Any]:
    """Trains, compares gradients on the way, and returns the job's row.

    Whatever goes wrong with a rule is its row's `error`; a job that was asked to stop has
    `stopped` set instead.
    """
    try:
        return _measure(job)
    except StoppedError:
        return failed(job, "stopped") | {"stopped": True}
    except NeuroRtrlError as error:
        return failed(job, str(error))
    except Exception as error:  # a fault in one rule's code must not end the other rules' jobs
        return failed(job, f"{type(error).__name__}: {shorten(error, LONGEST)}")


def failed(job: Job, error: str) -> dict[str, Any]:
    """The row of a job that has no result."""
    empty = dict.fromkeys(("loss", "score", *FIGURES, "multiply_adds", "multiply_adds_per_step"))
    more = dict.fromkeys(("seconds", "peak_bytes", "resident_bytes", "live_entries"))
    counts = {"iterations": 0, "steps": 0}
    head = {"rule": job.name, "seed": job.seed}
    return {**head, **empty, **more, **counts, "error": error, "probes": [], "curve": []}


def _measure(job: Job) -> dict[str, Any]:
    experiment = check_experiment(dict(job.values), Path(job.file))
    # Traces belong to `neuro-rtrl run`; here they would be computed for nothing.
    record = dataclasses.replace(experiment.record, spikes=(), states=())
    experiment = dataclasses.replace(experiment, record=record)
    training = make_job(experiment, job.label, job.rule)
    probes = _Probes(job, experiment)
    probes.before(training)
    board = None if job.board is None else Board(Path(job.board))
    # The run file holds nothing that the row does not say, and workers may be on other machines.
    with tempfile.TemporaryDirectory() as folder, _recorder(experiment, folder) as recorder:
        train(training, recorder, Poster(board, job.key), probes)
    return _row(job, training, probes)


def _recorder(experiment: Experiment, folder: str) -> Recorder:
    return Recorder(
        Path(folder) / RUN_FILE, provenance=collect(experiment.seed), populations={}, dt=1.0
    )


@dataclass
class _Probes:
    """Compares gradients at a few points of a run, and keeps their cost out of its figures."""

    job: Job
    experiment: Experiment
    at: set[int] = field(default_factory=set)
    rows: list[dict[str, Any]] = field(default_factory=list)
    multiply_adds: int = 0
    entries: float = 0.0
    steps: int = 0

    def __post_init__(self) -> None:
        iterations = self.experiment.learning.iterations
        self.at = {round(i) for i in np.linspace(0, iterations, self.job.probes)}
        self._probe = Probe(self.experiment, self.job.reference) if self.at else None

    def before(self, training: Training) -> None:
        """At the initial weights."""
        self._compare(0, training)

    def __call__(self, iteration: int, training: Training, trial: Trial) -> None:
        """After an iteration."""
        self._compare(iteration + 1, training)

    def _compare(self, done: int, training: Training) -> None:
        if self._probe is None or done not in self.at:
            return
        before = training.learner.ledger
        figures = self._probe.measure(training.learner, training.task, done)
        after = training.learner.ledger
        self.multiply_adds += after.multiply_adds - before.multiply_adds
        self.entries += after.live_entries * after.steps - before.live_entries * before.steps
        self.steps += after.steps - before.steps
        self.rows.append({"iteration": done, **figures})


def _row(job: Job, training: Training, probes: _Probes) -> dict[str, Any]:
    ledger, history = training.learner.ledger, training.history
    multiply_adds = ledger.multiply_adds - probes.multiply_adds
    steps = ledger.steps - probes.steps
    entries = ledger.live_entries * ledger.steps - probes.entries
    last = history.loss[-max(1, len(history.loss) // LAST) :]
    return {
        "rule": job.name,
        "seed": job.seed,
        "loss": float(np.mean(last)),
        "score": history.score,
        **{key: mean([row[key] for row in probes.rows]) for key in FIGURES},
        "multiply_adds": multiply_adds,
        "multiply_adds_per_step": multiply_adds / max(history.steps, 1),
        "seconds": history.learning_seconds(),
        "peak_bytes": ledger.influence_bytes,
        "resident_bytes": peak_bytes(),
        "live_entries": entries / max(steps, 1),
        "iterations": len(history.loss),
        "steps": history.steps,
        "error": None,
        "probes": probes.rows,
        "curve": [float(value) for value in history.loss],
    }


def workers_here() -> int:
    """Processor cores that this process may use."""
    if "sched_getaffinity" in dir(os):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
