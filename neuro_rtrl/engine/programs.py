"""Room for the program of a window of steps, and a window that is ready to be replayed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.runs import groups_of
from neuro_rtrl.kernels.cells import CHUNK
from neuro_rtrl.kernels.layout import Mask, Rows
from neuro_rtrl.kernels.program import ARRIVAL_SIZE, CARRIED, CLOCK_SIZE, TERMS, Program
from neuro_rtrl.kernels.traces import Traces
from neuro_rtrl.kernels.window import sort_terms

# Slots, arrivals, own terms and steps after which a window ends: so many stay in the cache.
ROOM = (4096, 1 << 16, 1 << 17, 512)
LARGE = (1 << 16, 1 << 20, 1 << 20, 2048)
"""The same of windows that are only read from their end, which no cache has to hold."""


class Window:
    """A program that is written to its end.

    Attributes:
        live: columns in use at the end.
        began, carried: events under way with a sensitivity, at the beginning and at the end.
        used: shards.
        part: shards that go together.
        shards: the first of each part; whoever takes one replays them.
        arrays: the first arguments of `replay`.
        parameter: (live,) parameter of each column.
        fetched: rows of a shard that are fetched before it is replayed: others are zero.
        helpers: threads at work on it.
    """

    def __init__(
        self,
        program: Program,
        rows: Rows,
        width: int,
        began: int,
        part: int,
        fetched: np.ndarray,
    ) -> None:
        self.program, self.began, self.part, self.fetched = program, began, part, fetched
        self.live, self.carried = int(rows.live[0]), int(program.clock[CARRIED])
        self.used = -(-self.live // width)
        self.parameter = rows.parameter[: self.live]
        self.shards: Iterator[int] = iter(range(0, self.used, part))
        self.helpers: list[Future[None]] = []
        terms, pointer = int(program.clock[TERMS]), _whole(self.used + 1)
        term, within, value = _whole(terms), _whole(terms), np.zeros(terms)
        sort_terms(program, rows.column, width, pointer, term, within, value)
        p = program
        self.arrays = (p.clock, p.out, p.first, p.source, p.factor, pointer, term, within, value)


def make_program(
    built: Built,
    mask: Mask,
    traces: Traces,
    row: np.ndarray,
    precision: str,
    filled: np.ndarray,
    room: tuple[int, int, int, int] = ROOM,
) -> Program:
    """Room for the program of one window, and behind that for what one step can add."""
    n, wide = built.plan.n, built.widest
    at_end = built.plan.is_readout[built.wires.target]
    arrivals = room[1] + int((built.plan.wiring.source < n).sum())
    slots = room[0] + (n + 1) * (wide + 1) + _under_way(built)
    operations = slots + 2 * wide * n + _under_way(built) + 1
    sources = wide * (arrivals + wide * operations) + slots
    learned = int((built.units.size * built.units.m).sum())
    terms = room[2] + 2 * int(mask.own_at[-1]) + learned + CHUNK
    return Program(
        **_operations(operations, sources, terms, precision),
        clock=_whole(CLOCK_SIZE),
        room=np.array(room),
        scale=np.ones(slots),
        credit=np.zeros(slots),
        row=row,
        plain=_plain(built, traces),
        power=traces.flow[:, :1] ** np.arange(room[3] + 1),
        decay=traces.shared,
        keeps=(~built.plan.is_readout).astype(np.uint8),
        filled=filled,
        version=_whole(n),
        pending=np.zeros((n, wide**2)),
        since=_whole(n),
        **_listed(n, arrivals, wide),
        **_direct(n, room[1] + int(at_end.sum())),
        slope=np.zeros((room[3], built.outputs[0].size)),
        before=np.zeros(int(mask.own_at[-1])),
        work=np.zeros((6, wide**2)),
    )


def _plain(built: Built, traces: Traces) -> np.ndarray:
    """(G,) whether a group only brings something to units that share their traces."""
    plain = traces.shares.astype(bool)
    plain[groups_of(built.wires)[traces.shared[built.wires.target] < 0]] = False
    return plain.astype(np.uint8)


def _under_way(built: Built) -> int:
    """Most events that can be under way between two steps."""
    ring = int(built.wires.ring[0])
    return built.plan.n * ring if built.wires.delay.max(initial=0) > 0 else 0


def _operations(count: int, sources: int, terms: int, precision: str) -> dict[str, np.ndarray]:
    return {
        "out": _whole(count),
        "first": _whole(count + 1),
        "source": np.zeros(sources, np.int32),
        "factor": np.zeros(sources, precision),
        "term": np.zeros(terms, np.int32),
        "parameter": np.zeros(terms, np.int32),
        "value": np.zeros(terms),
    }


def _listed(n: int, arrivals: int, wide: int) -> dict[str, np.ndarray]:
    return {
        "head": _whole(n),
        "arrival": np.zeros((arrivals, ARRIVAL_SIZE), np.int32),
        "weight": np.zeros((arrivals, wide)),
    }


def _direct(n: int, count: int) -> dict[str, np.ndarray]:
    return {
        "direct_head": _whole(n),
        "direct_link": _whole(count),
        "direct": _whole(count),
        "direct_came": _whole(count),
        "direct_state": _whole(count),
        "direct_value": np.zeros(count),
    }


def _whole(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.int64)
