"""Exact influence in windows of steps: programs that are replayed on shards of columns.

While weights stand still for some steps, a window of them is run forward once and then replayed on
one shard of columns after the other (kernels/program.py). A lane uses this for streams of
at least `LEAST_STEPS` steps where the network allows it; between calls the influence matrix
stays in shards until something wants to see rows (replay_rows.py).
"""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.threads import pool, threads
from neuro_rtrl.kernels.layout import Mask, Rows, Run
from neuro_rtrl.kernels.program import CARRIED, CLOCK_SIZE, TERMS, Program
from neuro_rtrl.kernels.record import WINDOW_FULL, record
from neuro_rtrl.kernels.replay import SHARD_BYTES, replay
from neuro_rtrl.kernels.stream import Stream
from neuro_rtrl.kernels.window import close_window, open_window, sort_terms

LEAST_STEPS = 16
CHUNK = 16  # shards in one array
LINE = 64  # bytes
SLOTS, ARRIVALS, TERMS_ROOM, STEPS = 2048, 1 << 16, 1 << 17, 512  # after which a window ends
LEAST_USED = 0.6  # of the rectangle of all rows and columns


def row_of(built: Built, mask: Mask) -> np.ndarray:
    """(N + 1,) first row of each unit in the base; units that nothing influences have none."""
    hears = (np.diff(mask.segment) > 0) | ((mask.block >= 0) & ~built.plan.is_readout)
    d = built.units.d[built.units.population]
    return np.concatenate([[0], np.cumsum(d * hears)]).astype(np.int64)


def fits(built: Built, mask: Mask) -> bool:
    """Whether programs can be written for a network, and shards hold little that is not there.

    Between events all units must follow linear flows with constant coefficients, and learn nothing
    but weights. Shards hold all rows for all columns, so most of these must be reached.
    """
    units = built.units
    if not units.constant.all() or units.m.any() or built.wires.collects.any():
        return False
    rows = np.diff(row_of(built, mask))
    columns = np.unique(mask.carried_block)
    full = int(rows.sum()) * int(mask.columns[columns].sum())
    unit = np.repeat(np.arange(built.plan.n), np.diff(mask.carried))
    mine = ~built.plan.is_readout[unit] | (mask.carried_block != mask.block[unit])
    used = int((rows[unit] * mask.columns[mask.carried_block] * mine).sum())
    return 0 < LEAST_USED * full <= used


