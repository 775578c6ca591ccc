"""How many threads share the work of one learner, or of one simulation."""

from __future__ import annotations

import functools
import os
from concurrent.futures import ThreadPoolExecutor

from neuro_rtrl.errors import DescriptionError

MOST, VARIABLE = 256, "NEURO_RTRL_THREADS"
_chosen: list[int] = []


def set_threads(count: int) -> None:
    """Let so many threads share the work from now on; results are the same for any number.

    It concerns exact RTRL in windows of steps (`Learner.run` where weights stand still for some),
    the sums of local rules in such windows, and simulations that are not told otherwise
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
    """The number of threads.

    Raises:
        DescriptionError: the environment variable is no such number.
    """
    if not _chosen:
        text = os.environ.get(VARIABLE, "1")
        if not text.isdecimal() or not 1 <= int(text) <= MOST:
            raise _refused(VARIABLE, text)
        set_threads(int(text))
    return _chosen[0]


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
