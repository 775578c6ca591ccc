"""Local rules in windows of steps: a diary, read from its end (kernels/diary.py).

While weights stand still, a window of steps is run forward and written down; then the gradient of
all its losses is read from the notes, lot by lot. What traces the window leaves behind is put
together only when somebody asks: the next window, or whoever looks. Where a sequence ends and the
next begins with nothing, nobody does.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.diary_tables import decay_of, make_diary
from neuro_rtrl.engine.threads import pool, threads
from neuro_rtrl.kernels.diary import CHUNK, GOES_ON, LANES, Desk, Diary
from neuro_rtrl.kernels.diary_close import leave_behind
from neuro_rtrl.kernels.diary_read import hand_over, prepare, read, remember
from neuro_rtrl.kernels.diary_write import write
from neuro_rtrl.kernels.filters import Filters
from neuro_rtrl.kernels.layout import (
    BYTES,
    GRADIENT_ADDS,
    RECORD_FULL,
    WINDOW_FULL,
    Mask,
    Rows,
    Run,
)
from neuro_rtrl.kernels.refs import Caller
from neuro_rtrl.kernels.stream import Stream
from neuro_rtrl.kernels.traces import Traces
from neuro_rtrl.kernels.transplant import catch_up_rows

ARRIVALS, EVENTS, STEPS = 1 << 16, 1 << 17, 2048  # after which a window ends
# Steps from which on a diary is faster: of sequences that begin with nothing, and of others, which
# have to put together the traces that they leave.
LEAST_STEPS, LEAST_BETWEEN = 32, 256
_GROWING = (
    "came", "value", "unit", "when", "held", "factor", "theta", "sorted_step", "sorted_value",
    "number", "sorted_factor",
)  # fmt: skip
PART = 4  # lots that a thread takes at a time


def least_between(built: Built) -> int:
    """Steps between updates from which on a diary is faster; events of several states cost more."""
    return LEAST_BETWEEN // min(built.widest, 2)


def fits(built: Built) -> bool:
    """Whether a diary can be kept for a network.

    Units follow linear flows with constant coefficients, arrivals act on states, and readouts have
    one state.
    """
    units = built.units
    plain = units.constant.all() and not built.wires.collects.any()
    some = built.plan.is_readout.any() and not built.plan.is_readout.all()
    readouts = units.population[built.plan.is_readout]
    single = (units.d[readouts] == 1).all() and not units.refractory[readouts].any()
    return bool(plain and some and single)


class Journal:
    """The diary of one lane, and what is still to be made of it.

    Attributes:
        waits: whether the traces that the last window leaves behind have not been put together.
        clean: whether none have been since somebody said so.
        start: (N, dm) derivative of the last window's losses by the traces that it began with.
    """

    def __init__(
        self,
        built: Built,
        mask: Mask,
        filters: Filters,
        traces: Traces,
        precision: str,
        beyond: bool = False,
    ) -> None:
        """No window yet; `beyond`: whether events are worth more than their learning signals."""
        self._built, self._mask, self._precision = built, mask, precision
        self._filters, self._traces = filters, traces
        self.waits, self.clean = False, False
        self.start = np.zeros((built.plan.n, built.widest))
        self._write = Caller(write)
        self._prepare = Caller(prepare, self._write)
        self._catch_up, self._remember = Caller(catch_up_rows), Caller(remember)
        self._leave, self._hand_over = Caller(leave_behind), Caller(hand_over)
        self._beyond, self._steps = beyond, STEPS

    def advance(
        self,
        run: Run,
        rows: Rows,
        stream: Stream,
        replaced: np.ndarray,
        gradient: np.ndarray,
        empty: bool,
    ) -> int:
        """Steps to the end of the present sequence, or to where the record is full.

        Args:
            empty: there are no traces from before.

        Returns:
            What the kernel answered; a pause is due where the record is said to be full.
        """
        while True:
            if not empty:
                self._open(run, rows, gradient)
            answer = self.write(run, rows, stream, replaced, gradient)
            self.waits = True
            self.read(run, rows, stream, gradient)
            if not empty:
                tables = (self._mask, run, rows, self._filters, self._traces, self.diary)
                self._remember((self._built.units, *tables), gradient)
            empty = False
            if answer == WINDOW_FULL and stream.pause[0] <= 0:
                stream.pause[0] -= 1
                answer = RECORD_FULL
            if answer != WINDOW_FULL:
                return int(answer)

    def write(
        self, run: Run, rows: Rows, stream: Stream, replaced: np.ndarray, gradient: np.ndarray
    ) -> int:
        """Steps of a window; what the kernel answered."""
        b, kept = self._built, (self._mask, run, rows, self._filters, self._traces)
        tables = (b.units, b.wires, *kept, self.diary, stream)
        return int(self._write(tables, b.values, replaced, gradient))

    def read(self, run: Run, rows: Rows, stream: Stream, gradient: np.ndarray) -> None:
        """The gradient of the window."""
        kept = (self._mask, run, rows, self._filters, self._traces)
        self._prepare((self._built.units, *kept, self.diary, stream), gradient)
        self._gather(run, gradient)
        self._count(rows)

    def make_room(self, steps: int) -> None:
        """A window may have so many steps."""
        if steps > self._steps:
            self._steps = steps
            self.__dict__.pop("diary", None)

    def grow(self) -> None:
        """Twice the room for events and arrivals; what is written stays, and is written on."""
        old = self.diary
        grown = {name: _doubled(getattr(old, name)) for name in _GROWING}
        self.diary = old._replace(room=old.room * np.array([2, 2, 1]), **grown)
        self.diary.clock[GOES_ON] = 1

    def settle(self, run: Run, rows: Rows) -> None:
        """Traces are those at the end of the last step."""
        if self.waits:
            traces = self._traces
            tables = (self._mask, run, rows, self._filters, traces, self.diary, self._desks[0])
            self._leave((self._built.units, *tables), np.zeros(traces.z.shape))
            self.waits = self.clean = False

    def take_flows(self) -> None:
        """The diary's copies of the flows of units are those of now."""
        if "diary" in self.__dict__:
            self.diary.decay[:] = decay_of(self._built, self.diary.member, len(self.diary.decay))

    def _open(self, run: Run, rows: Rows, gradient: np.ndarray) -> None:
        """Nothing is pending or gathered from before the window."""
        self.settle(run, rows)
        self._catch_up((self._built.units, self._mask, run, rows))
        if self._filters.waits.any() or self._filters.signal.any():
            tables = (self._built.units, self._mask, rows, self._filters, self._traces)
            self._hand_over(tables, gradient)

    def _gather(self, run: Run, gradient: np.ndarray) -> None:
        """The gradient of all lots, by as many threads as there are."""
        lots = self.diary.row.size - 1
        count = max(min(threads(), -(-lots // PART)), 1)
        while len(self._desks) < count:
            self._desks.append(self._desk())
            self._readers.append(Caller(read))

        def work(number: int) -> None:
            tables = (run, self.diary, self._desks[number])
            for low in range(number * PART, lots, count * PART):
                self._readers[number](tables, low, min(low + PART, lots), gradient)

        helpers = [pool(count - 1).submit(work, number) for number in range(1, count)]
        work(0)
        for helper in helpers:
            helper.result()

    def _count(self, rows: Rows) -> None:
        """What threads have added goes to the ledger."""
        for desk in self._desks:
            rows.counts[GRADIENT_ADDS] += desk.adds[0]
            rows.counts[BYTES] += desk.adds[0] * desk.worth.itemsize
            desk.adds[0] = 0

    @cached_property
    def diary(self) -> Diary:
        """The window; made when it is needed."""
        made = (self._built, self._mask, self._filters, self._traces, self._precision)
        return make_diary(*made, self.start, (ARRIVALS, EVENTS, self._steps), self._beyond)

    @cached_property
    def _desks(self) -> list[Desk]:
        """Scratch for each thread."""
        return [self._desk()]

    @cached_property
    def _readers(self) -> list[Caller]:
        """The kernel of each thread."""
        return [Caller(read)]

    def _desk(self) -> Desk:
        most, wide = int(np.diff(self.diary.row).max(initial=0)), self._built.widest
        sums = wide + self._filters.d.size
        return Desk(
            worth=np.zeros(wide * CHUNK * LANES, self._precision),
            nu=np.zeros(wide * LANES),
            work=np.zeros(wide * LANES),
            before=np.zeros(wide * LANES),
            sums=np.zeros((sums, most * LANES), self._precision),
            begin=np.zeros((sums, wide, LANES)),
            adds=np.zeros(1, np.int64),
        )


def _doubled(array: np.ndarray) -> np.ndarray:
    """With as many rows again, of zeros."""
    return np.concatenate([array, np.zeros_like(array)])
