"""How much sooner is a batch of sequences done by two threads, which share its sequences?

The network of `learn` (network.py), a batch of sequences that differ, one update behind it. One
thread and two take turns; the gradients of both must have the same bits.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import neuro_rtrl as nr
from benchmarks.measure import RUNS, in_turn
from benchmarks.network import Case, Problem, describe, make, stream
from benchmarks.record import Record
from benchmarks.windows import threads

CASES = (Case(64, 1.0, 1.0), Case(256, 0.1, 0.1), Case(1024, 0.1, 0.1))
RULES, SEQUENCES = ("eprop", "d-rtrl", "rtrl", "bptt"), 32
MOST_FOR_RTRL = 256  # units


def job(learner: nr.Learner, x: np.ndarray, target: np.ndarray, count: int) -> Callable[[], None]:
    """A gradient of a batch, by so many threads."""

    def run() -> None:
        with threads(count):
            learner.run(x, target, learn=False)

    return run


def one(problem: Problem, rule: str, runs: int, sequences: int) -> list[Record]:
    """A rule with one thread and with two."""
    case, steps = problem.case, len(problem.x)
    x = np.stack([stream(np.random.default_rng((7, k)), steps) for k in range(sequences)])
    target = np.broadcast_to(problem.target, (sequences, *problem.target.shape)).copy()
    net = describe(problem)
    learners = [nr.Learner(net, rule, update="sequence") for _ in range(2)]
    jobs = [job(learner, x, target, count) for count, learner in enumerate(learners, 1)]
    found = []
    for count, times in enumerate(in_turn(jobs, runs), 1):
        who = f"neuro_rtrl {rule}, {count} thread" + ("s" if count > 1 else "")
        made = Record("batches", who, nr.__version__, case.n, case.density, sequences * steps)
        made.timed(times).details |= {"case": case.name, "sequences": sequences, "threads": count}
        found.append(made)
    same = all((learners[0].gradient[k] == g).all() for k, g in learners[1].gradient.items())
    ratio = (found[0].ms_per_step_median or 0.0) / (found[1].ms_per_step_median or 1.0)
    found[-1].details |= {"same_bits": same, "note": f"{ratio:.2f} times as fast"}
    return found


def measure(
    cases: tuple[Case, ...] = CASES,
    steps: int = 500,
    runs: int = RUNS,
    sequences: int = SEQUENCES,
    rules: tuple[str, ...] = RULES,
    say: Callable[[Record], None] = print,
) -> list[Record]:
    """Every network and rule; exact RTRL where that does not take minutes."""
    found: list[Record] = []
    for case in cases:
        problem = make(case, steps)
        for rule in rules:
            if rule == "rtrl" and case.n > MOST_FOR_RTRL:
                continue
            for record in one(problem, rule, runs, sequences):
                say(record)
                found.append(record)
    return found
