"""The Add task (Marschall, Cho & Savin 2020): which lags a rule gives credit for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from benchmarks.reproductions.study import Case, Row, Study, markdown
from benchmarks.reproductions.training import trained
from neuro_rtrl.tasks.add import floors

RULES = ("bptt", "rtrl", "snap-1", "kf-rtrl", "rflo-symmetric", "uoro")
ITERATIONS = {"small": 150, "full": 2000}


def learn(rule: str, iterations: int) -> Row:
    """Mean loss of the last tenth of the iterations."""
    found = trained("add", [f"learning.rule={rule}", f"learning.iterations={iterations}"])
    return {"nats": found.late(), "iterations": iterations, "curve": found.losses}


def cases(budget: str) -> Mapping[str, Case]:
    """One for each rule."""
    return {rule: partial(learn, rule, ITERATIONS[budget]) for rule in RULES}


def table(rows: Mapping[str, Row]) -> str:
    """Losses beside the floors."""
    none, first, both = floors()
    body = [
        ["floor: nothing known", f"{none:.4f}", ""],
        ["floor: the bit of six steps ago", f"{first:.4f}", ""],
        ["floor: both bits", f"{both:.4f}", ""],
    ]
    for rule, row in rows.items():
        body.append([f"`{rule}`", f"{row['nats']:.4f}", f"{row['seconds']:.0f}"])
    return markdown(["", "nats a label", "seconds"], body)


STUDY = Study(
    name="add",
    title="Add: floors of the loss (Marschall, Cho & Savin 2020)",
    experiments=("add",),
    setting=(
        "32 tanh units, lags 6 and 10, sequences of 60 steps, batch 8, Adam 3e-3, an update at the"
        " end of a batch for every rule; mean loss of the last tenth of 150 iterations (2000 in the"
        " full budget)."
    ),
    theirs=(
        "The floors follow from the task (.6616, .5192, .4545 nats). Expected: RTRL as good as"
        " back-propagation, then KF-RTRL, then UORO; RFLO finds the nearer lag in part."
    ),
    why=(
        "RTRL and back-propagation give the same gradient, so their losses agree to the last digit"
        " shown. The budget is far from convergence: the exact rules are below the floor of one"
        " known bit and on their way to the lowest. Unbiased rules pay for their noise with data."
    ),
    cases=cases,
    table=table,
)
