"""The main job, top to bottom: text -> network -> learner -> loop -> recording and pictures."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from neuro_rtrl.contracts import Trial
from neuro_rtrl.engine import checkpoint
from neuro_rtrl.engine.parts import join
from neuro_rtrl.errors import SimulationError, enough_memory
from neuro_rtrl.experiment_figures import draw_learning_curve, draw_raster
from neuro_rtrl.experiment_history import History
from neuro_rtrl.experiment_interrupt import stoppable
from neuro_rtrl.experiment_keeping import (
    How,
    Keeper,
    Keeping,
    go_on,
    keep_description,
    nothing_to_resume,
    with_place,
)
from neuro_rtrl.experiment_kept import choose, kept_experiment
from neuro_rtrl.experiment_memory import check_influence
from neuro_rtrl.experiment_sweep import run_sweep
from neuro_rtrl.experiment_text import Experiment, load_experiment
from neuro_rtrl.experiment_training import (
    AfterIteration,
    Job,
    make_job,
    open_recorder,
    train,
)
from neuro_rtrl.experiment_watch import Watch
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
from neuro_rtrl.outputs_lock import locked


def run_experiment(
    name: str | Path,
    *,
    out: str | Path | None = None,
    seed: int | None = None,
    overrides: Iterable[str] = (),
    rule: str | None = None,
    force: bool = False,
    progress: Watcher | None = None,
    checkpoint_every: int | None = None,
    checkpoint_minutes: float | None = 10.0,
    checkpoint_steps: int | None = None,
    resume: bool = False,
    live: bool = False,
    max_memory: str | None = None,
) -> dict[str, Any]:
    """Trains what an experiment's text describes; a sweep runs once for each of its points.

    Args:
        name: a shipped experiment, or the path of a `.toml` file; with `resume` and without `out`
            the folder of a run.
        out: folder of the results; `runs/NAME` by default.
        seed: of every random draw, instead of the text's.
        overrides: `section.key=value` each, put in place of the text's values.
        rule: name of the learning rule, instead of the text's.
        force: replace a run that is in the folder.
        progress: called with the news of each iteration.
        checkpoint_every: iterations between two checkpoints; None: only by the clock.
        checkpoint_minutes: between two checkpoints; None: only by iterations or steps.
        checkpoint_steps: steps, of all sequences together, between two; None: only by the others.
        resume: go on with the run in the folder, from its last checkpoint; what the text and the
            overrides say was settled when it began.
        max_memory: of network and influence matrix, such as "8 GiB"; instead of the text's.
        live: other processes may read `run.h5` while it is written (HDF5's SWMR).

    Returns:
        What `summary.json` holds. Ctrl-C (and SIGTERM) ends the run early, with a checkpoint:
        `interrupted` is true then.

    Raises:
        DescriptionError: something in the text or in an override is wrong.
        RunFileError: the folder holds a run, another one is going on there, there is nothing to
            go on from, or a file cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     summary = run_experiment("spiral", out=folder, overrides=["learning.iterations=1"])
    >>> summary["rule"], summary["iterations"]
    ('rtrl', 1)
    """
    keeping = Keeping(checkpoint_every, checkpoint_minutes, checkpoint_steps)
    how = How(keeping, force, resume, live)
    watch = progress or _nobody
    if resume:
        return resume_run(Path(name if out is None else out), watch, how)
    settings = list(overrides)
    settings += [] if seed is None else [f"network.seed={seed}"]
    settings += [] if rule is None else [f"learning.rule={rule}"]
    settings += [] if max_memory is None else [f"network.max_memory='{max_memory}'"]
    experiment = load_experiment(name, settings)
    folder = Path("runs") / experiment.name if out is None else Path(out)
    with locked(folder), enough_memory(experiment.name):
        if not experiment.points:
            return run_single(experiment, folder, experiment.name, watch, _nothing, how)[0]
        keep_description(run_folder(folder, force), experiment)
        return run_sweep(experiment, folder, watch, run_single, how)


def resume_run(folder: Path, watch: Watcher, how: How) -> dict[str, Any]:
    """Goes on with the run, or the sweep, in a folder.

    Raises:
        RunFileError: there is nothing to go on from.
    """
    if not folder.is_dir():
        raise nothing_to_resume(folder)
    with locked(folder), enough_memory(folder):
        found = choose(folder)
        if found is None:
            raise nothing_to_resume(folder)
        experiment = kept_experiment(found)
        if experiment.points:
            return run_sweep(experiment, folder, watch, run_single, how)
        return run_single(experiment, folder, experiment.name, watch, _nothing, how)[0]


def run_single(
    experiment: Experiment,
    folder: Path,
    label: str,
    watch: Watcher,
    after: AfterIteration,
    how: How,
) -> tuple[dict[str, Any], History]:
    """One run in one folder: what its `summary.json` holds, and its history."""
    begun = time.perf_counter()
    found = choose(folder) if how.resume else None
    if found is None:
        run_folder(folder, how.force or how.resume)
    job = make_job(experiment, label)
    check_influence(job)
    recorded = None if found is None else go_on(job, folder, found)
    try:
        with (
            enough_memory(label),
            stoppable(watch) as watch_and_stop,
            open_recorder(job, folder, how.live) as recorder,
        ):
            keeper = Keeper(job, recorder, folder, how.keeping, begun, watch_and_stop.check)
            keeper.begin(recorded)
            train(job, recorder, watch_and_stop, Watch(after), keeper)
    except KeyboardInterrupt as error:
        job.history.interrupted = str(error) or "SIGINT"
    except SimulationError as error:
        raise with_place(error, job, folder) from error
    join(folder, recorder.rows)
    summary = summarise(job, folder, job.history.elapsed + time.perf_counter() - keeper.begun)
    write_json(folder / SUMMARY, summary)
    draw_learning_curve(folder / LEARNING_CURVE, label, job.history.loss, job.history.tests)
    if job.history.last:
        sizes = {name: population.n for name, population in job.network.populations.items()}
        draw_raster(folder / RASTER, label, job.history.last_steps(sizes))
    if not (job.history.interrupted or how.keeping.last):
        checkpoint.remove(folder)
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
        **({"connected": job.learner.connected} if job.learner.plastic else {}),
        "ledger": ledger.as_dict(),
        "interrupted": bool(history.interrupted),
        "signal": history.interrupted,
        "out": str(folder),
    }


def _nobody(news: News) -> None:
    """The watcher of a run that nobody watches."""


def _nothing(iteration: int, job: Job, trial: Trial) -> None:
    """What a single run does besides learning."""
