"""Are multiply-adds near the least possible? Counted by a program of its own, beside the ledger.

    least = sum over live sources l of fan-out(l) x entries of row l that are not zero

The count knows nothing of the package's rows and columns: it walks through a network of LIF units
with a reset to 0 in plain NumPy and keeps one truth value for each unit and parameter, whether
influence is there (DESIGN: rows, columns and mask in one). A spike whose surrogate is zero empties
its row. Spikes and live events must be those of the ledger, or the comparison is void.

The ledger counts besides: entries read at an event, own blocks, the gradient's pass over the rows
of readouts, and entries that are zero but within the columns in use.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import neuro_rtrl as nr
from benchmarks.model import by_rows
from benchmarks.network import HEIGHT, INPUTS, OUTPUTS, TAU_MS, WIDTH, Case, describe, make, stream
from benchmarks.record import Record

CASES = (
    Case(64, 1.0, 1.0),
    Case(256, 0.1, 0.1),
    Case(256, 0.1, 0.1, rate=0.005),
    Case(1024, 0.01, 0.01, live=0.02),
    Case(1024, 0.01, 0.1, live=0.02),
)
PAIR, PAIR_DENSITY, PAIR_RATE, HALVINGS = 128, 0.1, 0.03, 12


@dataclass(frozen=True)
class Wires:
    """All synapses of a network, by number of their parameter; units are numbered through.

    Attributes:
        first: population -> number of its first unit.
        spiking: (units,) whether a unit has a threshold (inputs and readouts have none).
        pre, post, weight, delay: (parameters,).
        leaving: numbers of the synapses of each unit, in order of the delay.
    """

    first: dict[str, int]
    spiking: np.ndarray
    pre: np.ndarray
    post: np.ndarray
    weight: np.ndarray
    delay: np.ndarray
    leaving: list[np.ndarray]


def wires(net: nr.Network) -> Wires:
    """The synapses of a description."""
    first, spiking, units = {}, [], 0
    for name, population in net.populations.items():
        first[name] = units
        units += population.n
        thresholded = population.model is not None and population.model.threshold is not None
        spiking.append(np.full(population.n, thresholded))
    parts = net.projections.values()
    pre = np.concatenate([p.pre + first[p.source.name] for p in parts])
    post = np.concatenate([p.post + first[p.target.name] for p in parts])
    weight = np.concatenate([p.weights for p in parts])
    delay = np.concatenate([np.broadcast_to(p.delay, p.pre.shape) for p in parts]).astype(int)
    order = np.lexsort((delay, pre))
    leaving = np.split(order, np.searchsorted(pre[order], np.arange(1, units)))
    return Wires(first, np.concatenate(spiking), pre, post, weight, delay, leaving)


class Walk:
    """A network walked through step by step; `rows` are kept unless only the activity is asked."""

    def __init__(self, wired: Wires, width: float, gain: float = 1.0, rows: bool = True) -> None:
        self.wired, self.width, self.gain = wired, width, gain
        units, parameters = wired.spiking.size, wired.pre.size
        self.v = np.zeros(units)
        self.there = np.zeros((units, parameters if rows else 0), bool)
        self.under_way: defaultdict[int, list[tuple[np.ndarray, bool, np.ndarray | None]]]
        self.under_way = defaultdict(list)
        self.spikes = self.live = self.least = 0

    def run(self, x: np.ndarray) -> Walk:
        """Steps of the inputs (steps, inputs), which are the first units."""
        for t, sent in enumerate(x):
            self._step(t, np.flatnonzero(sent))
        return self

    def _step(self, t: int, inputs: np.ndarray) -> None:
        spiking = self.wired.spiking
        self.v[spiking] *= np.exp(-1.0 / TAU_MS)
        fired = spiking & (self.v > 1.0)
        live = spiking & (np.abs(self.v - 1.0) < self.width)
        for unit in inputs:
            self._send(t, unit, True, None)
        kept = {}
        for unit in np.flatnonzero(fired | live):
            row = self.there[unit].copy() if live[unit] else None
            self._send(t, unit, bool(fired[unit]), row)
            kept[unit] = row
        for synapses, spike, row in self.under_way.pop(t, []):
            self._arrive(synapses, spike, row)
        self.v[fired] = 0.0
        for unit in np.flatnonzero(fired):
            # A reset to 0 leaves - v q, and nothing where psi is zero.
            self.there[unit] = False if kept[unit] is None else kept[unit]
        self.spikes += int(fired.sum())
        self.live += int(live.sum())

    def _send(self, t: int, unit: int, spike: bool, row: np.ndarray | None) -> None:
        synapses = self.wired.leaving[unit]
        delay = self.wired.delay[synapses]
        for part in np.split(synapses, np.flatnonzero(np.diff(delay)) + 1):
            if part.size:
                self.under_way[t + int(self.wired.delay[part[0]])].append((part, spike, row))

    def _arrive(self, synapses: np.ndarray, spike: bool, row: np.ndarray | None) -> None:
        targets = self.wired.post[synapses]
        if row is not None:
            self.least += synapses.size * int(np.count_nonzero(row))
            if row.size:
                self.there[targets] |= row
        if spike:
            np.add.at(self.v, targets, self.gain * self.wired.weight[synapses])
            if self.there.shape[1]:
                self.there[targets, synapses] = True


def pair(gain: float = 1.0, seed: int = 3) -> nr.Network:
    """Two populations that hear each other after 1 to 3 ms, and a readout of both."""
    net = nr.Network(dt="1 ms", seed=seed)
    x = net.inputs(INPUTS, name="x")
    shape = nr.Surrogate("triangle", HEIGHT, WIDTH)
    both = [
        net.neurons(PAIR, "lif", name=name, tau_m=f"{TAU_MS} ms", surrogate=shape) for name in "ab"
    ]
    y = net.neurons(OUTPUTS, "leaky_readout", name="y", tau=f"{TAU_MS} ms")
    deviation = gain / float(np.sqrt(PAIR_DENSITY * INPUTS))
    for unit in both:
        weights = f"normal(0, {deviation!r})"
        net.connect(x, unit, density=PAIR_DENSITY, weights=weights)
        for other in both:
            between = 0.5 * gain / float(np.sqrt(PAIR_DENSITY * PAIR))
            weights = f"normal(0, {between!r})"
            delay = "0 ms" if other is unit else "uniform(1 ms, 3 ms)"
            net.connect(other, unit, density=PAIR_DENSITY, weights=weights, delay=delay)
        net.connect(unit, y, weights=f"normal(0, {1.0 / float(np.sqrt(PAIR))!r})")
    return net


def lively(x: np.ndarray) -> nr.Network:
    """The pair at a gain at which `PAIR_RATE` of the unit-steps spike."""
    low, high = 0.05, 50.0
    for _ in range(HALVINGS):
        gain = float(np.sqrt(low * high))
        spikes = Walk(wires(pair(gain)), WIDTH, rows=False).run(x[:200]).spikes
        low, high = (gain, high) if spikes < PAIR_RATE * 2 * PAIR * 200 else (low, gain)
    return pair(low)


def compared(
    net: nr.Network, x: np.ndarray, target: np.ndarray, width: float, windows: bool = False
) -> Record:
    """The ledger of a run of `rtrl`, step by step or in windows, beside the least possible."""
    # An update behind the last step keeps influence: what ends with a sequence is not replayed.
    rule, update = ("rtrl", len(x)) if windows else (by_rows(), "sequence")
    learner = nr.Learner(net, rule=rule, update=update)
    learner.run(x[None], target[None])
    ledger, walk = learner.ledger, Walk(wires(net), width).run(x)
    n = int(walk.wired.spiking.sum())
    who = "neuro_rtrl rtrl" + (", windows" if windows else "")
    found = Record("least", who, nr.__version__, n, 0.0, len(x))
    steps = len(x)
    found.details = {
        "spikes": walk.spikes,
        "live_per_step": walk.live / steps,
        "least_per_step": walk.least / steps,
        "counted_per_step": ledger.multiply_adds / steps,
        "counted_over_least": ledger.multiply_adds / max(walk.least, 1),
    }
    if (walk.spikes, walk.live) != (ledger.spikes, ledger.sensitive):
        found.details["absent"] = f"other events: {ledger.spikes} spikes, {ledger.sensitive} live"
    return found


def later(net: nr.Network, x: np.ndarray, target: np.ndarray, width: float) -> Record:
    """By rows, of the second half of a sequence: most paths from parameters to rows are there."""
    half = len(x) // 2
    begun, found = (compared(net, x[:k], target[:k], width) for k in (half, len(x)))
    found.who += f", steps {half} to {len(x)}"
    before, after = begun.details, found.details
    after |= {k: 2 * after[k] - before[k] for k in ("least_per_step", "counted_per_step")}
    after["counted_over_least"] = after["counted_per_step"] / after["least_per_step"]
    after |= {k: begun.details[k] for k in ("absent",) if k in begun.details}
    return found


def measure(
    *,
    cases: tuple[Case, ...] = CASES,
    steps: int = 1000,
    two: bool = True,
    say: Callable[[Record], None] = lambda record: None,
) -> list[Record]:
    """Networks of one population, and one of two with delays."""
    found = []
    for case in cases:
        problem = make(case, steps)
        for windows in (False, True):
            one = compared(describe(problem), problem.x, problem.target, case.width, windows)
            one.density, one.details["case"] = case.density, case.name
            say(one)
            found.append(one)
        if case.live is not None:  # many a column comes alive only after hundreds of steps
            problem = make(case, 2 * steps)
            one = later(describe(problem), problem.x, problem.target, case.width)
            one.density, one.details["case"] = case.density, case.name
            say(one)
            found.append(one)
    if two:
        x = stream(np.random.default_rng(1), steps)
        target = np.sin(np.arange(steps)[:, None] / np.array([30.0, 50.0]))
        one = compared(lively(x), x, target, WIDTH)
        one.density, one.details["case"] = PAIR_DENSITY, "two of 128 with delays"
        say(one)
        found.append(one)
    return found