class Replay:
    """The influence matrix of one lane in shards, and what a window needs besides.

    Attributes:
        active: whether influence is here, or in the lane's rows.
        base: shards (rows, columns of a shard): a row for each state of a unit, one for the
            gradient, and one for each event under way.
        filled: (N,) units whose rows are not zero.
        carried: events under way with a sensitivity.
        used: shards with columns in use.
    """

    def __init__(self, built: Built, mask: Mask, precision: str) -> None:
        self._built, self._mask, self._precision = built, mask, precision
        self.active = False
        self.base: list[np.ndarray] = []
        self.filled = np.zeros(built.plan.n, np.int64)
        self.carried = self.used = 0

    @property
    def width(self) -> int:
        """Columns of a shard."""
        return SHARD_BYTES // np.dtype(self._precision).itemsize

    @cached_property
    def row(self) -> np.ndarray:
        """(N + 1,) first row of each unit."""
        return row_of(self._built, self._mask)

    @property
    def rows(self) -> int:
        """Rows of all units."""
        return int(self.row[-1])

    @property
    def tall(self) -> int:
        """Rows of a shard."""
        return self.base[0].shape[1] if self.base else self.rows + 1 + self.carried

    def parts(self) -> list[np.ndarray]:
        """All shards in use, as flat arrays that share their memory."""
        counts = [min(CHUNK, self.used - CHUNK * i) for i in range(len(self.base))]
        return [base[: max(n, 0)].reshape(-1) for base, n in zip(self.base, counts, strict=True)]

    def storage(self) -> int:
        """Bytes of the shards in use."""
        return sum(base[0].nbytes for base in self.base[:1]) * self.used

    def restart(self) -> None:
        """No influence."""
        self.filled[:] = 0
        self.carried = self.used = 0

    def advance(self, run: Run, rows: Rows, stream: Stream, gradient: np.ndarray) -> int:
        """Steps to the end of the present sequence, or to where the record is full.

        Returns:
            What the kernel answered.
        """
        b, program = self._built, self._program
        while True:
            open_window(b.units, self._mask, run, rows, program, self.carried)
            answer = record(b.units, b.wires, self._mask, b.values, run, rows, program, stream)
            self._close(run, rows, stream, gradient)
            if answer != WINDOW_FULL:
                return int(answer)

    def _close(self, run: Run, rows: Rows, stream: Stream, gradient: np.ndarray) -> None:
        b, program, began = self._built, self._program, self.carried
        close_window(b.units, self._mask, run, rows, program, stream, gradient)
        self.carried = int(program.clock[CARRIED])
        live = int(rows.live[0])
        self.make_room(live, self.carried)
        terms, pointer = int(program.clock[TERMS]), _whole(self.used + 1)
        term, within, value = _whole(terms), _whole(terms), np.zeros(terms)
        sort_terms(program, rows.column, self.width, pointer, term, within, value)
        p, count = program, threads()
        while len(self._slots) < count:
            self._slots.append(aligned((program.scale.size, self.width), self._precision))
        fixed = (p.clock, p.out, p.first, p.source, p.factor, pointer, term, within, value)

        def some(part: int, slots: np.ndarray) -> None:
            for chunk, base in enumerate(self.base):
                at = chunk * CHUNK
                size = max(min(CHUNK, self.used - at), 0)
                low, high = (at + size * (part + i) // count for i in (0, 1))
                replay(*fixed, (began, self.rows + 1), (low, high, at), base, slots)

        if count == 1:
            some(0, self._slots[0])
        else:
            list(pool(count).map(some, range(count), self._slots))
        if self.used:
            found = np.concatenate([base[:, self.rows].ravel() for base in self.base])
            gradient[rows.parameter[:live]] += found[:live]

    def make_room(self, columns: int, carried: int) -> None:
        """Shards for so many columns, with rows for so many events under way."""
        need = self.rows + 1 + carried
        if self.tall < need:
            self.base = [_taller(base, need + carried) for base in self.base]
        while self.used * self.width < columns:
            if self.used == CHUNK * len(self.base):
                shape = (CHUNK, max(self.tall, need), self.width)
                self.base.append(aligned(shape, self._precision))
            else:
                self.base[self.used // CHUNK][self.used % CHUNK] = 0
            self.used += 1

    @cached_property
    def _program(self) -> Program:
        return make_program(self._built, self._mask, self._precision, self.filled)

    @cached_property
    def _slots(self) -> list[np.ndarray]:
        """Scratch for each thread."""
        return []


def _taller(base: np.ndarray, rows: int) -> np.ndarray:
    made = aligned((len(base), rows, base.shape[2]), str(base.dtype))
    made[:, : base.shape[1]] = base
    return made


def aligned(shape: tuple[int, ...], precision: str) -> np.ndarray:
    """Zeros that begin with a line of the cache, so that no vector lies in two."""
    size, count = np.dtype(precision).itemsize, math.prod(shape)
    whole = np.zeros(count + LINE // size, precision)
    start = (-whole.ctypes.data % LINE) // size
    return whole[start : start + count].reshape(shape)


def make_program(built: Built, mask: Mask, precision: str, filled: np.ndarray) -> Program:
    """Room for the program of one window, and behind that for what one step can add."""
    n, wide = built.plan.n, built.widest
    at_end = built.plan.is_readout[built.wires.target]
    arrivals = ARRIVALS + int((built.plan.wiring.source < n).sum())
    slots = SLOTS + (n + 1) * (wide + 1) + _under_way(built)
    operations = slots + 2 * wide * n + _under_way(built) + 1
    sources = wide * (arrivals + wide * operations) + slots
    return Program(
        **_operations(operations, sources, TERMS_ROOM + 2 * int(mask.own_at[-1]), precision),
        clock=_whole(CLOCK_SIZE),
        room=np.array([SLOTS, ARRIVALS, TERMS_ROOM, STEPS]),
        scale=np.ones(slots),
        credit=np.zeros(slots),
        row=row_of(built, mask),
        keeps=(~built.plan.is_readout).astype(np.uint8),
        filled=filled,
        version=_whole(n),
        pending=np.zeros((n, wide**2)),
        since=_whole(n),
        **_listed(n, arrivals, wide),
        **_direct(n, ARRIVALS + int(at_end.sum())),
        slope=np.zeros((STEPS, built.outputs[0].size)),
        before=np.zeros(int(mask.own_at[-1])),
        work=np.zeros((6, wide**2)),
    )


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
        "term": _whole(terms),
        "parameter": _whole(terms),
        "value": np.zeros(terms),
    }


def _listed(n: int, arrivals: int, wide: int) -> dict[str, np.ndarray]:
    return {
        "head": _whole(n),
        "link": _whole(arrivals),
        "arrival": _whole(arrivals),
        "came": _whole(arrivals),
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
