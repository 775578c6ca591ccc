"""e-prop's two published tasks: losses digit by digit, and evidence accumulation to a criterion."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from benchmarks.reproductions.study import Case, Row, Study, markdown
from neuro_rtrl.experiment_evaluation import Evaluator
from neuro_rtrl.experiment_text import load_experiment
from neuro_rtrl.experiment_training import make_job

PUBLISHED = {
    "pattern": (
        101.964356999041,
        103.466731126205,
        103.340607074771,
        103.680244037686,
        104.412775748752,
    ),
    "evidence, batch 1": (
        0.741152550006,
        0.740388187700,
        0.665785233177,
        0.663644193322,
        0.729428962844,
    ),
    "evidence, batch 2": (
        0.702163370672,
        0.735555303152,
        0.740354864111,
        0.683882815282,
        0.707841122268,
    ),
}
"""Losses of the first five updates in the test references of the NEST simulator's e-prop models."""

EXPERIMENTS = {
    "pattern": ("eprop_pattern", []),
    "evidence, batch 1": ("eprop_evidence", ["task.batch=1"]),
    "evidence, batch 2": ("eprop_evidence", ["task.batch=2"]),
}
RIGHT, EVERY = 0.95, 5
"""The criterion: so many of 64 held-out sequences right in two tests, one after the other."""
SEEDS, BATCH, MOST = {"small": 1, "full": 5}, 32, 400


def first_losses(label: str) -> Row:
    """Losses of the first five updates beside the published ones."""
    name, settings = EXPERIMENTS[label]
    job = make_job(load_experiment(name, settings), name)
    trials = (job.task.train(iteration) for iteration in range(5))
    losses = [job.learner.run(trial.inputs, trial.targets).loss for trial in trials]
    apart = max(abs(a / b - 1) for a, b in zip(losses, PUBLISHED[label], strict=True))
    return {"losses": losses, "apart": apart}


def to_criterion(seed: int) -> Row:
    """Iterations until the held-out sequences are right; `curve` is (iteration, fraction)."""
    settings = [f"task.batch={BATCH}", f"task.recipe_seed={seed}", f"learning.iterations={MOST}"]
    job = make_job(load_experiment("eprop_evidence", settings), "eprop_evidence")
    evaluator, curve, losses = Evaluator(job.network), [], []
    for iteration in range(1, MOST + 1):
        trial = job.task.train(iteration - 1)
        losses.append(job.learner.run(trial.inputs, trial.targets).loss)
        if iteration % EVERY:
            continue
        curve.append([iteration, evaluator.score(job.task, job.learner.parameters)])
        if min(score for _, score in curve[-2:]) >= RIGHT and len(curve) > 1:
            break
    late = float(np.mean(losses[-EVERY:]))
    met = bool(min(score for _, score in curve[-2:]) >= RIGHT)
    return {
        "iterations": iteration,
        "met": met,
        "score": curve[-1][1],
        "loss": late,
        "curve": curve,
    }


def cases(budget: str) -> Mapping[str, Case]:
    """The published losses, then one training for each seed."""
    wanted: dict[str, Case] = {label: partial(first_losses, label) for label in PUBLISHED}
    for seed in range(1, SEEDS[budget] + 1):
        wanted[f"criterion, seed {seed}"] = partial(to_criterion, seed)
    return wanted


def table(rows: Mapping[str, Row]) -> str:
    """Digits, then trainings."""
    digits, trainings = [], []
    for label, row in rows.items():
        if label in PUBLISHED:
            last, ours = PUBLISHED[label][-1], row["losses"][-1]
            cells = [f"{last:.12g}", f"{ours:.12g}", f"{row['apart']:.0e}"]
            digits.append([label, *cells, f"{row['seconds']:.0f}"])
        else:
            cells = [f"{row['iterations']}", "yes" if row["met"] else "no", f"{row['score']:.2f}"]
            trainings.append([label, *cells, f"{row['loss']:.3f}", f"{row['seconds']:.0f}"])
    head = ["task", "fifth loss, published", "ours", "largest relative difference of five"]
    parts = [markdown([*head, "seconds"], digits)]
    if trainings:
        names = ["evidence", "iterations", "criterion met", "fraction right", "loss", "seconds"]
        parts.append(markdown(names, trainings))
    return "\n\n".join(parts)


STUDY = Study(
    name="eprop",
    title="e-prop: curves and evidence (Bellec et al. 2020; Korcsak-Gorzo et al. 2025)",
    experiments=("eprop_pattern", "eprop_evidence"),
    setting=(
        "100 units, random feedback, a rate term. The losses of the first five updates; then"
        f" evidence accumulation with batches of {BATCH} sequences of 2250 steps, until"
        f" {100 * RIGHT:.0f} % of 64 held-out sequences are right in two tests in a row, a test"
        f" after every {EVERY} iterations, {MOST} iterations at most. One seed in the small budget,"
        " five in the full one."
    ),
    theirs=(
        "The losses are those by which two simulators are compared with the original code. Evidence"
        " accumulation is solved within some hundred iterations of 64 sequences."
    ),
    why=(
        "The losses are the same to rounding. The number of iterations depends on the seed, and"
        " batches are half the size here."
    ),
    cases=cases,
    table=table,
)
