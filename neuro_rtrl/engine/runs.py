"""Synapses of a group in runs that a loop without indirection can deliver (kernels/delivery.py)."""

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


LINE = 16  # synapses from which on a loop over targets in a line is worth its beginning
_PER_SYNAPSE = ("target", "variable", "gain")


def with_runs(wires: Wires, units: Units) -> Wires:
    """The same wires, with runs: neighbours that one loop delivers.

    These are synapses on one state (or input) of one population; of runs with one gain those are
    joined whose targets lie in a line, and those that are too short for a loop of their own.

    Args:
        wires: groups and synapses.
        units: where states and inputs lie, and which of them a refractory unit blocks.
    """
    columns = {name: np.ascontiguousarray(getattr(wires, name)) for name in _PER_SYNAPSE}
    wires = wires._replace(**columns)
    if wires.target.size == 0:
        return wires._replace(run=np.zeros(wires.delay.size + 1, np.int64))
    group = groups_of(wires)
    ends = wires.target, wires.variable, wires.collects[group] != 0
    where, blocked = places(units, *ends), deaf(units, *ends)
    population = units.population[wires.target]
    start = np.flatnonzero(_changes(group) | _changes(population) | _changes(wires.variable))
    for joins in (_in_line, _short):
        joined = joins(wires.gain, where, start)
        for same in (group, blocked, wires.gain):
            joined &= same[start[1:]] == same[start[:-1]]
        start = start[np.concatenate([[True], ~joined])]
    return wires._replace(
        where=where.astype(np.uint32),
        run=np.searchsorted(group[start], np.arange(wires.delay.size + 1)),
        run_first=np.append(start, wires.target.size),
        run_blocks=blocked[start].astype(np.uint8),
        run_alike=_steady(wires.gain, 0, start).astype(np.uint8),
        run_dense=_dense(wires.gain, where, start).astype(np.uint8),
    )


def _changes(numbers: np.ndarray) -> np.ndarray:
    """Flags: where another number begins."""
    return np.concatenate([[True], numbers[1:] != numbers[:-1]])


def _in_line(gain: np.ndarray, where: np.ndarray, start: np.ndarray) -> np.ndarray:
    """(R - 1,) flags: a run goes on where the one before it ends."""
    dense, step = _dense(gain, where, start), where[start[1:]] - where[start[1:] - 1]
    return dense[1:] & dense[:-1] & (step == 1)


def _short(gain: np.ndarray, where: np.ndarray, start: np.ndarray) -> np.ndarray:
    """(R - 1,) flags: two runs of one gain each, neither of which is a long line."""
    line = _dense(gain, where, start) & (np.diff(np.append(start, gain.size)) >= LINE)
    fits = _steady(gain, 0, start) & ~line
    return fits[1:] & fits[:-1]


def _dense(gain: np.ndarray, where: np.ndarray, start: np.ndarray) -> np.ndarray:
    return _steady(gain, 0, start) & _steady(where, 1, start)


def _steady(numbers: np.ndarray, step: int, start: np.ndarray) -> np.ndarray:
    """(R,) flags: the numbers (E,) of all synapses of a run are one `step` apart."""
    breaks = np.zeros(numbers.size, bool)
    breaks[1:] = np.diff(numbers) != step
    breaks[start] = False
    steady: np.ndarray = np.add.reduceat(breaks, start) == 0
    return steady
