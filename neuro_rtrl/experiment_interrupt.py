"""Ctrl-C and the request to end (SIGTERM) wait for the end of an iteration.

An interrupt that arrives while code is being compiled or a file is being written is lost there, or
leaves something half made; so the first one only asks, and the second one ends whatever goes on.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from neuro_rtrl.outputs import News, Watcher

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stoppable(watch: Watcher) -> Iterator[Watcher]:
    """A watcher that passes its news on, then raises KeyboardInterrupt if a signal has come.

    The exception's argument is the name of the signal ("SIGINT" for Ctrl-C).

    Args:
        watch: who gets the news.

    Outside the main thread, where Python delivers no signals, it only passes the news on.
    """
    asked: list[str] = []
    before: dict[signal.Signals, Any] = {}

    def ask(number: int, frame: FrameType | None) -> None:
        asked.append(signal.Signals(number).name)
        _put_back(before)

    def watch_and_stop(news: News) -> None:
        watch(news)
        if asked:
            raise KeyboardInterrupt(asked[0])

    if threading.current_thread() is not threading.main_thread():
        yield watch
        return
    before |= {number: signal.signal(number, ask) for number in SIGNALS}
    try:
        yield watch_and_stop
    finally:
        _put_back(before)


def _put_back(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
