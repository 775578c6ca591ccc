"""Exact influence in windows of steps: programs that are replayed on shards of columns.

While weights stand still for some steps, a window of them is run forward once and then replayed on
one shard of columns after the other (kernels/program.py). A lane uses this for streams that are
long enough (`least_steps`), where the network allows it; between calls the influence matrix stays
in shards until something wants to see rows (replay_rows.py).
"""

from __future__ import annotations

import itertools
from functools import cached_property

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.memory import aligned_zeros
from neuro_rtrl.engine.programs import Window, make_program
from neuro_rtrl.engine.shared import make_traces
from neuro_rtrl.engine.threads import pool, threads
from neuro_rtrl.kernels.layout import RECORD_FULL, WINDOW_FULL, Mask, Rows, Run
from neuro_rtrl.kernels.program import Program
from neuro_rtrl.kernels.record import record
from neuro_rtrl.kernels.replay import SHARD_BYTES, replay
from neuro_rtrl.kernels.stream import Stream
from neuro_rtrl.kernels.traces import Traces
from neuro_rtrl.kernels.window import close_window, open_window

LEAST_STEPS, ROWS_EACH = 16, 32  # a window has a step for each so many rows, at least
CHUNK, PART = 16, 4  # shards in one array; those that a thread takes at a time
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
    rows, full = np.diff(row_of(built, mask)), most_entries(built, mask)
    unit = np.repeat(np.arange(built.plan.n), np.diff(mask.carried))
    mine = ~built.plan.is_readout[unit] | (mask.carried_block != mask.block[unit])
    used = int((rows[unit] * mask.columns[mask.carried_block] * mine).sum())
    return 0 < LEAST_USED * full <= used


def most_entries(built: Built, mask: Mask) -> int:
    """Entries of shards with every column that may ever be used."""
    columns = mask.columns[np.unique(mask.carried_block)]
    return int(row_of(built, mask)[-1]) * int(columns.sum())


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
    def least_steps(self) -> int:
        """Steps of a stream from which on windows are faster: each leaves all rows behind."""
        return max(LEAST_STEPS, self.rows // ROWS_EACH)

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

        With several threads, one writes the next window's program while others replay.

        Returns:
            What the kernel answered; a pause is due where the record is said to be full.
        """
        b, mask, before, answer = self._built, self._mask, None, WINDOW_FULL
        for number in itertools.count():
            program = self._programs[number % min(threads(), 2)]
            open_window(b.units, mask, run, rows, self._traces, program, self.carried)
            answer = record(
                b.units, b.wires, mask, b.values, run, rows, self._traces, program, stream
            )
            close_window(b.units, mask, run, rows, self._traces, program, stream, gradient)
            part = CHUNK if threads() == 1 else PART
            window = Window(program, rows, self.width, self.carried, part)
            self.carried = window.carried
            if before is not None:
                self._finish(before, gradient)
            self._start(window)
            before = window
            if answer == WINDOW_FULL and stream.pause[0] <= 0:
                stream.pause[0] -= 1
                answer = RECORD_FULL
            if threads() == 1 or answer != WINDOW_FULL:
                self._finish(window, gradient)
                before = None
            if answer != WINDOW_FULL:
                break
        return int(answer)

    def _start(self, window: Window) -> None:
        """The helpers go to work, if there are any."""
        self.make_room(window.live, window.carried)
        while len(self._slots) < threads():
            self._slots.append(
                aligned_zeros((window.program.scale.size, self.width), self._precision)
            )
        window.helpers = [
            pool(threads() - 1).submit(self._work, window, slots)
            for slots in self._slots[1 : threads()]
        ]

    def _finish(self, window: Window, gradient: np.ndarray) -> None:
        """All shards are at the end of the window; the gradient goes to its parameters."""
        self._work(window, self._slots[0])
        for helper in window.helpers:
            helper.result()
        if window.live:
            found = np.concatenate([base[:, self.rows].ravel() for base in self.base])
            gradient[window.parameter] += found[: window.live]

    def _work(self, window: Window, slots: np.ndarray) -> None:
        """Some shards at a time, as long as there are any that nobody has taken."""
        for low in window.shards:
            high, begins = min(low + window.part, window.used), low // CHUNK * CHUNK
            replay(
                *window.arrays, (window.began, self.rows + 1), (low, high, begins),
                self.base[low // CHUNK], slots,
            )  # fmt: skip

    def make_room(self, columns: int, carried: int) -> None:
        """Shards for so many columns, with rows for so many events under way."""
        need = self.rows + 1 + carried
        if self.tall < need:
            self.base = [_taller(base, need + carried) for base in self.base]
        while self.used * self.width < columns:
            if self.used == CHUNK * len(self.base):
                shape = (CHUNK, max(self.tall, need), self.width)
                self.base.append(aligned_zeros(shape, self._precision))
            else:
                self.base[self.used // CHUNK][self.used % CHUNK] = 0
            self.used += 1

    @cached_property
    def _programs(self) -> list[Program]:
        """Two, as one is written while the other is replayed."""
        made = (self._built, self._mask, self._traces, self.row, self._precision, self.filled)
        return [make_program(*made), make_program(*made)]

    @cached_property
    def _traces(self) -> Traces:
        """What synapses of one source have in common, within a window."""
        return make_traces(self._built, self._mask, self._precision, one_state=True)

    @cached_property
    def _slots(self) -> list[np.ndarray]:
        """Scratch for each thread."""
        return []


def _taller(base: np.ndarray, rows: int) -> np.ndarray:
    made = aligned_zeros((len(base), rows, base.shape[2]), str(base.dtype))
    made[:, : base.shape[1]] = base
    return made
