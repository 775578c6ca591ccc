"""What does a step cost when there is next to nothing to do, and how long does compiling take?"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

import neuro_rtrl as nr
from benchmarks.measure import RUNS, seconds
from benchmarks.network import Case, Problem, describe, make
from benchmarks.record import Record

CASES = (
    *(Case(n, 1.0, 1.0) for n in (1, 4, 16, 64)),
    Case(256, 0.1, 0.1),
    Case(1024, 0.01, 0.01, live=0.02),
    Case(256, 1.0, 1.0),
)
STARTS = 3
FIRST_STEP = """
import time
start = time.perf_counter()
import neuro_rtrl as nr
net = nr.Network(dt="1 ms", seed=0)
x, hidden = net.inputs(2), net.neurons(3, "lif")
y = net.neurons(1, "leaky_readout")
net.connect(x, hidden)
net.connect(hidden, hidden)
net.connect(hidden, y)
learner = nr.Learner(net)
learner.step([1, 1], [0.5])
print(time.perf_counter() - start)
"""


@dataclass(frozen=True)
class Way:
    """To learn step by step.

    Attributes:
        rule: by its name.
        update: "step", or "sequence": lanes hold the gradient back until it is asked for.
        learn: whether Adam takes a step at each.
        most: number of units up to which a dense network is measured.
    """

    rule: str
    update: str = "step"
    learn: bool = False
    most: int = 256

    @property
    def who(self) -> str:
        """As in tables."""
        asked = ", gradient when asked for" if self.update == "sequence" else ""
        return f"Learner.step, {self.rule}{' + Adam' if self.learn else ''}{asked}"


WAYS = (
    Way("rtrl", most=64),
    Way("rtrl", learn=True, most=64),
    Way("d-rtrl"),
    Way("d-rtrl", update="sequence"),
    Way("d-rtrl", learn=True),
    Way("eprop", learn=True),
)


def one_step(problem: Problem, way: Way, runs: int) -> Record:
    """`Learner.step`, called for every step of a problem."""
    optimizer = nr.Adam(1e-7) if way.learn else None
    learner = nr.Learner(describe(problem), way.rule, optimizer, update=way.update)

    def job() -> None:
        learner.reset()
        for x, target in zip(problem.x, problem.target, strict=True):
            learner.step(x, target)

    return _record(way.who, problem).timed(seconds(job, runs))


def one_run(problem: Problem, runs: int) -> Record:
    """The same steps in one call of `run`."""
    learner = nr.Learner(describe(problem), update="sequence")
    x, target = problem.x[None], problem.target[None]
    found = seconds(lambda: learner.run(x, target, learn=False), runs)
    return _record("Learner.run, rtrl", problem).timed(found)


def _record(who: str, problem: Problem) -> Record:
    case = problem.case
    return Record("step", who, nr.__version__, case.n, case.density, len(problem.x))


def first_step(cache: str, who: str, starts: int) -> Record:
    """Import, build, compile and one step, in fresh processes."""
    here = str(Path(__file__).parent.parent)
    environment = os.environ | {"NEURO_RTRL_CACHE": cache, "PYTHONPATH": here}
    command = [sys.executable, "-c", FIRST_STEP]
    times = []
    for _ in range(starts):
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True, timeout=600
        )
        times.append(float(done.stdout))
    return Record("step", who, nr.__version__, 3, 1.0, 1).timed(times)


def compile_times(starts: int) -> list[Record]:
    """Without a cache, and with a full one."""
    cold = first_step("0", "first step, no cache", 1)
    with tempfile.TemporaryDirectory() as folder:
        filling = first_step(folder, "first step, filling the cache", 1)
        warm = first_step(folder, "first step, from the cache", starts)
        files = [f for f in Path(folder).rglob("*") if f.is_file()]
        warm.details["cache_mb"] = float(np.sum([f.stat().st_size for f in files])) / 1e6
    return [cold, filling, warm]


def measure(
    *,
    cases: tuple[Case, ...] = CASES,
    steps: int = 1000,
    runs: int = RUNS,
    starts: int = STARTS,
    say: Callable[[Record], None] = lambda record: None,
) -> list[Record]:
    """Steps of small and sparse networks, then (if `starts`) first steps in fresh processes."""
    found = []
    for case in cases:
        problem, dense = make(case, steps), case.density == 1.0
        jobs = [partial(one_step, problem, way) for way in WAYS if not dense or case.n <= way.most]
        if not dense or case.n <= 64:
            jobs.append(partial(one_run, problem))
        for job in jobs:
            found.append(job(runs))
            say(found[-1])
    for record in compile_times(starts) if starts else []:
        say(record)
        found.append(record)
    return found
