"""The package's own rules on a problem, timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

import neuro_rtrl as nr
from benchmarks.measure import Peak, seconds, windows
from benchmarks.network import Problem, as_matrices, cosine, describe, relative_error
from benchmarks.record import Record


def gradient(
    problem: Problem, rule: str, precision: str = "float32", **options: Any
) -> list[np.ndarray]:
    """Gradient of the whole stream, as matrices of in, rec, out; `options` of hidden units."""
    net = describe(problem, **options)
    learner = nr.Learner(net, rule, update="sequence", precision=precision)
    learner.run(problem.x[None], problem.target[None], learn=False)
    return as_matrices(net, learner.gradient)


def record(problem: Problem, who: str, steps: int) -> Record:
    """An empty record of ours."""
    case = problem.case
    found = Record("learn", f"neuro_rtrl {who}", nr.__version__, case.n, case.density, steps)
    found.details = {"case": case.name, "rate": problem.rate, "live": problem.live}
    return found


def compared(found: Record, given: list[np.ndarray], reference: list[np.ndarray]) -> Record:
    """The record with the difference between two gradients."""
    found.gradient_error = relative_error(given, reference)
    found.details["cosine"] = cosine(given, reference)
    # The readout's weights need no credit through time, and their gradient is the largest part.
    found.details["cosine_hidden"] = cosine(given[:2], reference[:2])
    return found


def whole(
    problem: Problem,
    rule: str,
    reference: list[np.ndarray],
    runs: int,
    carried: bool = False,
    **options: Any,
) -> Record:
    """A rule on whole sequences from the initial state: one call of `run` each.

    Args:
        carried: influence is, as if an update (without an optimizer: none) followed the last step.
    """
    peak = Peak()
    net = describe(problem, **options)
    learner = nr.Learner(net, rule, update=len(problem.x) if carried else "sequence")
    x, target = problem.x[None], problem.target[None]
    found = record(problem, rule, len(problem.x))
    learner.run(x[:, :2], target[:, :2], learn=False)
    start = time.perf_counter()
    learner.run(x, target, learn=carried)
    # Compiled, but room for columns has still to be made.
    found.details["first_run_s"] = time.perf_counter() - start
    found.timed(seconds(lambda: learner.run(x, target, learn=carried), runs))
    found.peak_mb = peak.megabytes()
    found.details["ledger"] = asdict(learner.ledger)
    return compared(found, as_matrices(net, learner.gradient), reference)


def _stepper(learner: nr.Learner, problem: Problem) -> Callable[[int], None]:
    """Advance by some steps, going round in the stream."""
    place = 0

    def advance(steps: int) -> None:
        nonlocal place
        for _ in range(steps):
            learner.step(problem.x[place], problem.target[place])
            place = (place + 1) % len(problem.x)

    return advance


def stepwise(problem: Problem, rule: str, warm: int, window: int, runs: int) -> Record:
    """A rule step by step through `Learner.step`, after `warm` steps; no optimizer."""
    peak = Peak()
    learner = nr.Learner(describe(problem), rule)
    found = record(problem, f"{rule} (step)", window)
    found.timed(windows(_stepper(learner, problem), warm, window, runs))
    found.peak_mb = peak.megabytes()
    found.details |= {"warm": warm, "ledger": asdict(learner.ledger)}
    return found


def learning(problem: Problem, rule: str, runs: int) -> Record:
    """Fully online: gradient and a step of Adam after every step. The rate is so small that the
    activity stays what it is."""
    learner = nr.Learner(describe(problem), rule, optimizer=nr.Adam(1e-7))
    advance, steps = _stepper(learner, problem), len(problem.x)

    def job() -> None:
        learner.reset()
        advance(steps)

    return record(problem, f"{rule} + Adam (step)", steps).timed(seconds(job, runs))


def simulation(problem: Problem, runs: int) -> Record:
    """Forward steps only; `simulate` builds the network anew: the time of one step is taken off."""
    net, steps = describe(problem), len(problem.x)
    first = min(seconds(lambda: nr.simulate(net, problem.x[:1]), runs))
    times = seconds(lambda: nr.simulate(net, problem.x), runs)
    found = record(problem, "simulation alone", steps)
    return found.timed([max(t - first, 0.0) for t in times], max(steps - 1, 1))
