"""How long does a gradient take? Exact RTRL, other rules and peers on one network of each size.

All are fed the same weights, inputs and targets and keep to one core. The reference of every
gradient error is the package's `bptt` in float64, which dense RTRL, PyTorch and XLA confirm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks import nest_learn, ours, peer_runs
from benchmarks.dense import DenseRtrl
from benchmarks.measure import RUNS, Peak, windows
from benchmarks.network import Case, Problem, make
from benchmarks.record import Record

RULES = ("snap-2", "snap-1", "d-rtrl", "eprop")
CHECKED_STEPS = 40


@dataclass(frozen=True)
class Plan:
    """How to measure a case.

    Attributes:
        whole: whether exact RTRL can be repeated from the initial state; else it is measured in
            windows of steps after a warm start.
        warm, window: steps of these.
        full, live: windows of dense RTRL (all rows, live rows); 0: not run.
        absent: the package's rules that are not run, and why.
    """

    case: Case
    whole: bool = True
    warm: int = 150
    window: int = 10
    full: int = 10
    live: int = 20
    absent: dict[str, str] = field(default_factory=dict)


WIDE = "not run: every event keeps room for all columns, and there are a million"
PLANS = (
    Plan(Case(64, 1.0, 1.0), full=50, live=200),
    Plan(Case(256, 1.0, 1.0), whole=False, full=4, live=10, absent={"snap-2": "is rtrl here"}),
    Plan(
        Case(1024, 1.0, 1.0),
        full=0,
        live=0,
        absent={"rtrl": "not run: 4.7 GB and 8e10 multiply-adds a step"} | {"snap-2": WIDE},
    ),
    Plan(Case(256, 0.1, 0.1), full=20, live=100),
    Plan(
        Case(1024, 0.1, 0.1),
        whole=False,
        full=1,
        live=2,
        absent={"snap-2": "not run: half a million segments a step"},
    ),
    Plan(Case(1024, 0.01, 0.01, live=0.02), full=2, live=20),
    Plan(Case(1024, 0.01, 0.1, live=0.02), full=2, live=10),
)


def dense(problem: Problem, live_rows: bool, warm: int, window: int, runs: int) -> Record:
    """Dense RTRL in NumPy, and its error on the first steps."""
    peak = Peak()
    program = DenseRtrl(problem, live_rows)
    case, who = problem.case, "live rows" if live_rows else "all rows"
    found = Record(
        "learn", f"dense RTRL on BLAS, {who}", np.__version__, case.n, case.density, window
    )
    found.details = {"case": case.name, "rate": problem.rate, "live": problem.live, "warm": warm}
    found.timed(windows(program.advance, warm, window, runs))
    found.peak_mb = peak.megabytes()
    if case.n * program.P.shape[1] < 2e7:
        short = problem.cut(CHECKED_STEPS)
        program.reset()
        program.advance(CHECKED_STEPS)
        ours.compared(found, program.gradient(), ours.gradient(short, "bptt"))
        found.details["error_steps"] = CHECKED_STEPS
    return found


def left_out(plan: Plan, problem: Problem, rule: str) -> Record:
    """A record that says why a rule of ours was not run."""
    found = ours.record(problem, rule, len(problem.x))
    found.details["absent"] = plan.absent[rule]
    return found


def exact(plan: Plan, problem: Problem, reference: list[np.ndarray], runs: int) -> Iterator[Record]:
    """The rule `rtrl`: one call, step by step, and learning."""
    if "rtrl" in plan.absent:
        yield left_out(plan, problem, "rtrl")
    elif plan.whole:
        yield ours.whole(problem, "rtrl", reference, runs)
        yield ours.stepwise(problem, "rtrl", plan.warm, 200, runs)
        yield ours.learning(problem, "rtrl", runs)
    else:
        found = ours.stepwise(problem, "rtrl", plan.warm, plan.window, runs)
        short = problem.cut(CHECKED_STEPS)
        wanted = ours.gradient(short, "bptt")
        found.details["error_steps"] = CHECKED_STEPS
        yield ours.compared(found, ours.gradient(short, "rtrl"), wanted)


def one_case(
    plan: Plan, pythons: dict[str, Path | str], rules: tuple[str, ...], steps: int, runs: int
) -> Iterator[Record]:
    """Everybody on one network."""
    problem = make(plan.case, steps)
    reference = ours.gradient(problem, "bptt")
    yield ours.simulation(problem, runs)
    yield ours.whole(problem, "bptt", reference, runs)
    yield from exact(plan, problem, reference, runs)
    for rule in rules:
        if rule in plan.absent:
            yield left_out(plan, problem, rule)
        else:
            yield ours.whole(problem, rule, reference, runs)
    if plan.full:
        yield dense(problem, False, min(plan.full, plan.warm), plan.full, runs)
    if plan.live:
        yield dense(problem, True, min(50, plan.warm), plan.live, runs)
    for peer in peer_runs.PEERS:
        if not (peer.sparse and plan.case.density == 1.0):
            yield peer_runs.run(peer, pythons[peer.environment], problem, reference, runs)
    yield from nest_learn.measure(problem, pythons[nest_learn.ENVIRONMENT], runs)


def measure(
    plans: tuple[Plan, ...] = PLANS,
    *,
    peers: bool = False,
    folder: Path | None = None,
    rules: tuple[str, ...] = RULES,
    steps: int = 1000,
    runs: int = RUNS,
    say: Callable[[Record], None] = lambda record: None,
) -> list[Record]:
    """All cases.

    Args:
        peers: whether to install peers; those that are there already are used in any case.
        folder: where their environments are.
        rules: of the package, beside `rtrl` and `bptt`.
        say: called with every record as it comes.
    """
    home = folder or peer_runs.home()
    everybody = (*peer_runs.PEERS, *nest_learn.PEERS)
    pythons = {p.environment: peer_runs.python_of(p, home, peers) for p in everybody}
    found = []
    for plan in plans:
        for record in one_case(plan, pythons, rules, steps, runs):
            say(record)
            found.append(record)
    return found
