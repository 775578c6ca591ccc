"""The main job, top to bottom: text -> network -> learner -> loop -> recording and pictures."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from neuro_rtrl.contracts import Trial
from neuro_rtrl.experiment_figures import draw_learning_curve, draw_raster
from neuro_rtrl.experiment_interrupt import stoppable
from neuro_rtrl.experiment_sweep import run_sweep
from neuro_rtrl.experiment_text import Experiment, load_experiment
from neuro_rtrl.experiment_training import (
    AfterIteration,
    History,
    Job,
    make_job,
    open_recorder,
    train,
)
from neuro_rtrl.outputs import (
    LEARNING_CURVE,
    RASTER,
    SUMMARY,
    News,
    Watcher,
    peak_bytes,
    run_folder,
    write_json,
)


def run_experiment(
    name: str | Path,
    *,
    out: str | Path | None = None,
    seed: int | None = None,
    overrides: Iterable[str] = (),
    rule: str | None = None,
    force: bool = False,
    progress: Watcher | None = None,
) -> dict[str, Any]:
    """Trains what an experiment's text describes; a sweep runs once for each of its points.

    Args:
        name: a shipped experiment, or the path of a `.toml` file.
        out: folder of the results; `runs/NAME` by default.
        seed: of every random draw, instead of the text's.
        overrides: `section.key=value` each, put in place of the text's values.
        rule: name of the learning rule, instead of the text's.
        force: replace a run that is in the folder.
        progress: called with the news of each iteration.

    Returns:
        What `summary.json` holds. Ctrl-C ends the run early: `interrupted` is true then.

    Raises:
        DescriptionError: something in the text or in an override is wrong.
        RunFileError: the folder holds a run, or a file cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     summary = run_experiment("spiral", out=folder, overrides=["learning.iterations=1"])
    >>> summary["rule"], summary["iterations"]
    ('rtrl', 1)
    """
    settings = list(overrides)
    settings += [] if seed is None else [f"network.seed={seed}"]
    settings += [] if rule is None else [f"learning.rule={rule}"]
    experiment = load_experiment(name, settings)
    folder = run_folder(Path("runs") / experiment.name if out is None else Path(out), force)
    if experiment.points:
        return run_sweep(experiment, folder, progress or _nobody, run_single, force)
    return run_single(experiment, folder, experiment.name, progress or _nobody, _nothing)[0]


def run_single(
    experiment: Experiment, folder: Path, label: str, watch: Watcher, after: AfterIteration
) -> tuple[dict[str, Any], History]:
    """One run in one folder: what its `summary.json` holds, and its history."""
    start = time.perf_counter()
    job = make_job(experiment, label)
    try:
        with stoppable(watch) as watch_and_stop, open_recorder(job, folder) as recorder:
            train(job, recorder, watch_and_stop, after)
    except KeyboardInterrupt:
        job.history.interrupted = True
    summary = summarise(job, folder, time.perf_counter() - start)
    write_json(folder / SUMMARY, summary)
    draw_learning_curve(folder / LEARNING_CURVE, label, job.history.loss, job.history.tests)
    if job.history.last:
        sizes = {name: population.n for name, population in job.network.populations.items()}
        draw_raster(folder / RASTER, label, job.history.last_steps(sizes))
    return summary, job.history


def summarise(job: Job, folder: Path, seconds: float) -> dict[str, Any]:
    """The figures of a run; `loss` and `score` are the last ones, None if there were none."""
    ledger, history, experiment = job.learner.ledger, job.history, job.experiment
    return {
        "experiment": experiment.name,
        "rule": experiment.learning.rule,
        "seed": experiment.seed,
        "iterations": len(history.loss),
        "steps": history.steps,
        "loss": history.loss[-1] if history.loss else None,
        "score": history.score,
        "seconds": seconds,
        "peak_bytes": peak_bytes(),
        "multiply_adds": ledger.multiply_adds,
        "densities": ledger.densities,
        "ledger": ledger.as_dict(),
        "interrupted": history.interrupted,
        "out": str(folder),
    }


def _nobody(news: News) -> None:
    """The watcher of a run that nobody watches."""


def _nothing(iteration: int, job: Job, trial: Trial) -> None:
    """What a single run does besides learning."""
