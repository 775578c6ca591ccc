"""Does cost follow events? Three questions on the network of 256 units, 10 %.

silent    n, 2n and 4n more units that never have an event: they are wired to the active units and
          to each other (10 %), but hear nothing that ever happens. Time must stay.
hearing   the same number of units that do hear the active ones, but too faintly to come near the
          threshold: they have no events, yet their rows of the influence matrix change with each
          event that they hear. That is work, and is shown as such.
activity  time of a step against live events (psi != 0), over two decades: by the gain, and by the
          surrogate's half-width. All columns are in use before the clock starts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

import neuro_rtrl as nr
from benchmarks.measure import RUNS, in_turn
from benchmarks.network import (
    HEIGHT,
    INPUTS,
    OUTPUTS,
    TAU_MS,
    Case,
    Problem,
    activity,
    make,
    stream,
)
from benchmarks.record import Record

CASE = Case(256, 0.1, 0.1)
SHARES = (0.0, 1.0, 2.0, 4.0)
FAINT = 1e-4
STILL = 8  # times as many steps where nothing happens
RATES = (0.0003, 0.001, 0.003, 0.01, 0.02, 0.03)
WIDTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 0.6, 1.0)


def widened(problem: Problem, extra: int, heard: float) -> nr.Network:
    """The problem's network and `extra` units; the weights of what they hear are `heard` (0: no
    synapse) times normal."""
    n, rng = problem.case.n, np.random.default_rng(7)
    net = nr.Network(dt="1 ms", seed=1)
    x = net.inputs(INPUTS, name="x")
    triangle = nr.Surrogate("triangle", HEIGHT, problem.case.width)
    hidden = net.neurons(n + extra, "lif", name="hidden", tau_m=f"{TAU_MS} ms", surrogate=triangle)
    y = net.neurons(OUTPUTS, "leaky_readout", name="y", tau=f"{TAU_MS} ms")
    w = np.zeros((n + extra, n + extra))
    there = rng.random(w.shape) < problem.case.density
    w[there] = rng.normal(size=int(there.sum())) / np.sqrt(problem.case.density * n)
    w[:n, n:] *= heard
    w[:n, :n] = problem.w_rec
    for name, source, target, weights in (
        ("in", x, hidden, np.pad(problem.w_in, ((0, 0), (0, extra)))),
        ("rec", hidden, hidden, w),
        ("out", hidden, y, np.pad(problem.w_out, ((0, extra), (0, 0)), constant_values=0.1)),
    ):
        pre, post = np.nonzero(weights)
        net.connect(source, target, pairs=(pre, post), weights=weights[pre, post], name=name)
    return net


def with_width(problem: Problem, width: float) -> Problem:
    """The same network with another half-width of the surrogate: the same spikes."""
    return dataclasses.replace(problem, case=dataclasses.replace(problem.case, width=width))


@dataclasses.dataclass
class Job:
    """A learner ready to run, and the record of what it will take."""

    record: Record
    learner: nr.Learner
    run: Callable[[], object]


def whole(problem: Problem, who: str, share: float, heard: float, carried: bool = True) -> Job:
    """Whole runs with `share * n` units without events more.

    Args:
        carried: influence is, as an update follows the last step; else the sequence is read from
            its end.
    """
    n, update = problem.case.n, len(problem.x) if carried else "sequence"
    learner = nr.Learner(widened(problem, int(share * n), heard), update=update)
    x, target = problem.x[None], problem.target[None]
    steps, density = len(problem.x), problem.case.density
    record = Record("silent", who, nr.__version__, n + int(share * n), density, steps)
    record.details["silent"] = int(share * n)
    return Job(record, learner, lambda: learner.run(x, target))


def scaled(problem: Problem, rate: float) -> Problem:
    """The same network with a gain at which `rate` of the unit-steps spike."""
    low, high = 1e-2, 1.0
    for _ in range(16):
        gain = float(np.sqrt(low * high))
        now = activity(gain * problem.w_in, gain * problem.w_rec, problem.x, problem.case.width)
        low, high = (gain, high) if now[0] < rate else (low, gain)
    return dataclasses.replace(problem, w_in=low * problem.w_in, w_rec=low * problem.w_rec)


def active(problem: Problem, strong: Problem, who: str, warm: int, size: int) -> Job:
    """Steps after `warm` steps of the `strong` network, in which columns come into use."""
    learner = nr.Learner(widened(problem, 0, 0.0))
    weights = {name: values.copy() for name, values in learner.parameters.items()}
    learner.set_parameters(nr.Learner(widened(strong, 0, 0.0)).parameters)
    for x in stream(np.random.default_rng(5), warm):
        learner.step(x)
    learner.set_parameters(weights)
    place = 0

    def advance() -> None:
        nonlocal place
        for _ in range(size):
            learner.step(problem.x[place], problem.target[0])
            place = (place + 1) % len(problem.x)

    record = Record("silent", who, nr.__version__, problem.case.n, problem.case.density, size)
    record.details["width"] = problem.case.width
    return Job(record, learner, advance)


def finish(jobs: list[Job], runs: int) -> list[Record]:
    """Time all jobs in turn, after one turn that is not counted; the ledger counts with them."""
    for job in jobs:
        job.run()
    before = [job.learner.ledger for job in jobs]
    for job, old, times in zip(jobs, before, in_turn([j.run for j in jobs], runs), strict=True):
        job.record.timed(times)
        new = job.learner.ledger
        steps = new.steps - old.steps
        for name in ("sensitive", "spikes", "multiply_adds"):
            mean = (getattr(new, name) - getattr(old, name)) / steps
            job.record.details[f"{name}_per_step"] = mean
    return [job.record for job in jobs]


def fit(records: list[Record], key: str) -> tuple[float, float, float]:
    """Least squares of the shortest time against a detail: ms at zero, ms per unit, R^2."""
    x = np.array([r.details[key] for r in records])
    y = np.array([r.ms_per_step_min for r in records], float)
    slope, offset = np.polyfit(x, y, 1)
    rest = y - offset - slope * x
    return float(offset), float(slope), float(1.0 - rest @ rest / ((y - y.mean()) @ (y - y.mean())))


def measure(
    *,
    case: Case = CASE,
    steps: int = 1000,
    runs: int = RUNS,
    rates: tuple[float, ...] = RATES,
    widths: tuple[float, ...] = WIDTHS,
    say: Callable[[Record], None] = lambda record: None,
) -> list[Record]:
    """All three questions; the fits are in the details of the last record of each sweep."""
    problem = make(case, steps)
    # A call of so few steps without events would be half over before they begin.
    long = (STILL, 1)
    still = problem.with_stream(
        np.tile(np.zeros_like(problem.x), long), np.tile(problem.target, long)
    )
    jobs = [whole(problem, "silent units", share, 0.0) for share in SHARES]
    jobs += [whole(problem, "hearing units", share, FAINT) for share in SHARES]
    read = "silent units, read from the end"
    jobs += [whole(problem, read, share, 0.0, carried=False) for share in SHARES]
    found = finish([*jobs, whole(still, "no event", 0.0, 0.0)], runs)
    warm, size = min(steps, 600), min(steps, 200)
    sweeps = {
        "activity by gain": [scaled(problem, rate) for rate in rates],
        "activity by width": [with_width(problem, width) for width in widths],
    }
    for who, problems in sweeps.items():
        mine = finish([active(one, problem, who, warm, size) for one in problems], runs)
        for key in ("sensitive_per_step", "multiply_adds_per_step"):
            offset, slope, r2 = fit(mine, key)
            mine[-1].details[f"fit_{key}"] = {"ms_at_zero": offset, "ms_each": slope, "r2": r2}
        found += mine
    for record in found:
        say(record)
    return found
