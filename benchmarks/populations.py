"""What does it cost that the units of the benchmark's network are two populations?

The network of `learn` (network.py), its first and second half as populations that hear each other:
the same synapses, spikes and exact gradients. Local rules do not ask who hears whom; `d-rtrl` lets
errors pass between populations, read from a diary or kept in rows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

import neuro_rtrl as nr
from benchmarks.measure import RUNS, seconds
from benchmarks.network import (
    HEIGHT,
    INPUTS,
    OUTPUTS,
    TAU_MS,
    Case,
    Problem,
    describe,
    make,
    relative_error,
)
from benchmarks.record import Record
from neuro_rtrl.registry import find

CASES = (Case(256, 1.0, 1.0), Case(256, 0.1, 0.1), Case(1024, 0.1, 0.1))
MOST_BY_ROWS = 256  # units


def split(problem: Problem) -> nr.Network:
    """The problem's network with its units in two populations."""
    half = problem.case.n // 2
    net = nr.Network(dt="1 ms", seed=1)
    x = net.inputs(INPUTS, name="x")
    options = {"surrogate": nr.Surrogate("triangle", HEIGHT, problem.case.width)}
    options |= {"tau_m": f"{TAU_MS} ms"}
    halves = {
        name: (net.neurons(part.stop - part.start, "lif", name=name, **options), part)
        for name, part in (("a", slice(0, half)), ("b", slice(half, problem.case.n)))
    }
    y = net.neurons(OUTPUTS, "leaky_readout", name="y", tau=f"{TAU_MS} ms")
    for name, (units, mine) in halves.items():
        wired = [(x, units, problem.w_in[:, mine], f"in_{name}")]
        wired.append((units, y, problem.w_out[mine], f"out_{name}"))
        for other, (targets, theirs) in halves.items():
            wired.append((units, targets, problem.w_rec[mine, theirs], f"{name}_{other}"))
        for source, target, weights, title in wired:
            pairs = np.nonzero(weights)
            net.connect(source, target, pairs=pairs, weights=weights[pairs], name=title)
    return net


def one(problem: Problem, net: nr.Network, who: str, rule: Any, runs: int) -> Record:
    """A rule on whole sequences of one of both networks."""
    learner = nr.Learner(net, rule, update="sequence")
    x, target = problem.x[None], problem.target[None]
    case = problem.case
    found = Record("populations", who, nr.__version__, case.n, case.density, x.shape[1])
    found.timed(seconds(lambda: learner.run(x, target, learn=False), runs))
    found.details = {"case": case.name, "ledger": asdict(learner.ledger)}
    hidden = [g for name, g in learner.gradient.items() if not name.startswith("out")]
    found.details["hidden_gradient"] = float(np.linalg.norm(np.concatenate(hidden)))
    return found


def error_of_rows(problem: Problem, net: nr.Network, rule: Any) -> float:
    """Relative difference of `rule` to `d-rtrl` by rows in float64."""
    by_rows = dataclasses.replace(find("rules", "d-rtrl"), windows=False)
    gradients = []
    for chosen, precision in ((rule, "float32"), (by_rows, "float64")):
        learner = nr.Learner(net, chosen, update="sequence", precision=precision)
        learner.run(problem.x[None], problem.target[None], learn=False)
        gradients.append([learner.gradient[name] for name in sorted(learner.gradient)])
    return relative_error(*gradients)


def measure(
    *,
    cases: tuple[Case, ...] = CASES,
    steps: int = 1000,
    runs: int = RUNS,
    say: Callable[[Record], None] = lambda record: None,
) -> list[Record]:
    """All cases; `d-rtrl` by rows, and the difference to it, where that does not take minutes."""
    found = []
    for case in cases:
        problem = make(case, steps)
        whole, halves = describe(problem), split(problem)
        rules = [(name, find("rules", name)) for name in ("eprop", "snap-1", "d-rtrl")]
        jobs = [(f"{n}, one population", whole, r) for n, r in rules]
        jobs += [(f"{n}, two populations", halves, r) for n, r in rules]
        if case.n <= MOST_BY_ROWS:
            rows = dataclasses.replace(find("rules", "d-rtrl"), windows=False)
            jobs.append(("d-rtrl, two populations, by rows", halves, rows))
        for who, net, rule in jobs:
            record = one(problem, net, f"neuro_rtrl {who}", rule, runs)
            if case.n <= MOST_BY_ROWS and who.startswith("d-rtrl, two"):
                record.gradient_error = error_of_rows(problem, net, rule)
            say(record)
            found.append(record)
    return found
