"""Synapses of a group in runs that a loop without indirection can deliver (kernels/forward.py)."""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.layout import Units, Wires


def with_runs(wires: Wires, units: Units) -> Wires:
    """The same wires, with runs: neighbours on one state (or input) of one population.

    Args:
        wires: groups and synapses.
        units: where states and inputs lie, and which of them a refractory unit blocks.
    """
    if wires.target.size == 0:
        return wires._replace(run=np.zeros(wires.delay.size + 1, np.int64))
    group = np.repeat(np.arange(wires.delay.size), np.diff(wires.first))
    population, variable = units.population[wires.target], wires.variable
    changes = np.ones(wires.target.size, bool)
    changes[1:] = np.diff(group) != 0
    changes[1:] |= (np.diff(population) != 0) | (np.diff(variable) != 0)
    start = np.flatnonzero(changes)
    p, v, collects = population[start], variable[start], wires.collects[group[start]] != 0
    offset = np.where(collects, units.at_a[p], units.at_h[p])
    blocked = units.blind[p, np.minimum(v, units.blind.shape[1] - 1)] != 0
    return wires._replace(
        run=np.searchsorted(group[start], np.arange(wires.delay.size + 1)),
        run_first=np.append(start, wires.target.size),
        run_place=offset + v * units.size[p] - units.first[p],
        run_blocks=(blocked & ~collects & (units.refractory[p] != 0)).astype(np.uint8),
        run_dense=_dense(wires, start),
    )


def _dense(wires: Wires, start: np.ndarray) -> np.ndarray:
    """(R,) flags: consecutive targets, all with one gain."""
    breaks = np.zeros(wires.target.size, bool)
    breaks[1:] = (np.diff(wires.target) != 1) | (np.diff(wires.gain) != 0)
    breaks[start] = False
    return (np.add.reduceat(breaks, start) == 0).astype(np.uint8)
