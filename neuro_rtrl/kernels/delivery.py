"""Delivery of an event to the states (or inputs) of its targets: gain w y, run by run.

The loop over the synapses of a run (engine/runs.py) needs no table but that of places; where these
lie in a line, not even that.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.jit import inline, leaf
from neuro_rtrl.kernels.layout import ARRIVED, DEFERRED, DELIVERIES, Run, Wires


@inline
def deliver_group(wires: Wires, values: np.ndarray, run: Run, event: int, group: int) -> None:
    """What one event brings through one group; the event is noted for the rows' arrivals."""
    kind, entries = (DEFERRED, run.deferred) if wires.collects[group] else (ARRIVED, run.arrived)
    entries[0, run.clock[kind]] = event
    entries[1, run.clock[kind]] = group
    run.clock[kind] += 1
    deliver_along(wires, values, run, group, run.value[event])


@inline
def deliver_along(wires: Wires, values: np.ndarray, run: Run, group: int, y: float) -> None:
    """The states (or inputs) of the targets of a group += gain w y."""
    if y == 0.0:
        return
    run.counts[DELIVERIES] += wires.first[group + 1] - wires.first[group]
    into = run.a if wires.collects[group] else run.h
    for r in range(wires.run[group], wires.run[group + 1]):
        _deliver_run(wires, values, run, into, r, y)


@leaf
def _add_dense(states: np.ndarray, weights: np.ndarray, factor: float, y: float) -> None:
    for i in range(states.shape[0]):
        states[i] += factor * weights[i] * y


@inline
def _deliver_run(
    wires: Wires, values: np.ndarray, run: Run, into: np.ndarray, r: int, y: float
) -> None:
    """The states (or inputs) of the targets of one run += gain w y."""
    first, end = wires.run_first[r], wires.run_first[r + 1]
    target, where, gain = wires.target, wires.where, wires.gain
    # Numbers without sign are places as they are; others Numba would look at twice.
    low, high = np.uint64(first), np.uint64(end)
    if wires.run_blocks[r]:
        for e in range(low, high):
            if not run.held[target[e]]:
                into[where[e]] += gain[e] * values[e] * y
    elif wires.run_dense[r]:
        place = where[low]
        _add_dense(into[place : place + end - first], values[first:end], gain[low], y)
    elif wires.run_alike[r]:
        factor = gain[low]
        for e in range(low, high):
            into[where[e]] += factor * values[e] * y
    else:
        for e in range(low, high):
            into[where[e]] += gain[e] * values[e] * y
