"""Delivery of an event to the states (or inputs) of its targets: gain w y, run by run.

The loop over the synapses of a run (engine/runs.py) needs no table but that of places; where these
lie in a line, not even that.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.jit import jit, leaf
from neuro_rtrl.kernels.layout import ARRIVED, DEFERRED, DELIVERIES, Run, Wires
from neuro_rtrl.kernels.wide import fetch

LINE = 8  # numbers in a line of the cache


@jit
def deliver_group(wires: Wires, values: np.ndarray, run: Run, event: int, group: int) -> None:
    """What one event brings through one group; the event is noted for the rows' arrivals."""
    kind, entries = (DEFERRED, run.deferred) if wires.collects[group] else (ARRIVED, run.arrived)
    entries[0, run.clock[kind]] = event
    entries[1, run.clock[kind]] = group
    run.clock[kind] += 1
    deliver_along(wires, values, run, group, run.value[event])


@jit
def deliver_along(wires: Wires, values: np.ndarray, run: Run, group: int, y: float) -> None:
    """The states (or inputs) of the targets of a group += gain w y."""
    if y == 0.0:
        return
    run.counts[DELIVERIES] += wires.first[group + 1] - wires.first[group]
    into = run.a if wires.collects[group] else run.h
    for r in range(wires.run[group], wires.run[group + 1]):
        _deliver_run(wires, values, run, into, r, y)


@jit
def fetch_row(wires: Wires, values: np.ndarray, source: int) -> None:
    """Asks for the synapses of a source, which lie anywhere in memory."""
    low, high = wires.first[wires.group[source]], wires.first[wires.group[source + 1]]
    for e in range(low, high, LINE):
        fetch(values, e)
    for e in range(low, high, 2 * LINE):
        fetch(wires.where, e)


@leaf
def _add_dense(states: np.ndarray, weights: np.ndarray, factor: float, y: float) -> None:
    for i in range(states.shape[0]):
        states[i] += factor * weights[i] * y


@jit
def _deliver_run(
    wires: Wires, values: np.ndarray, run: Run, into: np.ndarray, r: int, y: float
) -> None:
    """The states (or inputs) of the targets of one run += gain w y."""
    low, high = wires.run_first[r], wires.run_first[r + 1]
    # Numbers without sign are places as they are; others Numba would look at twice.
    target, where, gain = wires.target[low:high], wires.where[low:high], wires.gain[low:high]
    weights = values[low:high]
    if wires.run_blocks[r]:
        for i in range(high - low):
            if not run.held[target[i]]:
                into[where[i]] += gain[i] * weights[i] * y
    elif wires.run_dense[r]:
        _add_dense(into[where[0] : where[0] + high - low], weights, gain[0], y)
    elif wires.run_alike[r]:
        factor = gain[0]
        for i in range(high - low):
            into[where[i]] += factor * weights[i] * y
    else:
        for i in range(high - low):
            into[where[i]] += gain[i] * weights[i] * y
