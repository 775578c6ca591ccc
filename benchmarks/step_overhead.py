"""What does a step cost when there is next to nothing to do, and how long does compiling take?"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

import neuro_rtrl as nr
from benchmarks.measure import RUNS, seconds
from benchmarks.network import Case, describe, make
from benchmarks.record import Record

SIZES = (1, 4, 16, 64)
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


def one_step(n: int, steps: int, learn: bool, runs: int) -> Record:
    """`Learner.step` with and without an optimizer."""
    problem = make(Case(n, 1.0, 1.0), steps)
    optimizer = nr.Adam(1e-7) if learn else None
    learner = nr.Learner(describe(problem), optimizer=optimizer)

    def job() -> None:
        learner.reset()
        for x, target in zip(problem.x, problem.target, strict=True):
            learner.step(x, target)

    who = "Learner.step + Adam" if learn else "Learner.step"
    return Record("step", who, nr.__version__, n, 1.0, steps).timed(seconds(job, runs))


def one_run(n: int, steps: int, runs: int) -> Record:
    """The same steps in one call of `run`."""
    problem = make(Case(n, 1.0, 1.0), steps)
    learner = nr.Learner(describe(problem), update="sequence")
    x, target = problem.x[None], problem.target[None]
    found = Record("step", "Learner.run", nr.__version__, n, 1.0, steps)
    return found.timed(seconds(lambda: learner.run(x, target, learn=False), runs))


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
    sizes: tuple[int, ...] = SIZES,
    steps: int = 1000,
    runs: int = RUNS,
    starts: int = STARTS,
    say: Callable[[Record], None] = lambda record: None,
) -> list[Record]:
    """Steps of tiny networks, then (if `starts`) first steps in fresh processes."""
    found = []
    for n in sizes:
        for record in (
            one_step(n, steps, False, runs), one_step(n, steps, True, runs), one_run(n, steps, runs)
        ):  # fmt: skip
            say(record)
            found.append(record)
    for record in compile_times(starts) if starts else []:
        say(record)
        found.append(record)
    return found
