"""Influence balancing (Tallec & Ollivier 2018): short windows have the wrong sign."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from benchmarks.reproductions.study import Case, Row, Study, markdown
from benchmarks.reproductions.training import trained

WINDOWS = (1, 2, 5, 10, 200)
STEPS = {"small": 20_000, "full": 100_000}
AT_REST = 8.0  # half of (y - 1)^2 at y = -3, where theta = 1/2 leads


def learn(rule: str, update: str, steps: int) -> Row:
    """Half the squared error at the end and in the middle of the course, and theta."""
    settings = [f"learning.rule={rule}", f"learning.update={update}", f"task.steps={steps}"]
    found = trained("influence_balancing", settings)
    if found.diverged:
        return {"loss": None, "theta": None}
    loss = found.steps[0]
    theta = found.job.learner.parameters["theta"]
    return {"loss": float(np.mean(loss[-steps // 100 :])), "theta": float(theta[0])}


def cases(budget: str) -> Mapping[str, Case]:
    """RTRL, UORO, and windows of 1 to 200 steps."""
    steps = STEPS[budget]
    rows: dict[str, Case] = {rule: partial(learn, rule, "step", steps) for rule in ("rtrl", "uoro")}
    return rows | {f"tbptt-{k}": partial(learn, f"tbptt-{k}", str(k), steps) for k in WINDOWS}


def table(rows: Mapping[str, Row]) -> str:
    """Loss, theta and what became of it."""
    body = []
    for rule, row in rows.items():
        loss, theta = row["loss"], row["theta"]
        numbers = ["", ""] if loss is None else [f"{loss:.2g}", f"{theta:.4g}"]
        body.append([f"`{rule}`", *numbers, verdict(loss), f"{row['seconds']:.0f}"])
    return markdown(["rule", "loss at the end", "theta", "", "seconds"], body)


def verdict(loss: float | None) -> str:
    """What a loss at the end means.

    >>> verdict(1e-9), verdict(8.0), verdict(1e6)
    ('converges', 'does not move', 'diverges')
    """
    if loss is None or loss > 1.01 * AT_REST:
        return "diverges"
    if loss > 0.99 * AT_REST:
        return "does not move"
    return "converges" if loss < 0.01 else "on its way"


STUDY = Study(
    name="influence_balancing",
    title="Influence balancing (Tallec & Ollivier 2018)",
    experiments=("influence_balancing",),
    setting=(
        "23 linear units, 13 of them negative; the only weight starts at 1/2, -1/6 is right."
        " Gradient descent at a rate of 1e-5, at every step or every window; 20,000 steps (100,000"
        " in the full budget)."
    ),
    theirs="UORO and RTRL converge; back-propagation in windows of 1 to 10 steps diverges.",
    why=(
        "The same outcome. Here theta is a unit of its own before the chain, so that a window of"
        " one step does not see its influence at all: the gradient is zero in the place of a wrong"
        " one. A window of 200 steps has the right sign."
    ),
    cases=cases,
    table=table,
)
