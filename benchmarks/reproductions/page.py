"""`python -m benchmarks reproductions`: measures what is missing and writes the page."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.reproductions import (
    adding,
    balancing,
    belt,
    broadcast,
    copying,
    language,
    paths,
    spirals,
    structure,
    unbiased,
)  # fmt: skip
from benchmarks.reproductions.study import ROOT, Study, kept_rows, markdown, measure
from neuro_rtrl import registry

STUDIES: tuple[Study, ...] = (
    spirals.STUDY,
    structure.STUDY,
    copying.STUDY,
    language.STUDY,
    adding.STUDY,
    paths.STUDY,
    unbiased.STUDY,
    balancing.STUDY,
    belt.STUDY,
    broadcast.STUDY,
)
PAGE = ROOT / "docs" / "reproductions.md"

HEAD = Path(__file__).with_suffix(".md")


def named(names: Iterable[str] | None) -> list[Study]:
    """The studies of these names; None: all.

    Raises:
        ValueError: there is no such study.
    """
    if names is None:
        return list(STUDIES)
    known = {study.name: study for study in STUDIES}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"no study {unknown[0]!r}; there are {', '.join(known)}")
    return [known[name] for name in names]


def section(study: Study) -> str:
    """A study's part of the page."""
    budget, rows = kept_rows(study)
    command = f"python -m benchmarks reproductions --only {study.name}"
    lines = [f"## {study.title}"]
    runs = ", ".join(f"`neuro-rtrl run {name}`" for name in study.experiments)
    lines += [f"Experiments: {runs}." if runs else "", study.setting]
    lines += [f"**The paper.** {study.theirs}"]
    if rows:
        seconds = sum(row["seconds"] for row in rows.values())
        lines += ["**Ours.**", study.table(rows)]
        lines += [f"**Why they differ.** {study.why}"]
        absent = [label for label in study.cases(budget) if label not in rows]
        missing = f" Not measured yet: {', '.join(absent)}." if absent else ""
        lines += [f"`{command} --budget {budget}`: {seconds:,.0f} s.{missing}"]
    else:
        lines += [f"**Ours.** Not measured yet: `{command}`."]
    return "\n\n".join(line for line in lines if line)


def every_experiment() -> str:
    """All texts of models/experiments, and the studies that run them."""
    body = []
    for name, file in registry.files("experiments").items():
        studies = [f"`{study.name}`" for study in STUDIES if name in study.experiments]
        # The summary alone: the data of some experiments need not be here.
        summary = tomllib.loads(file.read_text(encoding="utf-8"))["summary"]
        body.append([f"`neuro-rtrl run {name}`", summary, ", ".join(studies)])
    table = markdown(["command", "what it runs", "study"], body)
    return f"## All experiments\n\n{table}"


def text() -> str:
    """The whole page, of the rows that are kept."""
    head = HEAD.read_text(encoding="utf-8").strip()
    parts = [head, *(section(study) for study in STUDIES), every_experiment()]
    return "\n\n".join(parts) + "\n"


def reproduce(
    names: Iterable[str] | None = None,
    budget: str = "small",
    force: bool = False,
    say: Callable[[str], None] = print,
) -> Path:
    """Measures what is missing and writes the page."""
    for study in named(names):
        measure(study, budget, force, say)
    PAGE.write_text(text(), encoding="utf-8")
    return PAGE
