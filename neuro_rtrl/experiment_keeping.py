"""Keeps the state of a run now and then, and goes on from it (`docs/hdf5.md`, checkpoints).

A checkpoint is taken between two iterations, or in a pause of one (experiment_pauses.py). The file
of the run is closed first and gets a name of its own, so that what has been recorded until then is
never written again; then the state of everything that changes is written beside it. Going on, the
parts of the file are cut back to what was there at the checkpoint, and the loop runs on from there.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuro_rtrl.contracts import Curriculum, Recorded
from neuro_rtrl.engine import checkpoint
from neuro_rtrl.engine.opening import next_part
from neuro_rtrl.engine.parts import cut_back, merge
from neuro_rtrl.engine.provenance import LIBRARIES, version
from neuro_rtrl.engine.recorder import Recorder
from neuro_rtrl.engine.snapshot import Snapshot, put_back, take
from neuro_rtrl.engine.stream import NEVER
from neuro_rtrl.errors import NeuroRtrlWarning, RunFileError, SimulationError
from neuro_rtrl.experiment_kept import begun, recorded, said
from neuro_rtrl.experiment_text import Experiment
from neuro_rtrl.experiment_training import Job


class VersionWarning(NeuroRtrlWarning):
    """A run goes on with other versions than it began with: its numbers may differ."""


@dataclass(frozen=True)
class Keeping:
    """When the state of a run is kept; it always is when a signal ends the run.

    Attributes:
        every: iterations between two checkpoints; None: only by the clock.
        minutes: between two checkpoints; None: not by the clock.
        steps: of all sequences together, between two checkpoints; None: not by steps.
        last: whether there is one at the end of the run, too.
    """

    every: int | None = None
    minutes: float | None = 10.0
    steps: int | None = None
    last: bool = False


@dataclass(frozen=True)
class How:
    """What a user says about the folder of a run.

    Attributes:
        keeping: when the state is kept.
        force: replace a run that is there.
        resume: go on with it.
        live: others may read the file while it is written.
    """

    keeping: Keeping = Keeping()
    force: bool = False
    resume: bool = False
    live: bool = False


@dataclass
class Keeper:
    """Writes the checkpoints of one run."""

    job: Job
    recorder: Recorder
    folder: Path
    keeping: Keeping
    begun: float
    stop: Callable[[], None]

    def __post_init__(self) -> None:
        self._note()

    def _note(self) -> None:
        history = self.job.history
        self._kept = len(history.loss), history.within
        self._steps, self._when = history.steps + history.within, time.monotonic()

    def begin(self, recorded: Mapping[str, Any] | None) -> None:
        """Goes on from what was recorded, or keeps where the run begins."""
        if recorded is not None:
            self.recorder.rows |= recorded["rows"]
            self.recorder.last |= recorded["last"]
        elif self._kept == (0, 0):
            checkpoint.write(self.folder, 0, take(_root(self.job, self.recorder)))

    @property
    def left(self) -> int:
        """Steps until the next checkpoint."""
        history, steps = self.job.history, self.keeping.steps
        done = history.steps + history.within - self._steps
        return NEVER if steps is None else steps - done

    @property
    def _late(self) -> bool:
        minutes = self.keeping.minutes
        clock = minutes is not None and time.monotonic() - self._when >= 60 * minutes
        return clock or self.left <= 0

    def after(self, done: int) -> None:
        """Keeps, if it is time."""
        every = self.keeping.every
        end = done == self.job.experiment.learning.iterations
        due = self._late or (every is not None and done % every == 0)
        if self.keeping.last if end else due:
            self.now(done)

    def within(self) -> None:
        """Keeps in a pause of an iteration, if it is time or the run is to end."""
        done = len(self.job.history.loss)
        try:
            self.stop()
        except KeyboardInterrupt:
            self.now(done)
            raise
        if self._late:
            self.now(done)

    def now(self, done: int) -> None:
        """Keeps what is there after `done` iterations, and what is done of the next."""
        history = self.job.history
        if (done, history.within) == self._kept:
            return
        self.recorder.rotate(next_part(self.folder))
        merge(self.folder)
        now = time.perf_counter()
        history.elapsed, self.begun = history.elapsed + now - self.begun, now
        root = _root(self.job, self.recorder)
        checkpoint.write(self.folder, done, take(root), within=history.within)
        self._note()


def _root(job: Job, recorder: Recorder) -> dict[str, Any]:
    """All that a run is, and all of it that changes."""
    return {
        "experiment": _described(job.experiment),
        "made_with": json.dumps(made_with(job)),
        "recorder": json.dumps(
            {"rows": recorder.rows, "last": recorder.last, "begun": job.history.begun}
        ),
        "learner": job.learner,
        "evaluator": job.evaluator,
        "history": job.history,
        "task": job.task if isinstance(job.task, Curriculum) else None,
    }


def made_with(job: Job) -> dict[str, str]:
    """What a run depends on besides its text: versions, models, recorded data."""
    versions = {name: version(name) for name in ("neuro_rtrl", *LIBRARIES)}
    models = {
        f"model of {name}": p.model.source for name, p in job.network.populations.items() if p.model
    }
    data = job.task.origin if isinstance(job.task, Recorded) else {}
    return {**versions, **models, **{f"{key} of the task": text for key, text in data.items()}}


def _described(experiment: Experiment) -> str:
    return json.dumps({"file": str(experiment.file.resolve()), "values": experiment.values})


def keep_description(folder: Path, experiment: Experiment) -> None:
    """Keeps what a sweep is described by, so that it can be gone on with."""
    nothing = json.dumps({"rows": {}, "last": {}})
    checkpoint.write(folder, 0, take({"experiment": _described(experiment), "recorder": nothing}))


def go_on(job: Job, folder: Path, found: Snapshot) -> dict[str, Any]:
    """Brings a job, and the files in its folder, to where a checkpoint was taken.

    Returns:
        The recorder's rows and last steps.

    Raises:
        RunFileError: the checkpoint is of another run, or a file cannot be written.
    """
    _compare(said(found, "made_with"), made_with(job), folder)
    kept = recorded(found)
    cut_back(folder, kept["rows"], begun=begun(found))
    if begun(found):
        job.learner.make_ready(found, "/learner/_session")
        put_back(
            {
                **dict.fromkeys(("experiment", "made_with", "recorder"), ""),
                "learner": job.learner,
                "evaluator": job.evaluator,
                "history": job.history,
                "task": job.task if isinstance(job.task, Curriculum) else None,
            },
            found,
        )
        job.history.interrupted = ""
    return kept


def _compare(before: Mapping[str, str], now: Mapping[str, str], folder: Path) -> None:
    """Refuses other models or data; other versions are warned of."""
    changed = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    versions = [name for name in changed if name in ("neuro_rtrl", *LIBRARIES)]
    if set(changed) - set(versions):
        raise RunFileError(
            "the run was begun with other models or data",
            where=str(folder),
            given=", ".join(sorted(set(changed) - set(versions))),
            expected="those that it was begun with",
            remedy="Bring them back, or start again with --force.",
        )
    if versions:
        text = ", ".join(f"{n} {before.get(n)}, now {now.get(n)}" for n in versions)
        warnings.warn(f"{folder}: begun with {text}.", VersionWarning, stacklevel=3)


def nothing_to_resume(folder: Path) -> RunFileError:
    """The error for a folder without any checkpoint."""
    return RunFileError(
        "there is no run to go on with",
        where=str(folder),
        given="no checkpoint",
        expected="the folder of a run that was interrupted",
        remedy="A run that has ended keeps none; start a new one without --resume.",
    )


def with_place(error: SimulationError, job: Job, folder: Path) -> SimulationError:
    """The same error with the iteration, and the last checkpoint from before it."""
    kept = checkpoint.numbered(folder)
    said = f" The last good checkpoint is {kept[-1]}." if kept else ""
    return SimulationError(
        error.problem,
        where=f"{job.label}: iteration {len(job.history.loss)}: {error.where}",
        given=error.given,
        expected=error.expected,
        remedy=f"{error.remedy}{said}",
    )
