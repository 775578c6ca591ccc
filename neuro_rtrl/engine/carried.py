"""What lanes carry from step to step, and whose it is: for the guard and its messages."""

from __future__ import annotations

from functools import partial

import numpy as np

from neuro_rtrl.contracts_influence import Carried
from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.diary import Journal
from neuro_rtrl.engine.memory import spans
from neuro_rtrl.engine.replay import Replay
from neuro_rtrl.kernels.filters import Filters
from neuro_rtrl.kernels.layout import RANK_ONE, Limits, Mask, Rows
from neuro_rtrl.kernels.tangent import Tangents
from neuro_rtrl.kernels.traces import Traces

INFLUENCE, BACK = "influence", "what a window passes back to influence"


def in_rows(built: Built, mask: Mask, rows: Rows) -> list[Carried]:
    """Influence rows, own blocks, and influence of unit parameters."""

    def of_segment(place: int) -> str:
        return unit_name(built, _of_segment(built, mask, rows, place))

    def of_own(place: int) -> str:
        return unit_name(built, int(np.searchsorted(mask.own_at[1:], place, side="right")))

    def of_theta(place: int) -> str:
        return unit_name(built, _of_theta(built, place))

    return [
        Carried(INFLUENCE, rows.P, of_segment),
        Carried(INFLUENCE, rows.own, of_own),
        Carried(INFLUENCE, rows.theta, of_theta),
    ]


def in_shards(built: Built, replay: Replay) -> list[Carried]:
    """Influence in shards, between two windows."""
    if not replay.active:
        return []
    names = np.repeat(np.arange(built.plan.n), np.diff(replay.row))

    def of_row(row: int) -> str:
        return unit_name(built, int(names[row])) if row < names.size else "an event under way"

    def of_place(first: int, rows: int, place: int) -> str:
        return of_row(first + place // replay.width % rows)

    parts = [
        Carried(INFLUENCE, part[:, low:high], partial(of_place, low, high - low))
        for part in replay.parts()
        for low, high in spans(replay.numbers(replay.filled, replay.carried))
    ]
    back = Carried(BACK, replay.owed, of_row), Carried(BACK, replay.largest, lambda _: "an event")
    return [*parts, *back]


def in_diary(built: Built, journal: Journal) -> list[Carried]:
    """What the traces that a window began with have been worth; it explodes as they would."""
    return [Carried(BACK, journal.start, lambda at: unit_name(built, at // built.widest))]


def in_factors(built: Built, limits: Limits) -> list[Carried]:
    """Both factors of traces of rank one, where a rule has them (`Changes.decay`)."""
    if not limits.switch[RANK_ONE]:
        return []
    size = limits.local.shape[1]

    def of_local(place: int) -> str:
        return unit_name(built, int(np.searchsorted(limits.slot[1:], place // size, side="right")))

    return [
        Carried("the postsynaptic factor of a trace", limits.local, of_local),
        Carried("the presynaptic factor of a trace", limits.heard, partial(_source, built)),
    ]


def in_filters(built: Built, filters: Filters) -> list[Carried]:
    """Traces of hidden units behind the filters of readouts."""
    ends = filters.at[:, 1:]

    def of_z(place: int) -> str:
        f = int(np.searchsorted(ends[:, -1], place, side="right"))
        return unit_name(built, int(np.searchsorted(ends[f], place, side="right")))

    return [Carried("a trace behind a readout's filter", filters.z, of_z)]


def in_traces(built: Built, traces: Traces) -> list[Carried]:
    """Traces of sources that whole populations share."""
    groups = max(traces.delta.size, 1)

    def of_z(place: int) -> str:
        return _source(built, place % groups)

    return [Carried("the trace of a source", traces.z, of_z)]


def in_tangents(built: Built, tangents: Tangents, kept: np.ndarray) -> list[Carried]:
    """Tangents, and what the rule keeps besides them."""

    def of_row(place: int) -> str:
        row = place // tangents.V.shape[1]
        if row >= built.units.initial.size:
            return "an event under way"
        population = int(np.searchsorted(built.units.at_h, row, side="right")) - 1
        within = (row - int(built.units.at_h[population])) % int(built.units.size[population])
        return unit_name(built, int(built.units.first[population]) + within)

    return [
        Carried(INFLUENCE, tangents.V, of_row),
        Carried("the other factor of influence", kept, lambda place: f"number {place}"),
    ]


def unit_name(built: Built, k: int) -> str:
    """Population and number of unit k: "hidden, unit 3"."""
    population = built.plan.populations[int(built.units.population[k])]
    return f"{population.name}, unit {k - built.plan.first[population.name]}"


def _source(built: Built, group: int) -> str:
    """Who sends a group of synapses; inputs are numbered behind the units."""
    k = int(np.searchsorted(built.wires.group[1:], group, side="right"))
    n = built.plan.n
    return unit_name(built, k) if k < n else f"input {k - n}"


def _of_theta(built: Built, place: int) -> int:
    """Unit of a place among the influences on own unit parameters: d m of each, side by side."""
    units = built.units
    each = units.d * units.m
    population = int(np.searchsorted(units.at_dm, place, side="right")) - 1
    within = (place - int(units.at_dm[population])) // max(int(each[population]), 1)
    return int(units.first[population]) + min(within, int(units.size[population]) - 1)


def _of_segment(built: Built, mask: Mask, rows: Rows, place: int) -> int:
    """Unit of a place in P: each segment is d rows in the storage of its block."""
    units = built.units
    for k in range(built.plan.n):
        d = int(units.d[units.population[k]])
        for s in range(mask.segment[k], mask.segment[k + 1]):
            block = mask.segment_block[s]
            first = rows.at_p[block] + mask.segment_row[s] * rows.capacity[block]
            if first <= place < first + d * rows.capacity[block]:
                return k
    return 0
