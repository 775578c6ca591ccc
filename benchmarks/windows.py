"""How long exact RTRL takes with weights that stand still for k steps, by one and by two threads.

With k = 1 rows go from step to step; from 16 steps on they are replayed in windows. All times of a
network are taken in turn. Two threads have all cores; everything else keeps to one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator

import neuro_rtrl as nr
from benchmarks.measure import RUNS, Peak, in_turn
from benchmarks.network import Case, Problem, as_matrices, describe, make
from benchmarks.ours import compared, gradient
from benchmarks.record import Record

CASES = (
    Case(64, 1.0, 1.0),
    Case(256, 0.1, 0.1),
    Case(1024, 0.01, 0.01, live=0.02),
    Case(1024, 0.01, 0.1, live=0.02),
)
WINDOWS = (1, 10, 16, 50, 200, 1000)
ALL_CORES = set(range(os.cpu_count() or 1))


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads, on as many cores as there are if it is more than one."""
    can = "sched_setaffinity" in dir(os)
    before = os.sched_getaffinity(0) if can else set()
    nr.set_threads(count)
    if can and count > 1:
        os.sched_setaffinity(0, ALL_CORES)
    try:
        yield
    finally:
        nr.set_threads(1)
        if can:
            os.sched_setaffinity(0, before)


def job(problem: Problem, learner: nr.Learner, count: int) -> Callable[[], None]:
    """A whole sequence."""

    def run() -> None:
        with threads(count):
            learner.run(problem.x[None], problem.target[None])

    return run


def megabytes(problem: Problem, k: int) -> float:
    """Largest resident memory of a learner, its building and one sequence."""
    peak = Peak()
    learner = nr.Learner(describe(problem), update=k)
    learner.run(problem.x[None], problem.target[None])
    return peak.megabytes()


def one(case: Case, steps: int, windows: tuple[int, ...], runs: int) -> list[Record]:
    """All window lengths on one network, each with one thread, and the longest with two."""
    problem = make(case, steps)
    plans = [(k, 1) for k in windows if k <= steps]
    plans.append((plans[-1][0], 2))
    net = describe(problem)
    learners = [nr.Learner(net, update=k) for k, _ in plans]
    jobs = [
        job(problem, learner, count) for learner, (_, count) in zip(learners, plans, strict=True)
    ]
    reference, found = gradient(problem, "bptt", "float64"), []
    for learner, (k, count), times in zip(learners, plans, in_turn(jobs, runs), strict=True):
        who = f"rtrl, k = {k}" + (f", {count} threads" if count > 1 else "")
        made = Record("windows", who, nr.__version__, case.n, case.density, steps).timed(times)
        made.details |= {"case": case.name, "k": k, "threads": count}
        if k == steps:  # otherwise the gradient is that of the last k steps
            made = compared(made, as_matrices(net, learner.gradient), reference)
        if k == steps and count == 1:
            made.peak_mb = megabytes(problem, k)
        made.details["influence_mb"] = learner.ledger.influence_bytes / 1e6
        found.append(made)
    return found


def measure(
    cases: tuple[Case, ...] = CASES,
    steps: int = 1000,
    windows: tuple[int, ...] = WINDOWS,
    runs: int = RUNS,
    say: Callable[[Record], None] = print,
) -> list[Record]:
    """Every network."""
    found: list[Record] = []
    for case in cases:
        for record in one(case, steps, windows, runs):
            say(record)
            found.append(record)
    return found
