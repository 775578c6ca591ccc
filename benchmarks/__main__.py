"""`python -m benchmarks QUESTION [--peers] [--json FILE] [--out FOLDER]`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

QUESTIONS = (
    "learn", "silent", "step", "roofline", "model", "rules", "reproductions", "simulate", "least",
    "sweeps", "windows", "populations", "online", "batches",
)  # fmt: skip
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("question", choices=QUESTIONS)
    parser.add_argument("--json", type=Path, help="write the records there")
    parser.add_argument("--out", type=Path, help="folder for the figure, or for what is measured")
    parser.add_argument(
        "--peers",
        action="store_true",
        help="measure peers, too, and install those that are absent",
    )
    parser.add_argument("--peer-folder", type=Path, help="where their environments are")
    parser.add_argument(
        "--only",
        nargs="*",
        help="learn: numbers of the cases, from 0; simulate: programs, networks, sizes;"
        " sweeps: axes; reproductions: studies",
    )
    parser.add_argument("--budget", choices=("small", "full"), default="small")
    parser.add_argument("--force", action="store_true", help="reproductions: measure again")
    parser.add_argument("--text", action="store_true", help="rules, reproductions: the page alone")
    parser.add_argument("--core", type=int, help="core to keep to (default: the last)")
    return parser.parse_args(given)


def one_thread() -> None:
    """Before NumPy is imported: BLAS reads these when it is loaded."""
    for name in THREADS:
        os.environ[name] = "1"


def one_core(core: int | None) -> None:
    """One thread on one core."""
    one_thread()
    if "sched_setaffinity" in dir(os):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0)) if core is None else core})


def job(given: argparse.Namespace) -> Callable[..., Any]:
    """The question's `measure`, with its own options filled in."""
    from functools import partial

    from benchmarks import (
        batches,
        learn,
        least,
        model,
        online,
        populations,
        roofline,
        silent,
        simulate,
        step_overhead,
        sweeps,
        windows,
    )  # fmt: skip

    if given.question == "learn":
        plans = (
            learn.PLANS if given.only is None else tuple(learn.PLANS[int(i)] for i in given.only)
        )
        return partial(learn.measure, plans, peers=given.peers, folder=given.peer_folder)
    if given.question == "roofline":
        return roofline.measure
    if given.question == "simulate":
        options = simulate.chosen(given.only)
        return partial(simulate.measure, peers=given.peers, folder=given.peer_folder, **options)
    if given.question == "sweeps":
        chosen = given.only or tuple(sweeps.SWEEPS)
        return partial(sweeps.measure, chosen, peers=given.peers, folder=given.peer_folder)
    if given.question == "online":
        return partial(online.measure, peers=given.peers, folder=given.peer_folder)
    if given.question == "least":
        return least.measure
    rest = {
        "silent": silent, "step": step_overhead, "model": model, "windows": windows,
        "populations": populations, "batches": batches,
    }  # fmt: skip
    return rest[given.question].measure


def rules_page(given: argparse.Namespace) -> int:
    """docs/rules.md; nothing is timed against others there, so no core is reserved."""
    from benchmarks import rules

    for file in rules.write(None if given.text else rules.measure(given.out)):
        print(file)
    return 0


def reproductions_page(given: argparse.Namespace) -> int:
    """docs/reproductions.md, and whatever of its figures is missing."""
    from benchmarks.reproductions import page

    if given.text:
        page.PAGE.write_text(page.text(), encoding="utf-8")
        return 0
    print(page.reproduce(given.only, given.budget, given.force))
    return 0


def main() -> int:
    """Measure, print, write, draw."""
    given = arguments()
    if given.question == "rules":
        return rules_page(given)
    if given.question == "reproductions":
        one_thread()
        return reproductions_page(given)
    one_core(given.core)
    from benchmarks import figures, record

    so_far: list[record.Record] = []

    def say(one: record.Record) -> None:
        print(record.line(one), flush=True)
        so_far.append(one)
        if given.json:
            record.write(so_far, given.json)

    records = job(given)(say=say)
    if given.json:
        record.write(records, given.json)
    draw = vars(figures).get(given.question)
    if given.out and draw:
        print(draw(records, given.out / f"{given.question}.png"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
