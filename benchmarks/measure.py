"""Seconds and memory of a job."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RUNS = 5
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def seconds(job: Callable[[], Any], runs: int = RUNS) -> list[float]:
    """Wall-clock seconds of `runs` calls, after one call that is not counted."""
    job()
    found = []
    for _ in range(runs):
        start = time.perf_counter()
        job()
        found.append(time.perf_counter() - start)
    return found


def in_turn(jobs: list[Callable[[], Any]], runs: int = RUNS) -> list[list[float]]:
    """Seconds of each job, which take turns: what disturbs the machine disturbs all of them."""
    for job in jobs:
        job()
    found: list[list[float]] = [[] for _ in jobs]
    for _ in range(runs):
        for times, job in zip(found, jobs, strict=True):
            start = time.perf_counter()
            job()
            times.append(time.perf_counter() - start)
    return found


def _status(key: str) -> float:
    """A memory figure of this process in MB (10^6 bytes)."""
    for row in STATUS.read_text(encoding="ascii").splitlines():
        if row.startswith(key):
            return int(row.split()[1]) * 1024 / 1e6
    return 0.0


class Peak:
    """Largest resident memory since it was made, above what was resident then.

    What was freed before, but kept by the allocator, is given back to the system first; where it
    cannot be, a job that finds all its memory there seems to need none.
    On Linux the kernel's high-water mark is set back first; elsewhere the mark of the whole process
    is all there is, so that only a job that needs more than all jobs before it is seen.
    """

    def __init__(self) -> None:
        gc.collect()
        with contextlib.suppress(AttributeError, OSError, TypeError):
            ctypes.CDLL(None).malloc_trim(0)
        self.linux = sys.platform == "linux"
        if self.linux:
            CLEAR.write_text("5", encoding="ascii")
        self.before = _status("VmRSS") if self.linux else self._mark()

    @staticmethod
    def _mark() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6

    def megabytes(self) -> float:
        """Largest so far."""
        return max(0.0, (_status("VmHWM") if self.linux else self._mark()) - self.before)


def windows(advance: Callable[[int], None], warm: int, size: int, count: int) -> list[float]:
    """Seconds of `count` windows of `size` steps each, after `warm` steps from the start.

    For jobs too slow to repeat from the initial state: early steps are cheap, as few columns are in
    use, so they must not be counted.
    """
    advance(warm)
    found = []
    for _ in range(count):
        start = time.perf_counter()
        advance(size)
        found.append(time.perf_counter() - start)
    return found
