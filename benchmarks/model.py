"""A performance model without fitted constants: predicted against measured time of a step.

    t = t_quiet + t_forward + touches * t_touch + multiply-adds / rate(working set, sources)

multiply-adds, touches  from the ledger: segments of rows that arrivals read and write
t_quiet                 a step of the rule in which nothing happens: prediction, gradient of nothing
t_forward               the same steps by `simulate`
t_touch                 a step's time per touch where rows are nearly empty (own measurement)
rate                    measured inner loop (roofline) at the working set: live entries of the
                        influence matrix, 4 bytes each; blend-4 where a touched row gets four
                        sources or more, axpy where it gets one; the ledger's bytes say how often

The shortest of the runs counts: a prediction is of an undisturbed machine. The model is of rows
that go from step to step, as in `Learner.step`, not of windows that are replayed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

import neuro_rtrl as nr
from benchmarks import ours, roofline
from benchmarks.measure import RUNS, seconds
from benchmarks.network import Case, Problem, describe, make
from benchmarks.record import Record
from neuro_rtrl.contracts import Rule
from neuro_rtrl.registry import find

CASES = (
    Case(64, 1.0, 1.0),
    Case(128, 0.1, 0.1),
    Case(256, 0.1, 0.1),
    Case(256, 0.1, 0.1, rate=0.005),
    Case(1024, 0.01, 0.01, live=0.02),
    Case(1024, 0.01, 0.1, live=0.02),
)
EMPTY = Case(512, 0.01, 0.1, rate=0.02)
EMPTY_STEPS, REPEATS = 12, 50


def by_rows() -> Rule:
    """Exact RTRL without windows."""
    return replace(find("rules", "rtrl"), windows=False)


def touch_seconds(runs: int) -> float:
    """Time of one touched segment while rows are almost empty: the first steps of a run."""
    problem = make(EMPTY, 200).cut(EMPTY_STEPS)
    learner = nr.Learner(describe(problem), rule=by_rows(), update="sequence")
    x, target = (np.repeat(a[None], REPEATS, axis=0) for a in (problem.x, problem.target))
    times = seconds(lambda: learner.run(x, target, learn=False), runs)
    forward = ours.simulation(problem.with_stream(x[0], target[0]), runs).ms_per_step_min
    ledger = learner.ledger
    steps = EMPTY_STEPS * REPEATS
    touches = ledger.rows_touched / ledger.steps
    return max(min(times) / steps - 1e-3 * (forward or 0.0), 0.0) / max(touches, 1e-9)


def predicted(
    ledger: dict[str, Any], forward_ms: float, touch_s: float, speeds: list[Record]
) -> float:
    """Milliseconds of a step."""
    steps = ledger["steps"]
    adds, touches = ledger["multiply_adds"] / steps, ledger["rows_touched"] / steps
    kilobytes = 4e-3 * ledger["live_entries"]
    fast, slow = (roofline.rate(speeds, kilobytes, what) for what in ("blend-4", "axpy"))
    # Bytes per multiply-add: 12 where a row gets one source, 6 where it gets four.
    share = float(np.clip((12.0 - ledger["bytes"] / max(ledger["multiply_adds"], 1)) / 6.0, 0, 1))
    return forward_ms + 1e3 * (touches * touch_s + adds * (share / fast + (1 - share) / slow))


def one(problem: Problem, touch_s: float, speeds: list[Record], runs: int) -> Record:
    """A case, measured and predicted."""
    net = describe(problem)
    learner = nr.Learner(net, rule=by_rows(), update="sequence")
    x, target = problem.x[None], problem.target[None]
    found = ours.record(problem, "rtrl", len(problem.x))
    found.job = "model"
    found.timed(seconds(lambda: learner.run(x, target, learn=False), runs))
    ledger = learner.ledger.as_dict()
    forward = ours.simulation(problem, runs).ms_per_step_min or 0.0
    silence = np.zeros_like(x)
    quiet = min(seconds(lambda: learner.run(silence, target, learn=False), runs))
    quiet_ms = 1e3 * quiet / len(problem.x)
    guess = predicted(ledger, forward + quiet_ms, touch_s, speeds)
    found.details |= {
        "ledger": ledger,
        "forward_ms": forward,
        "quiet_ms": quiet_ms,
        "touch_ns": 1e9 * touch_s,
        "predicted_ms": guess,
        "measured_over_predicted": (found.ms_per_step_min or 0.0) / guess,
    }
    return found


def measure(
    *,
    cases: tuple[Case, ...] = CASES,
    steps: int = 1000,
    runs: int = RUNS,
    sizes: tuple[int, ...] = roofline.KILOBYTES,
    say: Callable[[Record], None] = lambda record: None,
) -> list[Record]:
    """The machine's speeds, then every case."""
    speeds = roofline.measure(sizes, runs, say=say)
    found = list(speeds)
    touch_s = touch_seconds(runs)
    for case in cases:
        record = one(make(case, steps), touch_s, speeds, runs)
        say(record)
        found.append(record)
    return found
