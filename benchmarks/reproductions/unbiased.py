"""Unbiased rules: the mean of many draws of one gradient against the exact one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from benchmarks.reproductions.study import Case, Row, Study, markdown
from tests.reference.tangents import deviations, draws, exact

RULES = ("uoro", "kf-rtrl", "ok-1", "ok-4")
DRAWS = {"small": 1_000, "full": 10_000}
MEANS = (1, 10, 100, 1000)


def compare(rule: str, count: int) -> Row:
    """Distance of the mean in standard errors, and relative errors of means of n draws."""
    found = draws(rule, count)
    distance, size = deviations(found), np.linalg.norm(exact())
    errors = {}
    for n in MEANS:
        means = found.reshape(-1, n, found.shape[1]).mean(axis=1)
        errors[str(n)] = float(np.sqrt(((means - exact()) ** 2).sum(axis=1).mean()) / size)
    slope = np.polyfit(np.log(MEANS[:3]), np.log([errors[str(n)] for n in MEANS[:3]]), 1)[0]
    return {
        "draws": count,
        "values": int(distance.size),
        "largest": float(distance.max()),
        "rms": float(np.sqrt((distance**2).mean())),
        "exponent": float(slope),
        "errors": errors,
    }


def cases(budget: str) -> Mapping[str, Case]:
    """One for each rule."""
    return {rule: partial(compare, rule, DRAWS[budget]) for rule in RULES}


def table(rows: Mapping[str, Row]) -> str:
    """Distances and errors."""
    head = ["rule", "draws", "values", "largest distance, standard errors", "rms distance"]
    head += [*(f"error of {n}" for n in MEANS), "exponent", "seconds"]
    body = []
    for rule, row in rows.items():
        errors = [f"{row['errors'][str(n)]:.3f}" for n in MEANS]
        cells = [f"`{rule}`", f"{row['draws']:,}", str(row["values"]), f"{row['largest']:.2f}"]
        cells += [f"{row['rms']:.2f}", *errors, f"{row['exponent']:.2f}"]
        body.append([*cells, f"{row['seconds']:.0f}"])
    return markdown(head, body)


STUDY = Study(
    name="unbiased",
    title="Unbiased on average (Tallec & Ollivier 2018; Mujika et al. 2018; Benzing et al. 2019)",
    experiments=(),
    setting=(
        "One sequence through two small spiking populations with loops, delays and resets; its"
        " gradient is drawn 1,000 times (10,000 in the full budget). Distance is that of the mean"
        " from the exact gradient, in standard errors, in every value; errors are relative, of"
        " means of 1 to 1000 draws."
    ),
    theirs="The mean is the exact gradient, so the error of a mean of N draws falls as N^-1/2.",
    why=(
        "The same. Among some dozens of values the largest distance of an unbiased rule is expected"
        " between 2 and 3.5 standard errors, and the rms near 1."
    ),
    cases=cases,
    table=table,
)
