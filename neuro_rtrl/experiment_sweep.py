"""A sweep: one run for each point, then a table and pictures that compare them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from neuro_rtrl.contracts import Trial
from neuro_rtrl.engine import checkpoint
from neuro_rtrl.experiment_density import Counter
from neuro_rtrl.experiment_figures import Curve, draw_cost, draw_sweep
from neuro_rtrl.experiment_history import History
from neuro_rtrl.experiment_keeping import How
from neuro_rtrl.experiment_text import Experiment, SweepPoint, at_point
from neuro_rtrl.experiment_training import AfterIteration, Job
from neuro_rtrl.outputs import SUMMARY, Watcher, peak_bytes, write_json

COUNT_EVERY = 50
"""Iterations between two counts of the influence matrix; linear in between."""
COUNTED_SEQUENCES = 8
ENOUGH = 0.99
"""The score whose first iteration is reported."""

RunSingle = Callable[
    [Experiment, Path, str, Watcher, AfterIteration, How], tuple[dict[str, Any], History]
]


def run_sweep(
    experiment: Experiment, folder: Path, watch: Watcher, run_single: RunSingle, how: How
) -> dict[str, Any]:
    """Runs every point into a folder of its own and compares them.

    Args:
        experiment: a text with `points`.
        folder: gets `summary.json`, pictures and one folder for each point.
        watch: is told after each iteration of each run.
        run_single: makes one run.
        how: what to do with runs that are in the points' folders.

    Returns:
        What `summary.json` holds: totals, and under `points` one row for each finished run.
    """
    rows: list[dict[str, Any]] = []
    curves: list[Curve] = []
    interrupted = ""
    # Points that are done keep their last checkpoint: a sweep that goes on asks for their history.
    how = replace(how, keeping=replace(how.keeping, last=True))
    places = [folder / re.sub(r"[^\w.-]+", "_", _label(point)) for point in experiment.points]
    for point, place in zip(experiment.points, places, strict=True):
        text, label = at_point(experiment, point), _label(point)
        summary, history = run_single(text, place, label, watch, _Counts(), how)
        interrupted = summary["signal"]
        if interrupted:
            break
        curves.append(_curve(experiment, point, history, _density(history)))
        rows.append(_row(point, summary, history, curves[-1]))
    costs = {
        "multiply-adds": [row["multiply_adds"] for row in rows],
        "seconds of learning": [row["seconds"] for row in rows],
    }
    files = draw_sweep(folder, curves) + draw_cost(folder, curves, costs) if rows else []
    summary = _summary(experiment, rows, interrupted, files, folder)
    write_json(folder / SUMMARY, summary)
    if not interrupted:
        for place in (*places, folder):
            checkpoint.remove(place)
    return summary


class _Counts:
    """Counts the influence matrix now and then during one run."""

    def __init__(self) -> None:
        self._counter: Counter | None = None

    def __call__(self, iteration: int, job: Job, trial: Trial) -> None:
        if iteration % COUNT_EVERY and iteration + 1 != job.experiment.learning.iterations:
            return
        if self._counter is None or job.learner.plastic:
            self._counter = Counter(job.learner.network)
        inputs = trial.inputs[:COUNTED_SEQUENCES]
        found = self._counter.density(inputs, job.learner.parameters)
        job.history.counted.append((iteration, found))


def _density(history: History) -> np.ndarray:
    """Density of each iteration, (iterations,)."""
    at, counted = zip(*history.counted, strict=True)
    return np.interp(np.arange(len(history.loss)), at, counted)


def _label(point: SweepPoint) -> str:
    return ", ".join(f"{axis} {label}" for axis, label in point.labels.items())


def _curve(
    experiment: Experiment, point: SweepPoint, history: History, density: np.ndarray
) -> Curve:
    """Colour by the first axis, dashes by the others."""
    first, *others = point.labels.items()
    names = [
        list(dict.fromkeys(p.labels[axis] for p in experiment.points)) for axis in point.labels
    ]
    dash = sum(labels.index(label) for labels, (_, label) in zip(names[1:], others, strict=True))
    return Curve(
        label=_label(point),
        loss=np.array(history.loss),
        density=density,
        activity=np.array(history.activity),
        colour=names[0].index(first[1]),
        dash=dash,
    )


def _row(
    point: SweepPoint, summary: Mapping[str, Any], history: History, curve: Curve
) -> dict[str, Any]:
    """One line of the table; `seconds` are those of learning alone (see `History`)."""
    enough = [done for done, score in history.tests if score >= ENOUGH]
    return {
        "label": curve.label,
        **point.labels,
        "score": summary["score"],
        "loss": summary["loss"],
        "iterations": summary["iterations"],
        "steps": summary["steps"],
        "iterations_to_99": enough[0] if enough else None,
        "activity_sparsity": float(1 - curve.activity.mean()),
        "density": float(curve.density.mean()),
        "compute_adjusted_iterations": float(curve.density.sum()),
        "multiply_adds": summary["multiply_adds"],
        "seconds": history.learning_seconds(),
        "densities": summary["densities"],
        "connected": summary.get("connected"),
        "loss_curve": [float(value) for value in history.loss],
    }


def _summary(
    experiment: Experiment,
    rows: Sequence[Mapping[str, Any]],
    interrupted: str,
    files: list[str],
    folder: Path,
) -> dict[str, Any]:
    """Totals over the points; `loss`, `score` and `densities` are means."""

    def mean(key: str) -> float | None:
        values = [row[key] for row in rows if row[key] is not None]
        return float(np.mean(values)) if values else None

    return {
        "experiment": experiment.name,
        "rule": experiment.learning.rule,
        "seed": experiment.seed,
        "axes": list(experiment.points[0].labels),
        "steps": sum(row["steps"] for row in rows),
        "loss": mean("loss"),
        "score": mean("score"),
        "seconds": sum(row["seconds"] for row in rows),
        "peak_bytes": peak_bytes(),
        "multiply_adds": sum(row["multiply_adds"] for row in rows),
        "densities": {
            key: float(np.mean([row["densities"][key] for row in rows])) if rows else None
            for key in ("rows", "columns", "mask")
        },
        "points": list(rows),
        "pictures": files,
        "interrupted": bool(interrupted),
        "signal": interrupted,
        "out": str(folder),
    }
