"""The first Ctrl-C waits for the end of an iteration, the second one does not."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from neuro_rtrl.experiment_interrupt import stoppable
from neuro_rtrl.outputs import News

NEWS = News("run", 1, 2, 0.5, None)


@pytest.fixture(autouse=True)
def _pythons_own_handler() -> Iterator[None]:
    """Shells ignore Ctrl-C in background jobs; simulators install handlers of their own."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_without_ctrl_c_the_news_pass() -> None:
    heard: list[News] = []
    before = signal.getsignal(signal.SIGINT)
    with stoppable(heard.append) as watch:
        watch(NEWS)
    assert heard == [NEWS]
    assert signal.getsignal(signal.SIGINT) is before


def test_the_first_waits_for_the_next_news() -> None:
    heard: list[News] = []
    with pytest.raises(KeyboardInterrupt), stoppable(heard.append) as watch:
        press()
        heard.append(NEWS)
        watch(NEWS)
    assert heard == [NEWS, NEWS]


def test_the_second_is_immediate() -> None:
    heard: list[News] = []
    with pytest.raises(KeyboardInterrupt), stoppable(heard.append):
        press()
        press()
        heard.append(NEWS)
    assert heard == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_thread_runs_as_well() -> None:
    heard: list[News] = []

    def work() -> None:
        with stoppable(heard.append) as watch:
            watch(NEWS)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert heard == [NEWS]
