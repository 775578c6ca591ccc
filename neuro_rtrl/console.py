"""What a run says while it goes on and at its end: a progress bar or plain lines, and tables."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from neuro_rtrl.errors import NeuroRtrlError
from neuro_rtrl.outputs import News, Watcher

PLAIN_LINES = 20
"""Lines that a run of any length prints when nobody sees a progress bar."""

MANY = 10_000_000
"""Whole numbers from here on are rounded in tables."""


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


def ignore(news: News) -> None:
    """The watcher that shows nothing."""


def complain(error: NeuroRtrlError) -> None:
    """One paragraph on the standard error."""
    Console(stderr=True).print(
        f"Error: {error}", style="red", markup=False, highlight=False, soft_wrap=True
    )


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


def _screen() -> Console:
    """The standard output; a file or pipe has no width of its own."""
    console = Console()
    return console if console.is_terminal else Console(width=120)


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
    """A plain line now and then."""

    def __init__(self) -> None:
        self._speed = _Speed()

    def __call__(self, news: News) -> None:
        speed = self._speed(news)
        part = max(1, news.iterations // PLAIN_LINES)
        if news.done % part and news.done != news.iterations:
            return
        left = (news.iterations - news.done) / speed if speed else 0.0
        done = f"{news.run}: iteration {news.done}/{news.iterations}"
        print(f"{done}, {_said(news)}, {speed:.1f}/s, {left:.0f} s left", flush=True)


class _Speed:
    """Iterations per second since the first news of a run."""

    def __init__(self) -> None:
        self._run, self._since, self._first = "", 0.0, 0

    def __call__(self, news: News) -> float:
        now = time.monotonic()
        if news.run != self._run:
            # The first iteration compiles; it says nothing about those to come.
            self._run, self._since, self._first = news.run, now, news.done
        elapsed = now - self._since
        return (news.done - self._first) / elapsed if elapsed > 0 else 0.0


def _said(news: News) -> str:
    score = "" if news.score is None else f", score {news.score:.4g}"
    return f"loss {news.loss:.4g}{score}"


def hint(text: str) -> None:
    """One line on the standard error."""
    print(text, file=sys.stderr, flush=True)
