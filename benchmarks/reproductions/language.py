"""A character-level language model (Menick et al. 2021, section 5.1), much smaller."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from benchmarks.reproductions.study import Case, Row, Study, markdown
from benchmarks.reproductions.training import trained
from neuro_rtrl.tasks.characters import Characters

NETWORKS = {
    "characters_gru128": ("bptt", "snap-1", "rflo-symmetric", "uoro"),
    "characters_sparse256": ("bptt", "snap-1", "rflo-symmetric", "uoro", "snap-2"),
}
ITERATIONS = {"small": 100, "full": 500}


def learn(name: str, rule: str, iterations: int) -> Row:
    """Bits per character of the test part after so many crops."""
    found = trained(name, [f"learning.rule={rule}", f"learning.iterations={iterations}"])
    task = found.job.task
    assert isinstance(task, Characters)
    ledger = found.job.learner.ledger
    tokens = iterations * task.batch * task.steps
    return {
        "bits": -found.score(),
        "tokens": tokens,
        "multiply_adds_per_token": ledger.multiply_adds / tokens,
        **task.baselines(),
    }


def cases(budget: str) -> Mapping[str, Case]:
    """Every network by its rules."""
    return {
        f"{name} {rule}": partial(learn, name, rule, ITERATIONS[budget])
        for name, rules in NETWORKS.items()
        for rule in rules
    }


def table(rows: Mapping[str, Row]) -> str:
    """Bits by network and rule."""
    first = next(iter(rows.values()))
    body = [
        ["frequencies of characters", "", f"{first['unigram']:.3f}", "", ""],
        ["frequencies of pairs", "", f"{first['bigram']:.3f}", "", ""],
    ]
    for label, row in rows.items():
        name, rule = label.split()
        adds = f"{row['multiply_adds_per_token']:,.0f}"
        seconds = f"{row['seconds']:.0f}"
        body.append([f"`{name}`", f"`{rule}`", f"{row['bits']:.3f}", adds, seconds])
    return markdown(["network", "rule", "bits a character", "multiply-adds a token", "s"], body)


STUDY = Study(
    name="characters",
    title="Characters of Wikipedia (Menick et al. 2021)",
    experiments=tuple(NETWORKS),
    setting=(
        "Gated units read crops of 128 characters one by one; an update at the end of each crop,"
        " Adam 3e-3. Dense with 128 units, and 256 units with 93.8 % of the cell's weights absent."
        " Equal tokens: 12,800 in the small budget, 64,000 in the full one (about an hour, most"
        " of it SnAp-2). Bits per character of the test part. Data:"
        " `neuro-rtrl data fetch wikipedia`."
    ),
    theirs=(
        "On WikiText-103 with a large hidden readout and orders of magnitude more tokens. Expected:"
        " back-propagation < SnAp-1 < RFLO < UORO in bits; wider and sparser is better at equal"
        " parameters, and SnAp-2 closes most of the gap."
    ),
    why=(
        "The budget is that of a first look: a hundred updates, a linear readout, and a text of 2.9"
        " million characters. It shows which rules make use of the same few tokens, and what they"
        " cost."
    ),
    cases=cases,
    table=table,
)
