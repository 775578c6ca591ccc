"""Runs an experiment again from what its file says, and compares the two bit for bit."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from neuro_rtrl.contracts import Trial
from neuro_rtrl.engine.layout import INFLUENCE
from neuro_rtrl.engine.provenance import LIBRARIES, version
from neuro_rtrl.engine.run_file import RunFile, open_run
from neuro_rtrl.errors import DescriptionError, RunFileError
from neuro_rtrl.experiment_text import Experiment, check_experiment
from neuro_rtrl.experiment_training import Job, make_job, open_recorder, train
from neuro_rtrl.outputs import News, Watcher

TEXT = "experiment_with_overrides"
SHOWN = 20
"""Differences that are told, at most."""


def verify_run(path: Path, watch: Watcher) -> dict[str, Any]:
    """Runs again what a run file describes, and compares.

    Args:
        path: a run file, or the folder of a run; of one that was interrupted, what there is.
        watch: is told after each iteration.

    Returns:
        `identical`; `differences`, each with table, row and both values, the first of each table;
        `iterations` that were compared; `versions` that are others now.

    Raises:
        RunFileError: the file cannot be read, or does not say what was run.
    """
    with open_run(path) as run, tempfile.TemporaryDirectory() as folder:
        experiment, iterations = _described(run), len(run.loss)
        if iterations == 0:
            raise RunFileError(
                "there is nothing to compare",
                where=str(run.path),
                given="no iteration",
                expected="a run that got further",
            )
        job = make_job(experiment, experiment.name)
        _check_models(run, job)
        _again(job, Path(folder), iterations, watch)
        with open_run(folder) as again:
            found = list(differences(run, again))
        changed = changed_versions(run)
    return {
        "identical": not found,
        "iterations": iterations,
        "versions": changed or "the same",
        "differences": found[:SHOWN],
    }


def differences(one: RunFile, other: RunFile) -> Iterator[str]:
    """Where two runs part: a line for each table that differs."""
    yield from _differ("loss", *({"loss": r.loss, "score": r.score} for r in (one, other)))
    for name in one.populations:
        spikes = [
            {"step": run.spikes(name).step, "unit": run.spikes(name).i} for run in (one, other)
        ]
        yield from _differ(f"spikes/{name}", *spikes)
    for name in one.states:
        yield from _differ(f"states/{name}", *(run.state(name)._asdict() for run in (one, other)))
    for name in one.influences:
        looked = [{n: getattr(run.influence(name), n) for n in INFLUENCE} for run in (one, other)]
        yield from _differ(f"influence/{name}", *looked)
    for when in one.kept_weights:
        yield from _differ(f"weights/{when}", one.weights(when), other.weights(when))
    yield from _differ("ledger", _flat(one.ledger), _flat(other.ledger))


def _differ(table: str, one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> Iterator[str]:
    for name, a in one.items():
        b = other.get(name, np.zeros(0))
        if np.array_equal(a, b, equal_nan=a.dtype.kind == "f"):
            continue
        if a.shape != b.shape:
            yield f"{table}/{name}: shape {a.shape}, now {b.shape}"
            continue
        row = int(np.flatnonzero(((a != b) & ~((a != a) & (b != b))).reshape(len(a), -1).any(1))[0])
        yield f"{table}/{name}: first in row {row}: {a[row]}, now {b[row]}"


def _flat(counts: dict[str, Any], before: str = "") -> dict[str, np.ndarray]:
    made: dict[str, np.ndarray] = {}
    for name, value in counts.items():
        if isinstance(value, dict):
            made |= _flat(value, f"{before}{name}.")
        else:
            made[f"{before}{name}"] = np.atleast_1d(value)
    return made


def _described(run: RunFile) -> Experiment:
    if TEXT not in run.texts:
        raise RunFileError(
            "the file does not say what was run",
            where=f"{run.path}: provenance/{TEXT}",
            given="no such text",
            expected="a file that `neuro-rtrl run` wrote",
        )
    with reading_text(run, TEXT, "an experiment"):
        values = json.loads(run.texts[TEXT])
        values.pop("sweep", None)
        return check_experiment(values, Path(f"{run.provenance.get('experiment', 'run')}.toml"))


@contextmanager
def reading_text(run: RunFile, name: str, what: str) -> Iterator[None]:
    """Says where in a run file the text stands, `what` as JSON, if it is none."""
    place = f"{run.path}: provenance/{name}"
    try:
        yield
    except DescriptionError as error:
        raise error.at(place) from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise RunFileError(
            "the text cannot be read", where=place, given=error, expected=f"{what} as JSON"
        ) from error


def _check_models(run: RunFile, job: Job) -> None:
    for name, population in job.network.populations.items():
        before = run.texts.get(f"model_of_{name}")
        if population.model is not None and before not in (None, population.model.source):
            raise RunFileError(
                "a model is another one now",
                where=f"{run.path}: provenance/model_of_{name}",
                given=f"another text of '{population.model.name}'",
                expected="the text that was run",
                remedy="Bring the model's text back; the file of the run holds it.",
            )


class _EnoughError(Exception):
    """As many iterations are done as there are to compare."""


def _again(job: Job, folder: Path, iterations: int, watch: Watcher) -> None:
    """The same iterations, into `run.h5` of another folder."""

    def stop(news: News) -> None:
        watch(news)
        if news.done == iterations:
            raise _EnoughError

    with suppress(_EnoughError), open_recorder(job, folder, texts=False) as recorder:
        train(job, recorder, stop, _nothing)


def _nothing(iteration: int, job: Job, trial: Trial) -> None:
    """What is done besides learning."""


def changed_versions(run: RunFile) -> str:
    """Which libraries are others now."""
    now = {name: version(name) for name in LIBRARIES}
    before = {name: str(run.provenance.get(name, "")) for name in now}
    return ", ".join(f"{n} {before[n]}, now {now[n]}" for n in now if now[n] != before[n])
