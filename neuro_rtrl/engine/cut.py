"""The arrays of some of the units of a simulation, renumbered (see shares.py)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.course import straight
from neuro_rtrl.kernels.cells import Cells, Fan


@dataclass(frozen=True)
class Places:
    """Place in h, or in a, of the whole network -> place in the share's own; -1: not in it."""

    h: np.ndarray
    a: np.ndarray


def cut_cells(built: Built, cells: Cells, number: int, count: int) -> tuple[Cells, Places]:
    """Share `number` of `count`: as many units of every population in each.

    Args:
        built: the network of which `cells` are.
        cells: all units.
        number, count: which share, of how many.
    """
    n, d, m = cells.size, cells.d, built.units.m
    low, high = n * number // count, n * (number + 1) // count
    size = high - low
    coefficients = np.diff(np.append(cells.at_c, cells.c.size))
    varied = (coefficients - built.shared) // n
    blocks = {
        "unit": (cells.first, np.ones_like(n)),
        "h": (cells.at_h, d),
        "a": (cells.at_a, cells.inputs),
        "theta": (cells.at_theta, m),
        "c": (cells.at_c + built.shared, varied),
    }
    found = {k: [_block(*x) for x in zip(*b, n, low, high, strict=True)] for k, b in blocks.items()}
    same = [at + np.arange(k) for at, k in zip(cells.at_c, built.shared, strict=True)]
    c = [part for both in zip(same, found.pop("c"), strict=True) for part in both]
    own = {k: np.concatenate(parts) for k, parts in found.items()}
    first = _starts(size)
    cut = cells._replace(
        first=first,
        shift=cells.first + low - first,
        size=size,
        at_h=_starts(size * d),
        at_a=_starts(size * cells.inputs),
        at_c=_starts(built.shared + varied * size),
        at_theta=_starts(size * m),
        population=cells.population[own["unit"]],
        hold=cells.hold[own["unit"]],
        c=cells.c[np.concatenate(c)],
        values=cells.values[own["theta"]],
        initial=cells.initial[own["h"]],
    )
    collected = int((n * cells.inputs).sum())
    return cut, Places(_ranks(own["h"], cells.initial.size), _ranks(own["a"], collected))


def cut_fan(fan: Fan, places: Places) -> tuple[Fan, np.ndarray]:
    """The synapses that end in a share, and which ones; groups stay, though some are empty."""
    collects = np.repeat(fan.collects != 0, np.diff(fan.first))
    where = np.empty(fan.where.size, np.int64)
    where[collects] = places.a[fan.where[collects]]
    where[~collects] = places.h[fan.where[~collects]]
    inside = where >= 0
    before = np.concatenate([[0], np.cumsum(inside)])
    cut = fan._replace(
        first=before[fan.first], where=where[inside].astype(np.uint32), jump=fan.jump[inside]
    )
    return cut._replace(straight=straight(cut)), inside


def _block(at: int, rows: int, n: int, low: int, high: int) -> np.ndarray:
    """Places of units `low` to `high` in `rows` rows of n numbers that begin at `at`."""
    return np.asarray(at + n * np.arange(rows)[:, None] + np.arange(low, high)).ravel()


def _ranks(chosen: np.ndarray, size: int) -> np.ndarray:
    """(size,) the rank of each place among the chosen ones; -1 if it is not chosen."""
    ranks = np.full(size, -1)
    ranks[chosen] = np.arange(chosen.size)
    return ranks


def _starts(sizes: np.ndarray) -> np.ndarray:
    return np.asarray(np.cumsum(sizes) - sizes)
