"""e-prop in NEST and here, on one network: the problem's, but for the reset.

NEST's e-prop units reset by subtraction of the threshold, the 2020 model after the decay of the
step. So our network is given that reset, a smaller gain by which its activity is what it was, and
`eprop` is timed on it beside NEST. The reference of both gradient errors is our `bptt` of the same
network, of which e-prop is an approximation. `details.error_to_ours` is NEST's difference to our
`eprop` in float64, which computes the same; `eprop_iaf` streams on, so that its end is not sharp.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import ours
from benchmarks.network import Problem, activity, relative_error
from benchmarks.peer_runs import NEST, Peer, answer, filled
from benchmarks.record import Record

ENVIRONMENT = "nest"
HALVINGS = 14
MODELS = ("eprop_iaf_bsshslm_2020", "eprop_iaf")
PEERS = tuple(
    Peer(f"NEST {model}", ENVIRONMENT, NEST, "nest_eprop.py", variant=model) for model in MODELS
)


def same_reset(problem: Problem, model: str) -> dict[str, Any]:
    """Options of hidden units with the reset of a model: ours comes before the next decay."""
    jump = 1.0 / problem.alpha if model.endswith("2020") else 1.0
    return {"reset": f"v -= {jump!r}", "reset_gradient": False}


def calmed(problem: Problem) -> Problem:
    """With a gain at which a reset by subtraction leaves the activity as it was asked for."""
    case, low, high = problem.case, 1e-2, 2.0
    wanted, which = (case.rate, 0) if case.live is None else (case.live, 1)
    for _ in range(HALVINGS):
        gain = float(np.sqrt(low * high))
        w = gain * problem.w_in, gain * problem.w_rec
        found = activity(*w, problem.x, case.width, jump=1.0)
        low, high = (gain, high) if found[which] < wanted else (low, gain)
    w_in, w_rec = low * problem.w_in, low * problem.w_rec
    rate, live = activity(w_in, w_rec, problem.x, case.width, jump=1.0)
    return dataclasses.replace(problem, w_in=w_in, w_rec=w_rec, rate=rate, live=live)


def theirs(
    peer: Peer, python: Path, problem: Problem, exact: list[np.ndarray], runs: int
) -> Record:
    """NEST's e-prop on the problem with its own reset."""
    found = named(peer, problem)
    gradient = filled(found, answer(peer, python, problem, runs))
    if gradient is None:
        return found
    found.details["rate"] = found.details["spikes"] / (problem.case.n * len(problem.x))
    same = ours.gradient(problem, "eprop", "float64", **same_reset(problem, peer.variant))
    found.details["error_to_ours"] = relative_error(gradient, same)
    return ours.compared(found, gradient, exact)


def named(peer: Peer, problem: Problem) -> Record:
    """A record without figures."""
    case = problem.case
    found = Record("learn", peer.who, "", case.n, case.density, len(problem.x))
    found.details["case"] = case.name
    return found


def measure(problem: Problem, python: Path | str, runs: int) -> Iterator[Record]:
    """Our `eprop` and NEST's, one after the other."""
    if isinstance(python, str):
        for peer in PEERS:
            found = named(peer, problem)
            found.details["absent"] = python
            yield found
        return
    problem = calmed(problem)
    for peer in PEERS:
        options = same_reset(problem, peer.variant)
        exact = ours.gradient(problem, "bptt", "float64", **(options | {"reset_gradient": True}))
        record = ours.whole(problem, "eprop", exact, runs, **options)
        record.who += f", reset of {peer.who}"
        yield record
        yield theirs(peer, python, problem, exact, runs)
