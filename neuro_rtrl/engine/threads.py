"""How many threads share the work of one learner, or of one simulation."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TypeVar

from neuro_rtrl.errors import DescriptionError

MOST, VARIABLE = 256, "NEURO_RTRL_THREADS"
_chosen: list[int] = []
_here = threading.local()
Job = TypeVar("Job")


def set_threads(count: int) -> None:
    """Let so many threads share the work from now on; results are the same for any number.

    It concerns exact RTRL in windows of steps (`Learner.run` where weights stand still for some),
    the sums of local rules in such windows, sequences of a batch (where weights stand still in it
    and it has 4096 steps or more), and simulations that are not told otherwise
    (`Simulation(net, threads=1)`). The start is the environment variable NEURO_RTRL_THREADS, or 1.

    Raises:
        DescriptionError: not a whole number from 1 to 256.

    >>> set_threads(2); threads()
    2
    >>> set_threads(1)
    """
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST:
        raise _refused("threads", count)
    _chosen[:] = [count]


def threads() -> int:
    """The number of threads; one for what is itself done in several.

    Raises:
        DescriptionError: the environment variable is no such number.
    """
    if getattr(_here, "by_itself", False):
        return 1
    if not _chosen:
        text = os.environ.get(VARIABLE, "1")
        if not text.isdecimal() or not 1 <= int(text) <= MOST:
            raise _refused(VARIABLE, text)
        set_threads(int(text))
    return _chosen[0]


def cores() -> int:
    """Cores that this process may use."""
    if "sched_getaffinity" in dir(os):  # not on every system
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_on(number: int, threads: int, job: Callable[[], Job]) -> Job:
    """Do job `number` of several at once, on cores that no other of them uses.

    Left alone, a system may take a tenth of a second to see that two busy threads have one core.
    """
    if "sched_setaffinity" not in dir(os):  # not on every system
        return job()
    allowed = os.sched_getaffinity(0)
    with suppress(OSError):  # where it is forbidden, they run where they are
        os.sched_setaffinity(0, set(sorted(allowed)[number::threads]) or allowed)
    try:
        return job()
    finally:
        with suppress(OSError):
            os.sched_setaffinity(0, allowed)


@contextmanager
def by_itself() -> Iterator[None]:
    """This thread is one of several that share the work: what it does has one thread."""
    _here.by_itself = True
    try:
        yield
    finally:
        _here.by_itself = False


def _refused(where: str, given: object) -> DescriptionError:
    return DescriptionError(
        "the number of threads is out of range",
        where=where,
        given=repr(given),
        expected=f"a whole number from 1 to {MOST}",
    )


@functools.cache
def pool(count: int) -> ThreadPoolExecutor:
    """Threads that wait for work; kept, as starting them takes longer than a window."""
    return ThreadPoolExecutor(count)
