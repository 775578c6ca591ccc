"""Ctrl-C and the request to end (SIGTERM) wait for the next pause, or the end of an iteration.

An interrupt that arrives while code is being compiled or a file is being written is lost there, or
leaves something half made; so the first one only asks, and the second one ends whatever goes on.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from neuro_rtrl.outputs import News, Watcher

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Stoppable:
    """A watcher that passes its news on, and then ends the run if it was asked to.

    Attributes:
        watch: who gets the news.
        asked: names of the signals that have come.
    """

    watch: Watcher
    asked: list[str] = field(default_factory=list)

    def __call__(self, news: News) -> None:
        """Passes news on; see `check`."""
        self.watch(news)
        self.check()

    def check(self) -> None:
        """Raises KeyboardInterrupt, with the name of the signal ("SIGINT"), if one has come."""
        if self.asked:
            raise KeyboardInterrupt(self.asked[0])


@contextmanager
def stoppable(watch: Watcher) -> Iterator[Stoppable]:
    """While it lasts, signals wait until news come or somebody checks.

    Args:
        watch: who gets the news.

    Outside the main thread, where Python delivers no signals, none is heard.
    """
    made = Stoppable(watch)
    before: dict[signal.Signals, Any] = {}

    def ask(number: int, frame: FrameType | None) -> None:
        made.asked.append(signal.Signals(number).name)
        _put_back(before)

    if threading.current_thread() is not threading.main_thread():
        yield made
        return
    before |= {number: signal.signal(number, ask) for number in SIGNALS}
    try:
        yield made
    finally:
        _put_back(before)


def _put_back(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
