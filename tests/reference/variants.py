"""The twin under other rules: what an event may bring, and what a unit may remember, step by step.

`Variant` is the twin's loop with two holes: `bring` makes of an arriving event what its target may
hear of it, `forget` drops what a unit no longer keeps before new arrivals come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.reference.dual import Dual, Number, gradient, value
from tests.reference.masked import owners
from tests.reference.twin import LOSSES, Simulation, Synapse

Bring = Callable[[Synapse, tuple[str, int], Number], Number]


class Variant(Simulation):
    """A simulation whose events know where they come from."""

    def __init__(self, net: Any) -> None:
        super().__init__(net)
        self.owner = owners(self, net)
        self.forget: dict[tuple[str, int], np.ndarray] = {}

    def bring(self, synapse: Synapse, source: tuple[str, int], event: Number) -> Number:
        """What w times the event is to the target."""
        return synapse.weight * event

    def gradient(self, inputs: np.ndarray, targets: np.ndarray, loss: str) -> dict[str, np.ndarray]:
        """The gradient, name by name; of all tracks together."""
        total = np.zeros(self.learned.p)
        for t, x in enumerate(inputs):
            self._one_step(t, x)
            if not np.isnan(targets[t]).any():
                error = LOSSES[loss](self.predictions(), [float(b) for b in targets[t]])
                total += gradient(error)
        return self.learned.split(total.reshape(self.tracks, -1).sum(axis=0))

    def _one_step(self, t: int, x: np.ndarray) -> None:
        for source, amount in zip(self.inputs, x, strict=True):
            self._send_from(source, float(amount), t, external=True)
        self._bring_all(self.early.pop(t, []), t)
        self._drop(lambda model: model.kind == "map")
        for group in self.groups.values():
            group.begin(self.noise)
        for group in self.groups.values():
            group.update(t)
        for name, group in self.groups.items():
            for unit, event in enumerate(group.threshold(t)):
                if event is not None:
                    self._send_from((name, unit), event, t, external=False)
        self._drop(lambda model: model.kind == "ode")
        self._bring_all(self.late.pop(t, []), t)
        for group in self.groups.values():
            group.reset()

    def _send_from(self, source: tuple[str, int], event: Number, t: int, *, external: bool) -> None:
        for synapse in self.fan_out[source]:
            to_state = synapse.post.model.ports[synapse.port].is_state
            calendar: Any = self.early if external and not to_state else self.late
            calendar[t + synapse.delay].append((synapse, (source, event)))

    def _bring_all(self, arrivals: list[Any], t: int) -> None:
        for synapse, (source, event) in arrivals:
            amount = self.bring(synapse, source, event)
            synapse.post.arrive(synapse.unit, synapse.port, amount, t)

    def _drop(self, chosen: Callable[[Any], bool]) -> None:
        """Units of the chosen kind forget; what waits for the next update is not touched."""
        for (name, k), mask in self.forget.items():
            group = self.groups[name]
            if chosen(group.model):
                for key, number in group.h[k].items():
                    if isinstance(number, Dual):
                        group.h[k][key] = Dual(number.value, number.gradient * mask)
                spike = group.spike[k]  # its reset comes after this
                group.spike[k] = Dual(value(spike), gradient(spike) * mask)


class Layered(Variant):
    """OSTL: a layer's own recurrence is exact."""

    def __init__(self, net: Any) -> None:
        super().__init__(net)
        for name, group in self.groups.items():
            for k in range(group.n):
                self.forget[name, k] = np.array([o[0] == name for o in self.owner], float)


class Diagonal(Variant):
    """D-RTRL: the derivatives that a unit's own dynamics carries are one track, those that have
    come from other populations another, which is forgotten. Within a population values pass."""

    tracks = 2

    def __init__(self, net: Any) -> None:
        super().__init__(net)
        own = np.repeat([1.0, 0.0], len(self.owner))
        self.forget = {(name, k): own for name, g in self.groups.items() for k in range(g.n)}

    def bring(self, synapse: Synapse, source: tuple[str, int], event: Number) -> Number:
        """The unit's own is that of the weight; what the event brings is from elsewhere."""
        own = synapse.weight * value(event)
        if source[0] == synapse.post.name:
            return own
        brought = np.reshape(gradient(event + self.learned.constant(0.0)), (2, -1)).sum(axis=0)
        elsewhere = np.concatenate([np.zeros_like(brought), brought])
        return own + value(synapse.weight) * Dual(0.0, elsewhere)


class Fed(Variant):
    """Local traces; readouts gather what comes from (source, target) with other weights."""

    def __init__(self, net: Any, weights: dict[tuple[tuple[str, int], tuple[str, int]], float]):
        super().__init__(net)
        self.weights = weights

    def bring(self, synapse: Synapse, source: tuple[str, int], event: Number) -> Number:
        """Between spiking units only values pass."""
        plain = synapse.weight * value(event)
        if synapse.post.model.readout is None or source[0] not in self.groups:
            return plain
        b = self.weights[source, (synapse.post.name, synapse.unit)]
        return plain + Dual(0.0, b * gradient(event + self.learned.constant(0.0)))


class Active(Variant):
    """Activity-conditioned SnAp: each unit notes over how many live synapses a block has come.

    Arrivals that a map model collects are judged when they come, not at its update: that is the
    same for units with a memory, which are what this twin is good for.
    """

    def __init__(self, net: Any, most: int) -> None:
        super().__init__(net)
        self.most = most
        self.blocks = {b: np.array([o == b for o in self.owner]) for b in set(self.owner)}
        self.depth: dict[tuple[str, int], dict[tuple[str, int], int]] = {}

    def _send_from(self, source: tuple[str, int], event: Number, t: int, *, external: bool) -> None:
        carried = gradient(event + self.learned.constant(0.0))
        known = {} if external else {**self.depth.get(source, {}), source: 0}
        crossed = {b: n for b, n in known.items() if np.any(carried * self.blocks.get(b, 0))}
        super()._send_from(source, (event, crossed), t, external=external)  # type: ignore[arg-type]

    def _bring_all(self, arrivals: list[Any], t: int) -> None:
        """All arrivals of a step together decide which blocks may enter."""
        self._empty()
        for synapse, (_, (_, crossed)) in arrivals:
            at = (synapse.post.name, synapse.unit)
            for block, depth in crossed.items():
                known = self.depth.setdefault(at, {})
                nearer = min(depth + 1, known.get(block, depth + 1))
                if nearer <= self.most or synapse.post.model.readout is not None:
                    known[block] = nearer
        super()._bring_all(arrivals, t)

    def _empty(self) -> None:
        """Where nothing of a block is left, nothing is known of its way."""
        for (name, k), known in self.depth.items():
            group = self.groups[name]
            numbers = [*group.h[k].values(), *group.collected[k].values()]
            whole = sum((abs(gradient(x)) for x in numbers if isinstance(x, Dual)), np.zeros(1))
            for block in [b for b in known if not np.any(whole * self.blocks.get(b, 0))]:
                del known[block]

    def bring(self, synapse: Synapse, source: tuple[str, int], event: Any) -> Number:
        """Only what has come over few enough live synapses, or is kept anyway."""
        number, _ = event
        if source[0] not in self.groups:
            return synapse.weight * number
        at = (synapse.post.name, synapse.unit)
        known = {*self.depth.get(at, {}), at}
        kept = np.array([o in known for o in self.owner], float)
        q = gradient(number + self.learned.constant(0.0)) * kept
        return synapse.weight * Dual(value(number), q)
