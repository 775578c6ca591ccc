"""The twin with entries of its influence matrix dropped after every change: SnAp-n, literally."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.reference.dual import Dual, gradient, value
from tests.reference.twin import LOSSES, Simulation


def owners(run: Simulation, net: Any) -> list[tuple[str, int]]:
    """The unit that each learned value acts on directly."""
    found: list[tuple[str, int]] = []
    for projection in net.projections.values():
        if projection.learn:
            found += [(projection.target.name, int(k)) for k in projection.post]
    for name, population in net.populations.items():
        for _ in population.learn:
            found += [(name, k) for k in range(population.n)]
    assert len(found) * run.tracks == run.learned.p
    return found


def kept(net: Any, n: int, self_loops: bool = True) -> dict[tuple[str, int], set[tuple[str, int]]]:
    """Unit -> units whose parameters it keeps: at most n - 1 synapses upstream, itself included."""
    hidden = {
        (name, k)
        for name, p in net.populations.items()
        if p.model is not None and p.model.threshold is not None
        for k in range(p.n)
    }
    before: dict[tuple[str, int], set[tuple[str, int]]] = {u: set() for u in hidden}
    for projection in net.projections.values():
        for i, j in zip(projection.pre, projection.post, strict=True):
            a, b = (projection.source.name, int(i)), (projection.target.name, int(j))
            if a in hidden and b in hidden:
                before[b].add(a)
    near = {u: {u} for u in hidden}
    for _ in range(n - 1):
        near = {u: near[u].union(*(near[a] for a in before[u])) for u in hidden}
    return near


def masked_gradient(
    net: Any, inputs: np.ndarray, targets: np.ndarray, loss: str, n: int, local: bool = False
) -> dict[str, np.ndarray]:
    """Gradient of SnAp-n; `local` also cuts synapses between spiking units (e-prop)."""
    run = Simulation(net)
    near, own = kept(net, n), owners(run, net)
    masks = {u: np.array([o in near[u] for o in own], float) for u in near}
    total = np.zeros(run.learned.p)
    for t, x in enumerate(inputs):
        for source, amount in zip(run.inputs, x, strict=True):
            run._send(source, float(amount), t, external=True)
        deliver(run, run.early.pop(t, []), t, near if local else {})
        for group in run.groups.values():
            group.begin(run.noise)
        for group in run.groups.values():
            group.update(t)
        apply(run, masks)
        for name, group in run.groups.items():
            for unit, event in enumerate(group.threshold(t)):
                if event is not None:
                    run._send((name, unit), event, t, external=False)
        deliver(run, run.late.pop(t, []), t, near if local else {})
        apply(run, masks)
        for group in run.groups.values():
            group.reset()
        if not np.isnan(targets[t]).any():
            error = LOSSES[loss](run.predictions(), [float(b) for b in targets[t]])
            total += gradient(error)
    return run.learned.split(total)


def deliver(run: Simulation, arrivals: list[Any], t: int, cut: Any) -> None:
    """Arrivals; an event at a unit of `cut` comes without what its value depends on."""
    for synapse, event in arrivals:
        at = (synapse.post.name, synapse.unit)
        plain = value(event) if at in cut else event
        synapse.post.arrive(synapse.unit, synapse.port, synapse.weight * plain, t)


def apply(run: Simulation, masks: dict[tuple[str, int], np.ndarray]) -> None:
    """Drop what is not kept, from states and from collected arrivals."""
    for (name, k), mask in masks.items():
        group = run.groups[name]
        for numbers in (group.h[k], group.collected[k]):
            for key, number in numbers.items():
                if isinstance(number, Dual):
                    numbers[key] = Dual(number.value, number.gradient * mask)
