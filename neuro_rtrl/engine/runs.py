"""Synapses of a group in runs that a loop without indirection can deliver (kernels/forward.py)."""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.layout import Units, Wires


def groups_of(wires: Wires) -> np.ndarray:
    """(E,) group of each synapse."""
    return np.repeat(np.arange(wires.delay.size), np.diff(wires.first))


def places(
    units: Units, target: np.ndarray, variable: np.ndarray, collects: np.ndarray
) -> np.ndarray:
    """Where arrivals are added, in `Run.a` if they are collected, else in `Run.h`.

    Args:
        units: where states and inputs lie.
        target, variable, collects: of each synapse, as in `Wires`.
    """
    p = units.population[target]
    start = np.where(collects, units.at_a[p], units.at_h[p])
    return start + variable * units.size[p] + target - units.first[p]


def deaf(
    units: Units, target: np.ndarray, variable: np.ndarray, collects: np.ndarray
) -> np.ndarray:
    """Flags: whether an arrival is ignored while the target is refractory; see `places`."""
    p = units.population[target]
    blind = units.blind[p, np.where(collects, 0, variable)] != 0
    return blind & ~collects & (units.refractory[p] != 0)


_PER_SYNAPSE = ("target", "variable", "gain")


def with_runs(wires: Wires, units: Units) -> Wires:
    """The same wires, with runs: neighbours on one state (or input) of one population.

    Args:
        wires: groups and synapses.
        units: where states and inputs lie, and which of them a refractory unit blocks.
    """
    columns = {name: np.ascontiguousarray(getattr(wires, name)) for name in _PER_SYNAPSE}
    wires = wires._replace(**columns)
    if wires.target.size == 0:
        return wires._replace(run=np.zeros(wires.delay.size + 1, np.int64))
    group = groups_of(wires)
    population, variable = units.population[wires.target], wires.variable
    changes = np.ones(wires.target.size, bool)
    changes[1:] = np.diff(group) != 0
    changes[1:] |= (np.diff(population) != 0) | (np.diff(variable) != 0)
    start = np.flatnonzero(changes)
    target, collects = wires.target[start], wires.collects[group[start]] != 0
    ends = wires.target, variable, wires.collects[group] != 0
    return wires._replace(
        where=places(units, *ends).astype(np.uint32),
        run=np.searchsorted(group[start], np.arange(wires.delay.size + 1)),
        run_first=np.append(start, wires.target.size),
        run_blocks=deaf(units, target, variable[start], collects).astype(np.uint8),
        run_alike=_steady(wires.gain, 0, start),
        run_dense=_steady(wires.gain, 0, start) & _steady(wires.target, 1, start),
    )


def _steady(numbers: np.ndarray, step: int, start: np.ndarray) -> np.ndarray:
    """(R,) flags: the numbers (E,) of all synapses of a run are one `step` apart."""
    breaks = np.zeros(numbers.size, bool)
    breaks[1:] = np.diff(numbers) != step
    breaks[start] = False
    return (np.add.reduceat(breaks, start) == 0).astype(np.uint8)
