"""The readable twin with its derivatives cut at the start of every window of steps.

What truncated back-propagation is by definition: at the start of a window, all states and all
events under way lose their derivative and keep their value. Weights do not: an event from before
the window counts for the weight through which it arrives in the window.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.reference.dual import Number, gradient, value
from tests.reference.twin import LOSSES, Arrival, Simulation


class Windowed(Simulation):
    """A simulation that remembers what was collected after the last update."""

    def __init__(self, net: Any) -> None:
        super().__init__(net)
        self.waiting: list[Arrival] = []

    def _deliver(self, arrivals: list[Arrival], t: int) -> None:
        """Of the two deliveries of a step, the second, after the threshold, is what stays."""
        self.waiting = [a for a in arrivals if not self._to_state(a)]
        super()._deliver(arrivals, t)

    def _to_state(self, arrival: Arrival) -> bool:
        synapse = arrival[0]
        return bool(synapse.post.model.ports[synapse.port].is_state)

    def cut(self) -> None:
        """States and events under way lose their derivative."""
        for group in self.groups.values():
            group.h = [self._constants(h) for h in group.h]
            group.collected = [self._constants(c) for c in group.collected]
        for calendar in (self.early, self.late):
            for t, arrivals in calendar.items():
                calendar[t] = [(synapse, value(event)) for synapse, event in arrivals]
        for synapse, event in self.waiting:
            group, k = synapse.post, synapse.unit
            port = group.model.ports[synapse.port]
            collected = group.collected[k]
            arrived = float(group.gains[synapse.port][k]) * (synapse.weight * value(event))
            # Its value is there already; of its derivative only that by the weight comes back.
            collected[port.target] = collected[port.target] + (arrived - value(arrived))

    def _constants(self, numbers: dict[str, Number]) -> dict[str, Number]:
        return {name: self.learned.constant(value(x)) for name, x in numbers.items()}


def windowed_gradient(
    net: Any, inputs: np.ndarray, targets: np.ndarray, loss: str, window: int
) -> dict[str, np.ndarray]:
    """Gradient of one sequence, (steps, inputs), with windows of that many steps."""
    run, total = Windowed(net), 0.0
    for t, x in enumerate(inputs):
        if t % window == 0:
            run.cut()
        run.step(t, x)
        if not np.isnan(targets[t]).any():
            total = total + gradient(
                LOSSES[loss](run.predictions(), [float(b) for b in targets[t]])
            )
    return run.learned.split(total + np.zeros(run.learned.p))
