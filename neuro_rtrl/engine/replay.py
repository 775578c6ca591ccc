"""Exact influence in windows of steps: programs that are replayed on shards of columns.

While weights stand still for some steps, a window of them is run forward once and then replayed on
one shard of columns after the other (kernels/program.py). A lane uses this for streams that are
long enough (`least_steps`), where the network allows it; between calls the influence matrix stays
in shards until something wants to see rows (replay_rows.py).

At the end of a sequence whose successor begins with nothing, nobody wants the influence matrix:
there the gradient is read from the program's end instead (kernels/way_back.py), and the program is
replayed only if somebody asks. Such a window may be long, as no cache has to hold its rows.
"""

from __future__ import annotations

import itertools
from functools import cached_property

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.memory import aligned_zeros, spans, taller
from neuro_rtrl.engine.programs import LARGE, ROOM, Window, make_program
from neuro_rtrl.engine.shared import make_traces
from neuro_rtrl.engine.threads import pool, threads
from neuro_rtrl.kernels.layout import FINISHED, RECORD_FULL, STEP, WINDOW_FULL, Mask, Rows, Run
from neuro_rtrl.kernels.program import CARRIED, DIRECT, FIRST_STEP, LISTED, SLOTS, TERMS, Program
from neuro_rtrl.kernels.record import record
from neuro_rtrl.kernels.replay import SHARD_BYTES, replay
from neuro_rtrl.kernels.stream import Stream
from neuro_rtrl.kernels.traces import Traces
from neuro_rtrl.kernels.way_back import read_base, way_back
from neuro_rtrl.kernels.window import close_window, leave_window, open_window

LEAST_STEPS, ROWS_EACH = 16, 32  # a window has a step for each so many rows, at least
CHUNK, PART = 16, 4  # shards in one array; those that a thread takes at a time
MARGIN = 1.25  # by which a large program has more room than the last window would have needed
LEAST_USED = 0.6  # of the rectangle of all rows and columns


def row_of(built: Built, mask: Mask) -> np.ndarray:
    """(N + 1,) first row of each unit in the base; units that nothing influences have none."""
    hears = (np.diff(mask.segment) > 0) | ((mask.block >= 0) & ~built.plan.is_readout)
    d = built.units.d[built.units.population]
    return np.concatenate([[0], np.cumsum(d * hears)]).astype(np.int64)


