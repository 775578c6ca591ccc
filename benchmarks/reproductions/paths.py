"""Redundancy (Shalev-Merin 2026): how much of RTRL's gain a few random Jacobian rows recover."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from benchmarks.reproductions.study import Case, Row, Study, markdown
from benchmarks.reproductions.training import trained

SEEDS = {"small": 5, "full": 20}
# What is learned, its number of units, and the settings beside rule and seed.
TASKS = {
    "sine_switch": (64, ()),
    "add": (32, ("learning.iterations=80",)),
}
PATHS = (0, 1, 4, 16)


def loss(task: str, rule: str, seed: int) -> float:
    """Mean over all steps of the switching sine; mean of the last tenth of `add`."""
    settings = [f"learning.rule={rule}", f"network.seed={seed}", *TASKS[task][1]]
    found = trained(task, settings)
    return float(np.mean(found.steps[0])) if task == "sine_switch" else found.late()


def learn(task: str, rule: str, seeds: int) -> Row:
    """Losses of all seeds."""
    found = [loss(task, rule, seed) for seed in range(1, seeds + 1)]
    return {"loss": float(np.mean(found)), "losses": found}


def cases(budget: str) -> Mapping[str, Case]:
    """No path, a few, all: on both tasks."""
    rules = [*(f"random-paths-{k}" for k in PATHS), "rtrl"]
    return {
        f"{task} {rule}": partial(learn, task, rule, SEEDS[budget] if task == "sine_switch" else 2)
        for task in TASKS
        for rule in rules
    }


def recovered(rows: Mapping[str, Row], task: str, rule: str) -> tuple[float, float]:
    """Share of the gap between no path and exact RTRL: of the mean losses, and its error.

    The standard error is that over seeds, of differences seed by seed.
    """
    none, some, exact = (
        np.array(rows[f"{task} {r}"]["losses"]) for r in ("random-paths-0", rule, "rtrl")
    )
    gap = float(np.mean(none - exact))
    error = float(np.std(none - some, ddof=1) / np.sqrt(len(none)))
    return float(np.mean(none - some)) / gap, error / abs(gap)


def table(rows: Mapping[str, Row]) -> str:
    """Share of the gap by number of paths."""
    body = []
    rules = [*(f"random-paths-{k}" for k in PATHS), "rtrl"]
    for task, (units, _) in TASKS.items():
        # A gap has two ends.
        whole = all(f"{task} {rule}" in rows for rule in rules)
        for rule in rules if whole else ():
            row = rows[f"{task} {rule}"]
            share, error = recovered(rows, task, rule)
            note = f"{100 * share:.0f} ± {100 * error:.0f} %"
            cells = [f"`{task}`, {units} units", f"`{rule}`", f"{row['loss']:.5f}", note]
            body.append([*cells, f"{row['seconds']:.0f}"])
    return markdown(["task", "rule", "loss", "share of the gap", "seconds"], body)


STUDY = Study(
    name="redundancy",
    title="A few random paths of influence (Shalev-Merin 2026)",
    experiments=("sine_switch", "add"),
    setting=(
        "At each step only K random units receive indirect influence. `sine_switch`: 64 units"
        " predict a sine whose period switches, an update at every step, mean loss of the whole"
        " course, 5 seeds (20 in the full budget). `add`: 32 units, 80 iterations, late loss, 2"
        " seeds. The gap is that between K = 0 and exact RTRL; errors are over seeds."
    ),
    theirs=(
        "K = 4 of 64 rows recover 84 ± 6 % of the gap, with a jump from none to any (5 seeds); the"
        " error signal has to be continuous."
    ),
    why=(
        "Not reproduced. On the sine the share grows about in proportion to K/n, without a jump"
        " from none to any; on `add` one row of 32 brings an eighth of the gap and four bring 29 %."
        " At larger rates and with Adam exact RTRL was no better than no path in single trials on"
        " the sine: this network predicts it well without credit through time."
        " The authors' signals, rates and measure of adaptation are not known to us, and we did not"
        " search for others."
    ),
    cases=cases,
    table=table,
)
