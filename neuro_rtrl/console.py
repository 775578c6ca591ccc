"""What a run says while it goes on and at its end: a progress bar or plain lines, and tables."""

from __future__ import annotations

import math
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from neuro_rtrl.errors import NeuroRtrlError, NeuroRtrlWarning
from neuro_rtrl.outputs import News, Watcher

PLAIN_LINES = 20
"""Lines that a run of any length prints when nobody sees a progress bar."""

MANY = 10_000_000
"""Whole numbers from here on are rounded in tables."""

# Heading -> column of the table of rules, and its form; spreads over seeds are shown of the first.
COMPARED = {
    "loss": ("loss", ".4g"),
    "score": ("score", ".3g"),
    "cosine": ("cosine", ".4f"),
    "hidden": ("cosine_hidden", ".4f"),
    "norm": ("norm_ratio", ".3g"),
    "bias": ("bias", ".1e"),
    "variance": ("variance", ".1e"),
    "m-adds/step": ("multiply_adds_per_step", ",.0f"),
    "live": ("live_entries", ",.0f"),
    "seconds": ("seconds", ".3g"),
}
SPREAD = ("loss", "score")
WIDE = 140


@contextmanager
def watching(quiet: bool) -> Iterator[Watcher]:
    """A function to call after each iteration; it shows a bar on a terminal, lines elsewhere.

    Args:
        quiet: show nothing.
    """
    console = Console()
    if quiet:
        yield ignore
    elif console.is_terminal:
        with _bar(console) as bar:
            yield _Bars(bar)
    else:
        yield _Lines()


@contextmanager
def counting(quiet: bool, what: str) -> Iterator[Callable[[int, int], None]]:
    """A function to call with how much is done, and of how much; a bar on a terminal only.

    Args:
        quiet: show nothing.
        what: is counted.
    """
    console = Console()
    if quiet or not console.is_terminal:
        yield lambda done, of: None
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def ignore(news: News) -> None:
    """The watcher that shows nothing."""


def complain(error: NeuroRtrlError) -> None:
    """One paragraph on the standard error."""
    Console(stderr=True).print(
        f"Error: {error}", style="red", markup=False, highlight=False, soft_wrap=True
    )


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Warnings of the package are a line each on the standard error, without a place in code."""

    def show(message: Any, category: type[Warning], *rest: Any) -> None:
        if issubclass(category, NeuroRtrlWarning):
            hint(f"Warning: {message}")
        else:
            before(message, category, *rest)

    with warnings.catch_warnings():
        before = warnings.showwarning
        warnings.showwarning = show  # type: ignore[assignment]
        yield


def show_rows(title: str, rows: Sequence[Mapping[str, Any]], columns: Iterable[str] = ()) -> None:
    """Rows as a table; every row has the same keys, which are the headings."""
    table = Table(title=title, title_justify="left")
    headings = list(columns) or list(rows[0] if rows else [])
    for heading in headings:
        table.add_column(heading.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(in_words(row.get(heading)) for heading in headings))
    _screen().print(table)


def show_values(title: str, values: Mapping[str, Any]) -> None:
    """Names and values, one a line."""
    table = Table(title=title, title_justify="left", show_header=False)
    for name, value in values.items():
        table.add_row(name.replace("_", " "), in_words(value))
    _screen().print(table)


def show_comparison(found: Mapping[str, Any]) -> None:
    """The rules of a comparison (`nr.compare`), and below them the errors."""
    table = Table(
        title=found["experiment"], title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for heading in ("rule", *COMPARED, "memory"):
        first = heading == "rule"
        table.add_column(heading, justify="left" if first else "right", no_wrap=True)
    for one in found["rules"]:
        cells = (_cell(one, *COMPARED[heading]) for heading in COMPARED)
        table.add_row(one["rule"], *cells, _bytes(one["peak_bytes"]))
    _screen(WIDE).print(table)
    for one in found["rules"]:
        if one["error"] is not None:
            print(f"{one['rule']}: {one['error']}")
    hint(f"Results are in {found['out']}")


def _cell(one: Mapping[str, Any], key: str, form: str) -> str:
    """A mean over seeds; its standard deviation is shown of what was learned."""
    value, spread = one[key], one[f"{key}_spread"]
    if value is None:
        return "-"
    said = f"{value:{form}}"
    return f"{said} ±{spread:.2g}" if key in SPREAD and one["seeds"] > 1 else said


def _bytes(value: float | None) -> str:
    """A size in the largest unit of which there is one.

    >>> _bytes(1536), _bytes(None)
    ('1.5 KiB', '-')
    """
    if value is None:
        return "-"
    power = min(3, int(math.log2(max(value, 1)) // 10))
    return f"{value / 1024**power:.4g} {('B', 'KiB', 'MiB', 'GiB')[power]}"


def _screen(width: int = 120) -> Console:
    """The standard output; a file or pipe has no width of its own."""
    console = Console()
    return console if console.is_terminal else Console(width=width)


def in_words(value: Any) -> str:
    """A value as a table shows it.

    >>> in_words(0.123456), in_words(True), in_words({"rows": 0.5}), in_words(12345)
    ('0.1235', 'yes', 'rows 0.5', '12,345')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) < MANY else f"{value:.3g}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {in_words(part)}" for key, part in value.items())
    return "-" if value is None else str(value)


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TextColumn("{task.fields[said]}"),
        TimeRemainingColumn(),
        console=console,
    )


class _Bars:
    """A bar for each run; a sweep has several, one after the other."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task: dict[str, TaskID] = {}
        self._speed = _Speed()

    def __call__(self, news: News) -> None:
        if news.run not in self._task:
            self._task[news.run] = self._bar.add_task(news.run, total=news.iterations, said="")
        said = f"{_said(news)}, {self._speed(news):.0f}/s"
        self._bar.update(self._task[news.run], completed=news.done, said=said)


class _Lines:
    """A plain line now and then, of each of the runs that go on."""

    def __init__(self) -> None:
        self._speed = _Speed()
        self._next: dict[str, int] = {}

    def __call__(self, news: News) -> None:
        speed = self._speed(news)
        part = max(1, news.iterations // PLAIN_LINES)
        if news.done < self._next.get(news.run, part) and news.done != news.iterations:
            return
        if self._next.get(news.run, 0) > news.iterations:
            return
        self._next[news.run] = (news.done // part + 1) * part
        if news.done == news.iterations:
            self._next[news.run] = news.iterations + 1
        left = (news.iterations - news.done) / speed if speed else 0.0
        done = f"{news.run}: iteration {news.done}/{news.iterations}"
        print(f"{done}, {_said(news)}, {speed:.1f}/s, {left:.0f} s left", flush=True)


class _Speed:
    """Iterations per second since the first news of each run."""

    def __init__(self) -> None:
        self._first: dict[str, tuple[float, int]] = {}

    def __call__(self, news: News) -> float:
        now = time.monotonic()
        # The first iteration compiles; it says nothing about those to come.
        since, first = self._first.setdefault(news.run, (now, news.done))
        elapsed = now - since
        return (news.done - first) / elapsed if elapsed > 0 else 0.0


def _said(news: News) -> str:
    score = "" if news.score is None else f", score {news.score:.4g}"
    density = "" if news.density is None else f", density {news.density:.3g}"
    return f"loss {news.loss:.4g}{score}{density}"


def hint(text: str) -> None:
    """One line on the standard error."""
    print(text, file=sys.stderr, flush=True)
