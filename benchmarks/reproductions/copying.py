"""The copy task with curriculum (Menick et al. 2021, section 5.2): L reached after equal tokens."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from benchmarks.reproductions.study import Case, Row, Study, markdown
from neuro_rtrl.experiment_text import load_experiment
from neuro_rtrl.experiment_training import make_job
from neuro_rtrl.tasks.copy import Copy

CELLS = ("gru", "vanilla", "lstm")
RULES = ("rtrl", "snap-3", "snap-2", "snap-1", "rflo-symmetric", "uoro")
MODES = {"online": "step", "offline": "sequence"}
TOKENS = {"small": 100_000, "full": 2_000_000}


def learn(cell: str, rule: str, mode: str, tokens: int) -> Row:
    """L after so many steps of training sequences, and the tokens at which each level came."""
    settings = [f"learning.rule={rule}", f"learning.update={MODES[mode]}"]
    job = make_job(load_experiment(f"copy_{cell}", settings), cell)
    task, iteration = job.task, 0
    assert isinstance(task, Copy)
    reached = [0]
    while task.tokens < tokens:
        trial = task.train(iteration)
        level = task.level
        result = job.learner.run(trial.inputs, trial.targets)
        task.report(trial, result.predictions)
        iteration += 1
        if task.level > level:
            reached.append(task.tokens)
    adds = job.learner.ledger.multiply_adds / task.tokens
    return {
        "level": task.level,
        "tokens": task.tokens,
        "iterations": iteration,
        "multiply_adds_per_token": adds,
        "reached": reached,
    }


def cases(budget: str) -> Mapping[str, Case]:
    """Every cell by every rule, online and offline; back-propagation offline."""
    pairs = [("bptt", "offline"), *((rule, mode) for mode in MODES for rule in RULES)]
    return {
        f"{cell} {rule} {mode}": partial(learn, cell, rule, mode, TOKENS[budget])
        for cell in CELLS
        for rule, mode in pairs
    }


def table(rows: Mapping[str, Row]) -> str:
    """L by rule and cell."""
    head = ["rule", *(f"{cell} {mode}" for cell in CELLS for mode in MODES)]
    head += [f"multiply-adds a token, {cell}" for cell in CELLS]
    body = []
    for rule in ("bptt", *RULES):
        levels = [_level(rows.get(f"{c} {rule} {m}")) for c in CELLS for m in MODES]
        adds = [_adds(rows.get(f"{c} {rule} offline")) for c in CELLS]
        body.append([f"`{rule}`", *levels, *adds])
    return markdown(head, body)


def _level(row: Row | None) -> str:
    return "" if row is None else str(row["level"])


def _adds(row: Row | None) -> str:
    return "" if row is None else f"{row['multiply_adds_per_token']:,.0f}"


STUDY = Study(
    name="copy",
    title="Copy with curriculum (Menick et al. 2021)",
    experiments=tuple(f"copy_{cell}" for cell in CELLS),
    setting=(
        "32 units, 75 % of the recurrent weights absent, one bit, batch 16, Adam 1e-3; L grows when"
        " a batch costs less than 0.15 bits a bit. The table shows L after equal tokens (steps of"
        " training sequences): 100,000 in the small budget, 2,000,000 in the full one. Online is"
        " an update at every step, offline one for each batch of sequences."
    ),
    theirs=(
        "L after a fixed amount of data, on larger networks and with learning rates chosen for each"
        " method; no digits that we could check. Expected: RTRL >= SnAp-2 >= SnAp-1 > RFLO, UORO,"
        " and online SnAp ahead of back-propagation."
    ),
    why=(
        "The expected order in the gated cell, on a small network and with few tokens; of the tanh"
        " units UORO comes before RFLO, and SnAp-3 before RTRL. One seed: a difference of one level"
        " means little. Online updates do as well as offline ones or better. RTRL offline is"
        " back-propagation, level by level. RFLO is close to SnAp-1 in the gated cell only, whose"
        " leak it keeps."
    ),
    cases=cases,
    table=table,
)
