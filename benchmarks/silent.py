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
from benchmarks.measure import RUNS, seconds, windows
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


def with_silent(problem: Problem, share: float, heard: float, runs: int) -> Record:
    """A run with `share * n` units without events."""
    n = problem.case.n
    learner = nr.Learner(widened(problem, int(share * n), heard), update="sequence")
    x, target = problem.x[None], problem.target[None]
    who = "hearing units" if heard else "silent units"
    found = Record("silent", who, nr.__version__, n + int(share * n), 0.1, len(problem.x))
    found.timed(seconds(lambda: learner.run(x, target, learn=False), runs))
    ledger = learner.ledger
    found.details |= {
        "silent": int(share * n),
        "live_per_step": ledger.sensitive / ledger.steps,
        "multiply_adds_per_step": ledger.multiply_adds / ledger.steps,
    }
    return found


def nothing(problem: Problem, runs: int) -> Record:
    """Steps in which nothing happens at all."""
    learner = nr.Learner(widened(problem, 0, 0.0), update="sequence")
    x, target = np.zeros_like(problem.x)[None], problem.target[None]
    found = Record("silent", "no event", nr.__version__, problem.case.n, 0.1, len(problem.x))
    return found.timed(seconds(lambda: learner.run(x, target, learn=False), runs))


def scaled(problem: Problem, rate: float) -> Problem:
    """The same network with a gain at which `rate` of the unit-steps spike."""
    low, high = 1e-2, 1.0
    for _ in range(16):
        gain = float(np.sqrt(low * high))
        now = activity(gain * problem.w_in, gain * problem.w_rec, problem.x, problem.case.width)
        low, high = (gain, high) if now[0] < rate else (low, gain)
    return dataclasses.replace(problem, w_in=low * problem.w_in, w_rec=low * problem.w_rec)


def active(problem: Problem, strong: Problem, who: str, warm: int, size: int, runs: int) -> Record:
    """Time of a step after `warm` steps of the `strong` network, in which columns come into use."""
    net = widened(problem, 0, 0.0)
    learner = nr.Learner(net)
    weights = {name: values.copy() for name, values in learner.parameters.items()}
    learner.set_parameters(nr.Learner(widened(strong, 0, 0.0)).parameters)
    busy = stream(np.random.default_rng(5), warm)
    for x in busy:
        learner.step(x)
    learner.set_parameters(weights)
    before, place = learner.ledger, 0

    def advance(steps: int) -> None:
        nonlocal place
        for _ in range(steps):
            learner.step(problem.x[place % len(problem.x)], problem.target[0])
            place += 1

    advance(100)
    before = learner.ledger
    times = windows(advance, 0, size, runs)
    after = learner.ledger
    found = Record("silent", who, nr.__version__, problem.case.n, 0.1, size).timed(times)
    steps = after.steps - before.steps
    found.details |= {
        "width": problem.case.width,
        "live_per_step": (after.sensitive - before.sensitive) / steps,
        "multiply_adds_per_step": (after.multiply_adds - before.multiply_adds) / steps,
    }
    return found


def fit(records: list[Record], key: str) -> tuple[float, float, float]:
    """Least squares of the median time against a detail: ms at zero, ms per unit, R^2."""
    x = np.array([r.details[key] for r in records])
    y = np.array([r.ms_per_step_median for r in records], float)
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
    """All three questions; the fits are the details of the last records."""
    problem = make(case, steps)
    found = []

    def keep(record: Record) -> None:
        say(record)
        found.append(record)

    for heard in (0.0, FAINT):
        for share in SHARES:
            keep(with_silent(problem, share, heard, runs))
    keep(nothing(problem, runs))
    warm, size = min(steps, 600), min(steps, 200)
    by_rate = [scaled(problem, rate) for rate in rates]
    by_width = [
        dataclasses.replace(problem, case=dataclasses.replace(case, width=w)) for w in widths
    ]
    for who, problems in (("activity by gain", by_rate), ("activity by width", by_width)):
        for one in problems:
            keep(active(one, problem, who, warm, size, runs))
        mine = [r for r in found if r.who == who]
        for key in ("live_per_step", "multiply_adds_per_step"):
            offset, slope, r2 = fit(mine, key)
            mine[-1].details[f"fit_{key}"] = {"ms_at_zero": offset, "ms_each": slope, "r2": r2}
    return found
