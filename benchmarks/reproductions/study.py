"""What a study is: an experiment of a paper, cut into cases that are measured one by one.

The rows of a study are kept in `benchmarks/results/NAME.json` as soon as they are measured; a case
that is there is not measured again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
RESULTS = ROOT / "benchmarks" / "results"
BUDGETS = ("small", "full")

Row = dict[str, Any]
Case = Callable[[], Row]


@dataclass(frozen=True)
class Study:
    """One section of the page.

    Attributes:
        name: of its file of results.
        title: of its section.
        experiments: texts of models/experiments that it runs.
        setting: what is run, with what the budgets differ in.
        theirs: what the paper shows.
        why: why ours differ.
        cases: budget -> label -> what measures a row.
        table: rows by label -> Markdown.
    """

    name: str
    title: str
    experiments: tuple[str, ...]
    setting: str
    theirs: str
    why: str
    cases: Callable[[str], Mapping[str, Case]]
    table: Callable[[Mapping[str, Row]], str]

    @property
    def file(self) -> Path:
        """Where its rows are kept."""
        return RESULTS / f"{self.name}.json"


def kept_rows(study: Study) -> tuple[str, dict[str, Row]]:
    """The budget and the rows (by label) of the last measurement."""
    if not study.file.is_file():
        return BUDGETS[0], {}
    found = json.loads(study.file.read_text(encoding="utf-8"))
    return found["budget"], found["rows"]


def measure(
    study: Study, budget: str, force: bool = False, say: Callable[[str], None] = print
) -> dict[str, Row]:
    """All rows, each written down as soon as there is one; `force` forgets earlier ones."""
    of, rows = kept_rows(study)
    if force or of != budget:
        rows = {}
    for label, case in study.cases(budget).items():
        if label in rows:
            continue
        start = time.process_time()
        rows[label] = case()
        rows[label]["seconds"] = round(time.process_time() - start, 2)
        say(f"{study.name}: {label}: {short(rows[label])}")
        write(study, budget, rows)
    return rows


def write(study: Study, budget: str, rows: Mapping[str, Row]) -> None:
    """The file of results."""
    study.file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"study": study.name, "budget": budget, "rows": rows}, indent=1)
    study.file.write_text(text + "\n", encoding="utf-8")


def short(row: Row) -> str:
    """A row on one line, lists left out.

    >>> short({"level": 3, "curve": [1, 2], "loss": 0.25})
    'level 3, loss 0.25'
    """
    plain = ((k, v) for k, v in row.items() if not isinstance(v, list | dict))
    return ", ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in plain)


def markdown(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """A table.

    >>> print(markdown(["a", "b"], [["1", "2"]]))
    | a | b |
    | --- | --- |
    | 1 | 2 |
    """
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def percent(fraction: float) -> str:
    """A fraction as the papers print it.

    >>> percent(0.746)
    '74.6 %'
    """
    return f"{100 * fraction:.1f} %"
