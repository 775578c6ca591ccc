"""Where does exact RTRL win? Time and memory against size, density, activity, surrogate width.

One network (n = 256, 10 %, 3 % of the unit-steps with a spike, half-width 0.3), of which one thing
at a time is changed. Steps are few (T = 200) and start from rest, for everybody; all times are of
the whole sequence.

    rtrl     exact, influence carried to the end        ours
    from end the same program, read from its end        ours
    dense    the same by textbook, all rows             NumPy on BLAS
    live     the same, only rows with psi != 0          NumPy on BLAS
    BPTT     exact, one gradient a sequence             XLA, dense
    e-prop   an approximation                           NEST, `eprop_iaf_bsshslm_2020`
    eprop    the same approximation                     ours

NEST resets by subtraction; its network has a gain that keeps the activity (`nest_learn`). A
crossing is where straight lines between neighbouring points, on logarithmic axes, meet those of
`rtrl`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks import nest_learn, ours, peer_runs
from benchmarks.dense import DenseRtrl
from benchmarks.measure import Peak, windows
from benchmarks.network import Case, Problem, make
from benchmarks.record import Record

STEPS, RUNS, DENSE_STEPS = 200, 3, 3
BASE = Case(256, 0.1, 0.1)
SWEEPS: dict[str, tuple[Case, ...]] = {
    "n": tuple(Case(n, 0.1, 0.1) for n in (32, 64, 128, 256, 512)),
    "density": tuple(Case(256, d, d) for d in (0.01, 0.03, 0.1, 0.3, 1.0)),
    "activity": tuple(Case(256, 0.1, 0.1, rate) for rate in (0.001, 0.003, 0.01, 0.03, 0.1)),
    "width": tuple(Case(256, 0.1, 0.1, width=w) for w in (0.01, 0.03, 0.1, 0.3, 1.0)),
}
LABELS = {
    "n": "units",
    "density": "density of the connections",
    "activity": "share of the unit-steps with a spike",
    "width": "half-width of the surrogate (threshold 1)",
}
RTRL, EPROP = "rtrl", "eprop"
FROM_END = "rtrl, read from the end"
DENSE, LIVE = "dense RTRL on BLAS", "dense RTRL on BLAS, live rows"
BPTT, NEST = "BPTT under XLA", "NEST e-prop"
# Bytes of an influence matrix beyond which dense RTRL is left out.
LARGEST = 6e8


def place(sweep: str, problem: Problem) -> float:
    """Where a problem lies on the axis of a sweep."""
    case = problem.case
    given = {"n": case.n, "density": case.density, "activity": problem.rate, "width": case.width}
    return float(given[sweep])


def dense(problem: Problem, live_rows: bool) -> Record:
    """Dense RTRL from rest: a few steps if all take the same time, else the whole sequence."""
    case, steps = problem.case, len(problem.x) if live_rows else DENSE_STEPS
    found = Record("sweeps", "", np.__version__, case.n, case.density, steps)
    if 4.0 * case.n * problem.parameters > LARGEST:
        found.details["absent"] = "not run: too large"
        return found
    peak = Peak()
    program = DenseRtrl(problem, live_rows)
    found.timed(windows(program.advance, 0 if live_rows else 1, steps, 1))
    found.peak_mb = peak.megabytes()
    return found


def programs(
    problem: Problem, pythons: dict[str, Path | str], runs: int
) -> Iterator[tuple[str, Record]]:
    """Everybody on one problem, by the name in the figure."""
    reference = ours.gradient(problem, "bptt")
    yield RTRL, ours.whole(problem, "rtrl", reference, runs, carried=True)
    yield FROM_END, ours.whole(problem, "rtrl", reference, runs)
    yield EPROP, ours.whole(problem, "eprop", reference, runs)
    yield LIVE, dense(problem, True)
    yield DENSE, dense(problem, False)
    bptt = next(peer for peer in peer_runs.PEERS if peer.who == BPTT)
    yield BPTT, peer_runs.run(bptt, pythons[bptt.environment], problem, reference, runs)
    nest, python = nest_learn.PEERS[0], pythons[nest_learn.ENVIRONMENT]
    own = problem if isinstance(python, str) else nest_learn.calmed(problem)
    yield NEST, peer_runs.run(nest, python, own, reference, runs)


def measure(
    sweeps: Sequence[str] = tuple(SWEEPS),
    *,
    cases: dict[str, tuple[Case, ...]] | None = None,
    peers: bool = False,
    folder: Path | None = None,
    steps: int = STEPS,
    runs: int = RUNS,
    say: Callable[[Record], None] = lambda record: None,
) -> list[Record]:
    """All programs along the chosen axes; crossings are in the details of the last record of each.

    Args:
        sweeps: names of axes.
        cases: networks of each axis.
        peers: whether to install peers; those that are there already are used in any case.
        folder: where their environments are.
    """
    everybody = (*peer_runs.PEERS, nest_learn.PEERS[0])
    pythons = {
        peer.environment: peer_runs.python_of(peer, folder or peer_runs.home(), peers)
        for peer in everybody
        if peer.who in (BPTT, nest_learn.PEERS[0].who)
    }
    # Compiled code comes into memory once, and not at the expense of the first network.
    tiny = make(Case(8, 0.5, 0.5), 40)
    for rule in (RTRL, EPROP):
        ours.gradient(tiny, rule)
    found: list[Record] = []
    for sweep in sweeps:
        mine = []
        for case in (cases or SWEEPS)[sweep]:
            problem = make(case, steps)
            for who, record in programs(problem, pythons, runs):
                record.job, record.who = "sweeps", who
                record.details |= {"sweep": sweep, "at": place(sweep, problem)}
                say(record)
                mine.append(record)
        mine[-1].details["crossings"] = crossings(mine)
        found += mine
    return found


def line(records: list[Record], who: str, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Places and values of a program, where it was measured."""
    points = [(r.details["at"], getattr(r, key)) for r in records if r.who == who]
    there = [(at, value) for at, value in points if value]
    x, y = np.array(there, float).reshape(-1, 2).T
    return x, y


def crossings(records: list[Record], key: str = "ms_per_step_median") -> dict[str, list[float]]:
    """Where `rtrl` meets each other program."""
    x, mine = line(records, RTRL, key)
    found = {}
    for who in (DENSE, LIVE, BPTT, NEST):
        at, theirs = line(records, who, key)
        shared = np.isin(x, at)
        a, gap = np.log(x[shared]), np.log(mine[shared]) - np.log(theirs[np.isin(at, x)])
        (turns,) = np.nonzero(gap[:-1] * gap[1:] < 0)
        share = gap[turns] / (gap[turns] - gap[turns + 1])
        found[who] = [float(c) for c in np.exp(a[turns] + share * (a[turns + 1] - a[turns]))]
    return found
