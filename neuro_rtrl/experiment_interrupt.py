"""Ctrl-C waits for the end of an iteration.

An interrupt that arrives while code is being compiled or a file is being written is lost there, or
leaves something half made; so the first one only asks, and the second one ends whatever goes on.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from neuro_rtrl.outputs import News, Watcher


@contextmanager
def stoppable(watch: Watcher) -> Iterator[Watcher]:
    """A watcher that passes its news on, then raises KeyboardInterrupt if Ctrl-C was pressed.

    Args:
        watch: who gets the news.

    Outside the main thread, where Python delivers no signals, it only passes the news on.
    """
    asked = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        asked.set()
        signal.signal(signal.SIGINT, before)

    def watch_and_stop(news: News) -> None:
        watch(news)
        if asked.is_set():
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield watch
        return
    before = signal.signal(signal.SIGINT, ask)
    try:
        yield watch_and_stop
    finally:
        signal.signal(signal.SIGINT, before)
