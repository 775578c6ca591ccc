"""The twin with synapses that come and go while it runs.

It is built with every synapse that there ever is. One that is not there has the constant weight 0;
at its birth it becomes a variable, and at its death the derivatives by it are struck out of every
state, of what has been collected, and of every event under way. What is under way goes through the
synapses that there are when it arrives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.reference.dual import Dual, gradient, value, variable
from tests.reference.twin import LOSSES, Arrival, Simulation, Synapse


@dataclass(frozen=True)
class Life:
    """One synapse: it is there after `birth` steps (0: from the start) and until `death` steps."""

    pre: int
    post: int
    delay: int
    weight: float
    birth: int
    death: int


class Changing(Simulation):
    """`net` has all synapses of `lives` (projection -> lives in order of its synapses)."""

    def __init__(self, net: Any, lives: dict[str, list[Life]]) -> None:
        super().__init__(net)
        self.lives = lives
        self.just_collected: list[Arrival] = []
        found = {name: iter(self._synapses(net, name)) for name in lives}
        self.synapses = {name: list(found[name]) for name in lives}
        for name, rows in lives.items():
            for i, life in enumerate(rows):
                if life.birth > 0:
                    object.__setattr__(self.synapses[name][i], "weight", 0.0)

    def _synapses(self, net: Any, name: str) -> Iterator[Synapse]:
        """The synapses of a projection in its order, found again by their variables."""
        first = self.learned.start[name]
        by_number = {
            int(np.flatnonzero(s.weight.gradient)[0]): s
            for rows in self.fan_out.values()
            for s in rows
            if isinstance(s.weight, Dual)
        }
        return (by_number[first + i] for i in range(len(net.projections[name].pre)))

    def _deliver(self, arrivals: list[Arrival], t: int) -> None:
        super()._deliver(arrivals, t)
        self.just_collected = [
            (s, e) for s, e in arrivals if not s.post.model.ports[s.port].is_state
        ]

    def change(self, step: int) -> None:
        """Deaths and births after `step` steps."""
        for name, rows in self.lives.items():
            for i, life in enumerate(rows):
                number, synapse = self.learned.start[name] + i, self.synapses[name][i]
                if life.death == step:
                    self._weight(synapse, 0.0)
                    self._strike(number)
                elif life.birth == step and step > 0:
                    self._weight(synapse, variable(life.weight, number, self.learned.p))

    def _weight(self, synapse: Synapse, weight: Any) -> None:
        for other, event in self.just_collected:
            if other is synapse:
                change = (weight - synapse.weight) * event
                synapse.post.arrive(synapse.unit, synapse.port, change, -1)
        object.__setattr__(synapse, "weight", weight)

    def _strike(self, number: int) -> None:
        under_way = [e for c in (self.early, self.late) for rows in c.values() for _, e in rows]
        numbers = [*under_way, *(e for _, e in self.just_collected)]
        for group in self.groups.values():
            for places in (group.h, group.collected):
                numbers += [x for place in places for x in place.values()]
        for x in numbers:
            if isinstance(x, Dual):
                x.gradient[number] = 0.0


def changing(
    net: Any, lives: dict[str, list[Life]], inputs: np.ndarray, targets: np.ndarray, loss: str
) -> tuple[np.ndarray, np.ndarray, Changing]:
    """(predictions (steps, outputs), gradients of each step's loss (steps, p), the twin)."""
    run = Changing(net, lives)
    predictions, gradients = [], []
    for t, x in enumerate(inputs):
        run.step(t, x)
        y = run.predictions()
        predictions.append([value(a) for a in y])
        error = LOSSES[loss](y, [float(b) for b in targets[t]])
        gradients.append(np.array(gradient(error)) * np.ones(run.learned.p))
        run.change(t + 1)
    return np.array(predictions), np.array(gradients), run
