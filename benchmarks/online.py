"""What does it cost to learn while the network runs: an update of the weights every k steps?

The network of `learn` (network.py), T = 1000, local rules and `rtrl` with Adam or plain descent;
`Learner.run` once for all steps, `Learner.step` for each, and BrainTrace's `D_RTRL` with the same
optimizer after every step in a loop under XLA. Rates are so small that the activity stays what it
is. By how much a run has changed the weights is compared with what BrainTrace has changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import neuro_rtrl as nr
from benchmarks import peer_runs
from benchmarks.measure import RUNS, seconds
from benchmarks.network import Case, Problem, as_matrices, cosine, describe, make
from benchmarks.peer_runs import XLA, Peer
from benchmarks.record import Record

DENSE = (Case(64, 1.0, 1.0), Case(256, 1.0, 1.0), Case(1024, 1.0, 1.0))
CASES = (*DENSE, Case(256, 0.1, 0.1), Case(1024, 0.1, 0.1))
RATE = 1e-5
MOST_ROWS = 1 << 14  # synapses, up to which `rtrl` is measured
SCRIPT = "braintrace_online.py"
PEERS = tuple(
    Peer(f"BrainTrace D_RTRL + {o}{form}", "braintrace", XLA, SCRIPT, bool(form), f"D_RTRL-{o}")
    for o in ("adam", "sgd")
    for form in ("", ", sparse")
)
OPTIMIZERS = {"adam": nr.Adam, "sgd": nr.Sgd}


@dataclass(frozen=True)
class Way:
    """To learn.

    Attributes:
        rule: by its name.
        optimizer: "adam" or "sgd".
        every: steps from one update to the next.
        steps: whether `Learner.step` is called for each, or `run` once.
    """

    rule: str
    optimizer: str = "adam"
    every: int = 1
    steps: bool = False

    @property
    def who(self) -> str:
        """As in tables."""
        how = "Learner.step" if self.steps else f"every {self.every}"
        return f"neuro_rtrl {self.rule} + {self.optimizer}, {how}"


WAYS = (
    *(Way("d-rtrl", optimizer, every) for optimizer in OPTIMIZERS for every in (1, 10, 100)),
    *(Way(rule, "adam", every) for rule in ("eprop", "snap-1", "rtrl") for every in (1, 10)),
    *(Way(rule, "sgd") for rule in ("eprop", "snap-1")),
    Way("d-rtrl", steps=True),
)


def learned(problem: Problem, way: Way, runs: int) -> tuple[Record, list[np.ndarray]]:
    """A way to learn, timed; and the change of the weights in the first run."""
    net, case = describe(problem), problem.case
    optimizer = OPTIMIZERS[way.optimizer](RATE)
    learner = nr.Learner(net, way.rule, optimizer, update=way.every)
    before = {name: values.copy() for name, values in learner.parameters.items()}

    def job() -> None:
        if not way.steps:
            learner.run(problem.x[None], problem.target[None])
            return
        learner.reset()
        for x, target in zip(problem.x, problem.target, strict=True):
            learner.step(x, target)

    job()
    change = {name: values - before[name] for name, values in learner.parameters.items()}
    found = Record("online", way.who, nr.__version__, case.n, case.density, len(problem.x))
    found.timed(seconds(job, runs))
    found.details["case"] = case.name
    return found, as_matrices(net, change)


def beside(peer: Peer, python: Path | str, problem: Problem, ours: Way, runs: int) -> Record:
    """A peer on the same problem, and the cosine of its change of the weights to ours."""
    case = problem.case
    found = Record("online", peer.who, "", case.n, case.density, len(problem.x))
    found.details["case"] = case.name
    change = peer_runs.filled(found, peer_runs.answer(peer, python, problem, runs))
    if change is not None:
        _, own = learned(problem, ours, 1)
        found.details["cosine_of_change"] = cosine(change, own)
    return found


def measure(
    *,
    cases: tuple[Case, ...] = CASES,
    steps: int = 1000,
    runs: int = RUNS,
    peers: bool = False,
    folder: Path | None = None,
    say: Callable[[Record], None] = lambda record: None,
) -> list[Record]:
    """All cases and ways; peers where they are installed, or may be."""
    found = []
    for case in cases:
        problem = make(case, steps)
        synapses = np.count_nonzero(problem.w_in) + np.count_nonzero(problem.w_rec)
        for way in WAYS:
            if way.rule != "rtrl" or synapses <= MOST_ROWS:
                found.append(learned(problem, way, runs)[0])
                say(found[-1])
        for peer in PEERS:
            if peer.sparse and case.density == 1.0:
                continue
            python = peer_runs.python_of(peer, folder or peer_runs.home(), peers)
            ours = Way("d-rtrl", peer.variant.rpartition("-")[2])
            found.append(beside(peer, python, problem, ours, runs))
            say(found[-1])
    return found