def fits(built: Built, mask: Mask) -> bool:
    """Whether programs can be written for a network, and shards hold little that is not there.

    Between events all units must follow linear flows with constant coefficients. Shards hold all
    rows for all columns, so most of these must be reached.
    """
    if not built.units.constant.all() or built.wires.collects.any():
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
        owed: what the last window that was read from its end owes to each row of the base.
        largest: (1,) the most that it owes to anything in between.
        of_a_step: (3,) slots, arrivals and own terms, in the last window.
        reads: whether windows at the end of sequences are read from their end.
    """

    reads = True

    def __init__(self, built: Built, mask: Mask, precision: str) -> None:
        self._built, self._mask, self._precision = built, mask, precision
        self.active = False
        self.base: list[np.ndarray] = []
        self.filled = np.zeros(built.plan.n, np.int64)
        self._ever = np.zeros(built.plan.n, bool)  # filled, since the base was made
        self.carried = self.used = 0
        self.owed, self.largest = np.zeros(0), np.zeros(1)
        self._waiting: tuple[Program, int, int] | None = None
        self.of_a_step = np.zeros(3)

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
        """All shards in use: (shards, rows, columns of a shard), arrays that share their memory."""
        counts = [min(CHUNK, self.used - CHUNK * i) for i in range(len(self.base))]
        return [base[: max(n, 0)] for base, n in zip(self.base, counts, strict=True)]

    def numbers(self, units: np.ndarray, carried: int) -> np.ndarray:
        """Of the rows of these `units` (N,), the gradient, and so many events under way."""
        used = np.flatnonzero(np.repeat(units, np.diff(self.row)))
        return np.append(used, self.rows + np.arange(1 + carried))

    def storage(self) -> int:
        """Bytes of the shards in use."""
        return sum(base[0].nbytes for base in self.base[:1]) * self.used

    def restart(self) -> None:
        """No influence."""
        self._ever |= self.filled != 0
        self.filled[:] = 0
        self.carried = self.used = 0
        self._waiting = None

    def advance(
        self, run: Run, rows: Rows, stream: Stream, gradient: np.ndarray, last: bool
    ) -> int:
        """Steps to the end of the present sequence, or to where the record is full.

        With several threads, one writes the next window's program while others replay.

        Args:
            last: whether influence ends with the sequence.

        Returns:
            What the kernel answered; a pause is due where the record is said to be full.
        """
        b, mask, before, answer = self._built, self._mask, None, WINDOW_FULL
        self.settle(run, rows)
        for number in itertools.count():
            large = last and self.reads and self._suffices(run, stream)
            program = self._large if large else self._programs[number % min(threads(), 2)]
            open_window(b.units, mask, run, rows, self._traces, program, self.carried)
            kept = (run, rows, self._traces, program, stream)
            answer = record(b.units, b.wires, mask, b.values, *kept, gradient)
            self._measure(run, program)
            some, began = bool(self.filled.any()) or self.carried > 0, self.carried
            close_window(b.units, mask, run, rows, self._traces, program, stream, gradient)
            if before is not None:
                self._finish(before, gradient)
            if answer == FINISHED and last and self.reads:
                self._waiting = program, began, int(run.clock[STEP])
                self._read(program, rows, began, some, gradient)
                break
            self._leave(run, rows, program)
            before = window = self._start(program, rows, began)
            if answer == WINDOW_FULL and stream.pause[0] <= 0:
                stream.pause[0] -= 1
                answer = RECORD_FULL
            if threads() == 1 or answer != WINDOW_FULL:
                self._finish(window, gradient)
                before = None
            if answer != WINDOW_FULL:
                break
        return int(answer)

    def _measure(self, run: Run, program: Program) -> None:
        """What a step of a window takes."""
        steps = int(run.clock[STEP] - program.clock[FIRST_STEP])
        if steps > 0:
            slots, listed, direct, terms = program.clock[[SLOTS, LISTED, DIRECT, TERMS]]
            self.of_a_step[:] = slots / steps, max(listed, direct) / steps, terms / steps

    def _suffices(self, run: Run, stream: Stream) -> bool:
        """Whether the rest of a sequence will, by the last window, fit a large program."""
        left = int(stream.span[1] - (run.clock[STEP] - stream.offset[0]))
        likely = MARGIN * self.of_a_step * left
        return bool(self.of_a_step.any() and left <= LARGE[3] and (likely < LARGE[:3]).all())

    def _read(
        self, program: Program, rows: Rows, began: int, some: bool, gradient: np.ndarray
    ) -> None:
        """The gradient from the program's end; `some`: the window began with influence."""
        self.owed = np.zeros(self.tall)
        slots = np.zeros(int(program.clock[SLOTS]))
        way_back(program, rows, began, self.rows, slots, self.owed, gradient)
        self.largest[:] = np.abs(slots).max(initial=0.0)
        if some:
            parts = self.parts()
            found = [np.zeros((len(part), self.width), self._precision) for part in parts]
            for part, into in zip(parts, found, strict=True):
                read_base(part, self.owed, into)
            columns = min(self.used * self.width, int(rows.live[0]))
            flat = np.concatenate([into.ravel() for into in found])
            gradient[rows.parameter[:columns]] += flat[:columns]

    def settle(self, run: Run, rows: Rows) -> None:
        """Influence is that of now: a program that was only read is replayed."""
        if self._waiting is not None:
            (program, began, end), now = self._waiting, int(run.clock[STEP])
            self._waiting, run.clock[STEP] = None, end
            self._leave(run, rows, program)
            run.clock[STEP] = now
            self._finish(self._start(program, rows, began), None)

    def _leave(self, run: Run, rows: Rows, program: Program) -> None:
        leave_window(self._built.units, self._mask, run, rows, self._traces, program)
        self.carried = int(program.clock[CARRIED])

    def _start(self, program: Program, rows: Rows, began: int) -> Window:
        """The helpers go to work, if there are any."""
        part = CHUNK if threads() == 1 else PART
        fetched = self.numbers(self.filled, self.carried)
        window = Window(program, rows, self.width, began, part, fetched)
        self.make_room(window.live, window.carried)
        need = window.program.scale.size
        self._slots[:] = [slots for slots in self._slots if len(slots) >= need]
        while len(self._slots) < threads():
            self._slots.append(aligned_zeros((need, self.width), self._precision))
        window.helpers = [
            pool(threads() - 1).submit(self._work, window, slots)
            for slots in self._slots[1 : threads()]
        ]
        return window

    def _finish(self, window: Window, gradient: np.ndarray | None) -> None:
        """All shards are at the end of the window; the gradient goes to its parameters, if any."""
        self._work(window, self._slots[0])
        for helper in window.helpers:
            helper.result()
        if window.live and gradient is not None:
            found = np.concatenate([base[:, self.rows].ravel() for base in self.base])
            gradient[window.parameter] += found[: window.live]

    def _work(self, window: Window, slots: np.ndarray) -> None:
        """Some shards at a time, as long as there are any that nobody has taken."""
        for low in window.shards:
            high, begins = min(low + window.part, window.used), low // CHUNK * CHUNK
            replay(
                *window.arrays, (window.began, self.rows + 1), (low, high, begins),
                window.fetched, self.base[low // CHUNK], slots,
            )  # fmt: skip

    def make_room(self, columns: int, carried: int) -> None:
        """Shards for so many columns, with rows for so many events under way."""
        need = self.rows + 1 + carried
        if self.tall < need:
            self.base = [taller(base, need + carried) for base in self.base]
        some = spans(self.numbers(self._ever, self.tall - self.rows - 1))
        while self.used * self.width < columns:
            if self.used == CHUNK * len(self.base):
                shape = (CHUNK, max(self.tall, need), self.width)
                self.base.append(aligned_zeros(shape, self._precision))
            else:
                for low, high in some:
                    self.base[self.used // CHUNK][self.used % CHUNK, low:high] = 0
            self.used += 1

    @cached_property
    def _programs(self) -> list[Program]:
        """Two, as one is written while the other is replayed."""
        return [self._program(ROOM), self._program(ROOM)]

    @cached_property
    def _large(self) -> Program:
        """One for windows that are only read."""
        return self._program(LARGE)

    def _program(self, room: tuple[int, int, int, int]) -> Program:
        made = (self._built, self._mask, self._traces, self.row, self._precision, self.filled)
        return make_program(*made, room)

    @cached_property
    def _traces(self) -> Traces:
        """What synapses of one source have in common, within a window."""
        return make_traces(self._built, self._mask, self._precision, one_state=True)

    @cached_property
    def _slots(self) -> list[np.ndarray]:
        """Scratch for each thread."""
        return []
