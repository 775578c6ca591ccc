"""The readable twin of the engine: plain Python, float64, dense, slow.

Every state is a dual number that carries its derivative by *all* learned values at once; a spike is
a dual number too, with the surrogate as its slope. So the twin is real-time recurrent learning by
definition (Williams & Zipser 1989), with none of the engine's parts: no derived Jacobians, no
masks, no lazy rows, no columns, no generated code. It shares with the engine the model texts and
the flow Phi, which have tests of their own.

One step: external input to channels, state update, threshold, arrivals, reset (Brian2's order).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.reference.dual import FUNCTIONS, Number, gradient, value
from tests.reference.group import Group, Learned
from tests.reference.noise import Noise

log, exp = FUNCTIONS["log"], FUNCTIONS["exp"]


@dataclass(frozen=True)
class Twin:
    """What one sequence gives.

    Attributes:
        spikes, live: population -> (steps, n): whether a unit spiked, whether its psi was not 0.
        states: "population.state" -> (steps, n), at the end of each step.
        predictions: (steps, outputs).
        loss: summed over the steps that have a target.
        gradient: learned name -> derivative of `loss`, in the order of the learned values.
        gradients: the same for the loss of each step alone: name -> (steps, values).
    """

    spikes: dict[str, np.ndarray]
    live: dict[str, np.ndarray]
    states: dict[str, np.ndarray]
    predictions: np.ndarray
    loss: float
    gradient: dict[str, np.ndarray]
    gradients: dict[str, np.ndarray]


@dataclass(frozen=True)
class Synapse:
    """One synapse, with its weight as a dual number."""

    post: Group
    unit: int
    port: str
    weight: Number
    delay: int


Arrival = tuple[Synapse, Number]


class Simulation:
    """A network that runs, and the calendar of what is under way in it."""

    tracks = 1  # how many derivatives by each learned value are kept apart

    def __init__(self, net: Any) -> None:
        self.learned = Learned(net)
        self.learned.p *= self.tracks
        self.groups = {
            name: Group(population, self.learned, net.dt)
            for name, population in net.populations.items()
            if population.model is not None
        }
        self.inputs = [
            (name, unit)
            for name, population in net.populations.items()
            if population.model is None
            for unit in range(population.n)
        ]
        self.fan_out = self._wire(net)
        self.noise = Noise(net.seed)
        # What arrives at a step: before its update (external, to channels), or after its threshold.
        self.early: dict[int, list[Arrival]] = defaultdict(list)
        self.late: dict[int, list[Arrival]] = defaultdict(list)

    def _wire(self, net: Any) -> dict[tuple[str, int], list[Synapse]]:
        fan_out: dict[tuple[str, int], list[Synapse]] = defaultdict(list)
        for name, projection in net.projections.items():
            weights: Sequence[Number] = [float(w) for w in projection.weights]
            if projection.learn:
                weights = self.learned.variables(name)
            delays = np.broadcast_to(projection.delay, len(projection.pre))
            rows = zip(projection.pre, projection.post, weights, delays, strict=True)
            for pre, post, weight, delay in rows:
                group = self.groups[projection.target.name]
                synapse = Synapse(group, int(post), projection.port.name, weight, int(delay))
                fan_out[projection.source.name, int(pre)].append(synapse)
        return fan_out

    def step(self, t: int, x: np.ndarray) -> None:
        """One step with external input x (inputs,)."""
        for source, amount in zip(self.inputs, x, strict=True):
            self._send(source, float(amount), t, external=True)
        self._deliver(self.early.pop(t, []), t)
        for group in self.groups.values():
            group.begin(self.noise)
        for group in self.groups.values():
            group.update(t)
        for name, group in self.groups.items():
            for unit, event in enumerate(group.threshold(t)):
                if event is not None:
                    self._send((name, unit), event, t, external=False)
        self._deliver(self.late.pop(t, []), t)
        for group in self.groups.values():
            group.reset()

    def _send(self, source: tuple[str, int], event: Number, t: int, *, external: bool) -> None:
        for synapse in self.fan_out[source]:
            to_state = synapse.post.model.ports[synapse.port].is_state
            calendar = self.early if external and not to_state else self.late
            calendar[t + synapse.delay].append((synapse, event))

    def _deliver(self, arrivals: list[Arrival], t: int) -> None:
        for synapse, event in arrivals:
            synapse.post.arrive(synapse.unit, synapse.port, synapse.weight * event, t)

    def predictions(self) -> list[Number]:
        """The readout state of every unit that has one, population after population."""
        return [
            h[group.model.readout]
            for group in self.groups.values()
            if group.model.readout is not None
            for h in group.h
        ]


def mse(y: list[Number], target: Sequence[float]) -> Number:
    """Mean over outputs of (y - y*)^2."""
    return sum(((a - b) * (a - b) for a, b in zip(y, target, strict=True)), 0.0) / len(y)


def sse(y: list[Number], target: Sequence[float]) -> Number:
    """Half the sum of (y - y*)^2."""
    return sum(((a - b) * (a - b) for a, b in zip(y, target, strict=True)), 0.0) * 0.5


def bce(y: list[Number], target: Sequence[float]) -> Number:
    """-(y* log p + (1 - y*) log(1 - p)) with p = sigmoid(y): mean over outputs."""
    terms = (log(1.0 + exp(a)) - b * a for a, b in zip(y, target, strict=True))
    return sum(terms, 0.0) / len(y)


def cross_entropy(y: list[Number], target: Sequence[float]) -> Number:
    """-sum y* log p with p = softmax(y), for targets that sum to 1."""
    total = log(sum((exp(a) for a in y), 0.0))
    return total - sum((a * b for a, b in zip(y, target, strict=True)), 0.0)


LOSSES: dict[str, Callable[[list[Number], Sequence[float]], Number]] = {
    "mse": mse,
    "sse": sse,
    "bce": bce,
    "cross_entropy": cross_entropy,
}


def twin(
    net: Any, inputs: np.ndarray, targets: np.ndarray | None = None, loss: str = "mse"
) -> Twin:
    """Run `net` over inputs (steps, inputs); targets (steps, outputs) are NaN where none is set."""
    run = Simulation(net)
    steps = len(inputs)
    spikes = {name: np.zeros((steps, group.n), bool) for name, group in run.groups.items()}
    live = {name: np.zeros((steps, group.n), bool) for name, group in run.groups.items()}
    states = {f"{g.name}.{s}": np.zeros((steps, g.n)) for g in run.groups.values() for s in g.h[0]}
    predictions, losses = [], np.zeros(steps)
    by_step = np.zeros((steps, run.learned.p))
    for t, x in enumerate(inputs):
        run.step(t, x)
        for name, group in run.groups.items():
            spikes[name][t] = [s.value == 1.0 for s in group.spike]
            live[name][t] = group.live
            for state in group.h[0]:
                states[f"{name}.{state}"][t] = [value(h[state]) for h in group.h]
        y = run.predictions()
        predictions.append([value(a) for a in y])
        if targets is not None and not np.isnan(targets[t]).any():
            error = LOSSES[loss](y, [float(b) for b in targets[t]])
            losses[t], by_step[t] = value(error), gradient(error)
    return Twin(
        spikes,
        live,
        states,
        np.array(predictions),
        float(losses.sum()),
        run.learned.split(by_step.sum(axis=0)),
        run.learned.split(by_step),
    )
