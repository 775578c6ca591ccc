"""The state of a run with learning: units, events under way, and room for Jacobians."""

from __future__ import annotations

import numpy as np

from neuro_rtrl.engine.build import Built, noise_seed
from neuro_rtrl.kernels import layout
from neuro_rtrl.kernels.entry import local_jacobians, start_run


def make_run(built: Built) -> layout.Run:
    """Fresh state of one lane of the simulation."""
    units, wires = built.units, built.wires
    n, groups, longest = built.plan.n, wires.delay.size, int(units.m.max())
    run = layout.Run(
        clock=_whole(layout.CLOCK_SIZE),
        counts=_whole(4),
        h=units.initial.copy(),
        y=np.zeros(n),
        s=np.zeros(n, np.uint8),
        held=np.zeros(n, np.uint8),
        last=_whole(n),
        live=_whole(n),
        fired=_whole(n),
        arrived=_whole(2, groups + 1),
        deferred=_whole(2, groups + 1),
        work=np.zeros(built.widest * (1 + built.widest + longest) + 1),
        random=noise_seed(built.plan.net.seed, next(built.lanes)),
        **_queue(wires),
        **_slopes(units),
    )
    start_run(units, run)
    return run


def fill_constant_jacobians(built: Built, chosen: np.ndarray, run: layout.Run) -> None:
    """D of `chosen` (populations,), free and refractory, from the derived functions themselves."""
    some = built.units._replace(eager=chosen)
    for held, target in ((0, built.units.flow_d), (1, built.units.held_d)):
        run.held[:], run.D[:] = held, target
        local_jacobians(some, built.values, run)
        target[:] = run.D


def _queue(wires: layout.Wires) -> dict[str, np.ndarray]:
    """Room for every event that can be under way: one of each source in each slot."""
    ring = int(wires.ring[0])
    events = (wires.group.size - 1) * (ring + 2)
    names = ("free", "source", "emitted", "next_group", "link", "row", "done")
    made = {name: _whole(events) for name in names}
    return made | {"value": np.zeros(events), "head": _whole(ring), "tail": _whole(ring)}


def _slopes(units: layout.Units) -> dict[str, np.ndarray]:
    """Collected arrivals, and room for the Jacobians of all units."""
    n, d, a, m = units.size, units.d, units.inputs, units.m
    sizes = {"a": n * a, "D": n * d * d, "F": n * d * a, "U": n * d * m}
    sizes |= {"ds": n * d, "dy": n * d, "dst": n * m, "dyt": n * m}
    return {name: np.zeros(int(size.sum())) for name, size in sizes.items()}


def _whole(*shape: int) -> np.ndarray:
    return np.zeros(shape, dtype=np.int64)
