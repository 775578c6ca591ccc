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
from neuro_rtrl.engine.shared import flows
from neuro_rtrl.engine.threads import pool, threads
from neuro_rtrl.kernels.diary import CHUNK, CLOCK_SIZE, LANES, Desk, Diary
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
PART = 4  # lots that a thread takes at a time


def fits(built: Built, filters: Filters) -> bool:
    """Whether a diary can be kept for a network.

    Units follow linear flows with constant coefficients, arrivals act on states, and readouts have
    one state.
    """
    units = built.units
    plain = units.constant.all() and not built.wires.collects.any()
    some = filters.d.size > 0 and not built.plan.is_readout.all()
    readouts = units.population[built.plan.is_readout]
    single = (filters.d == 1).all() and not units.refractory[readouts].any()
    return bool(plain and some and single)


class Journal:
    """The diary of one lane, and what is still to be made of it.

    Attributes:
        waits: whether the traces that the last window leaves behind have not been put together.
        clean: whether none have been since somebody said so.
        start: (N, dm) derivative of the last window's losses by the traces that it began with.
    """

    def __init__(
        self, built: Built, mask: Mask, filters: Filters, traces: Traces, precision: str
    ) -> None:
        self._built, self._mask, self._precision = built, mask, precision
        self._filters, self._traces = filters, traces
        self.waits, self.clean = False, False
        self.start = np.zeros((built.plan.n, built.widest))
        self._write = Caller(write)
        self._prepare = Caller(prepare, self._write)
        self._catch_up, self._remember = Caller(catch_up_rows), Caller(remember)
        self._leave, self._hand_over = Caller(leave_behind), Caller(hand_over)

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
        b, mask, diary = self._built, self._mask, self._diary
        while True:
            if not empty:
                self._open(run, rows, gradient)
            kept = (mask, run, rows, self._filters, self._traces, diary, stream)
            answer = self._write((b.units, b.wires, *kept), b.values, replaced, gradient)
            self.waits = True
            self._prepare((b.units, *kept), gradient)
            self._gather(run, gradient)
            self._count(rows)
            if not empty:
                self._remember((b.units, *kept[:-1]), gradient)
            empty = False
            if answer == WINDOW_FULL and stream.pause[0] <= 0:
                stream.pause[0] -= 1
                answer = RECORD_FULL
            if answer != WINDOW_FULL:
                return int(answer)

    def settle(self, run: Run, rows: Rows) -> None:
        """Traces are those at the end of the last step."""
        if self.waits:
            traces = self._traces
            tables = (self._mask, run, rows, self._filters, traces, self._diary, self._desks[0])
            self._leave((self._built.units, *tables), np.zeros(traces.z.shape))
            self.waits = self.clean = False

    def take_flows(self) -> None:
        """The diary's copies of the flows of units are those of now."""
        if "_diary" in self.__dict__:
            self._diary.decay[:] = _decay(self._built, self._diary.member, len(self._diary.decay))

    def _open(self, run: Run, rows: Rows, gradient: np.ndarray) -> None:
        """Nothing is pending or gathered from before the window."""
        self.settle(run, rows)
        self._catch_up((self._built.units, self._mask, run, rows))
        if self._filters.waits.any() or self._filters.signal.any():
            tables = (self._built.units, self._mask, rows, self._filters, self._traces)
            self._hand_over(tables, gradient)

    def _gather(self, run: Run, gradient: np.ndarray) -> None:
        """The gradient of all lots, by as many threads as there are."""
        lots = self._diary.row.size - 1
        count = max(min(threads(), -(-lots // PART)), 1)
        while len(self._desks) < count:
            self._desks.append(self._desk())
            self._readers.append(Caller(read))

        def work(number: int) -> None:
            tables = (run, self._diary, self._desks[number])
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
    def _diary(self) -> Diary:
        made = (self._built, self._mask, self._filters, self._traces, self._precision)
        return make_diary(*made, self.start)

    @cached_property
    def _desks(self) -> list[Desk]:
        """Scratch for each thread."""
        return [self._desk()]

    @cached_property
    def _readers(self) -> list[Caller]:
        """The kernel of each thread."""
        return [Caller(read)]

    def _desk(self) -> Desk:
        most, wide = int(np.diff(self._diary.row).max(initial=0)), self._built.widest
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


def make_diary(
    built: Built,
    mask: Mask,
    filters: Filters,
    traces: Traces,
    precision: str,
    start: np.ndarray,
    steps: int = STEPS,
    beyond: bool = False,
) -> Diary:
    """Room for a window, and behind that for what one step can add; and its tables.

    Args:
        steps: how many a window may have.
        beyond: whether events are worth something beyond their learning signals.
    """
    n, groups, outputs = built.plan.n, built.wires.delay.size, built.outputs[0].size
    arrivals, events = ARRIVALS + groups, EVENTS + 2 * n
    member = np.flatnonzero(~built.plan.is_readout)
    place = np.full(n, -1)
    place[member] = np.arange(member.size)
    lots = -(-member.size // LANES)
    wide, d = built.widest, built.units.d[built.units.population]
    learned = int(built.units.m[built.units.population[member]].max(initial=0))
    factors = wide + 3 * wide**2 + beyond
    return Diary(
        clock=np.zeros(CLOCK_SIZE, np.int64),
        room=np.array([ARRIVALS, EVENTS, steps]),
        came=np.zeros((arrivals, 2), np.int32),
        value=np.zeros(arrivals),
        unit=np.zeros(events, np.int32),
        when=np.zeros(events, np.int32),
        held=np.zeros(events, np.uint8),
        factor=np.zeros((events, factors)),
        theta=np.zeros((events, learned)),
        theta_sum=np.zeros((filters.d.size, n, learned)),
        power=np.zeros((steps + 1, wide)),
        slope=np.zeros((steps + 1, outputs)),
        signal=np.zeros((steps + 1, max(outputs, filters.d.size + 1))),
        back=np.zeros((steps + 1, outputs)),
        touched=np.zeros(n, np.uint8),
        pointer=np.zeros((groups, -(-steps // CHUNK)), np.int64),
        sorted_step=np.zeros(arrivals, np.int32),
        sorted_value=np.zeros(arrivals, precision),
        event=np.zeros(lots + 1, np.int64),
        number=np.zeros((events, 3), np.int32),
        sorted_factor=np.zeros((events, factors)),
        member=member,
        place=place,
        wide=np.array([wide]),
        states=np.array([int(d[member[i * LANES : (i + 1) * LANES]].max()) for i in range(lots)]),
        decay=_decay(built, member, lots),
        **_hears(built, filters, place, member.size),
        **_rows(built, mask, traces, member),
        start=start,
    )


def _decay(built: Built, member: np.ndarray, lots: int) -> np.ndarray:
    """(lots, dm*dm * LANES) D of each unit, in rows of dm."""
    units, wide = built.units, built.widest
    found = np.zeros((lots * LANES, wide, wide))
    for p in range(units.first.size):
        d, first = int(units.d[p]), int(units.first[p])
        mine = np.flatnonzero((member >= first) & (member < first + units.size[p]))
        found[mine, :d, :d] = flows(built, p).reshape(-1, d, d)[member[mine] - first]
    turned = found.reshape(lots, LANES, wide**2).transpose(0, 2, 1)
    return np.ascontiguousarray(turned).reshape(lots, -1)


def _hears(built: Built, filters: Filters, place: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """Synapses to readouts, by unit."""
    order = np.argsort(place[filters.sent[1]], kind="stable")
    sizes = np.bincount(place[filters.sent[1]], minlength=-(-count // LANES) * LANES)
    return {
        "hears": np.concatenate([[0], np.cumsum(sizes)]),
        "output": filters.sent[2][order],
        "weight": np.zeros(order.size),
    }


def _rows(built: Built, mask: Mask, traces: Traces, member: np.ndarray) -> dict[str, np.ndarray]:
    """Rows and runs of each lot, and the place of each own synapse."""
    own_gain = built.wires.gain[mask.own_parameter]
    own, lots = np.zeros(own_gain.size, np.int32), []
    for first in range(0, member.size, LANES):
        units = member[first : first + LANES]
        chosen = np.concatenate([np.arange(mask.own[k], mask.own[k + 1]) for k in units])
        lane = np.repeat(np.arange(units.size), mask.own[units + 1] - mask.own[units])
        state = built.wires.variable[mask.own_parameter[chosen]]
        key = traces.group[chosen].astype(np.int64) * built.widest + state
        keys, number = np.unique(key, return_inverse=True)
        own[chosen] = number * LANES + lane
        heard = np.bincount(number, minlength=keys.size)
        group, state = np.divmod(keys, built.widest)
        numbers = mask.own_parameter[chosen], own[chosen], own_gain[chosen]
        lots.append(
            {"group": group.astype(np.int32), "state": state, "heard": heard, **_runs(*numbers)}
        )
    return {
        "row": np.cumsum([0, *(lot["group"].size for lot in lots)]),
        "run": np.cumsum([0, *(lot["length"].size for lot in lots)]),
        **{name: np.concatenate([lot[name] for lot in lots]) for name in lots[0]},
        "own": own,
        "own_gain": own_gain,
    }


def _runs(parameter: np.ndarray, at: np.ndarray, gain: np.ndarray) -> dict[str, np.ndarray]:
    """Own synapses of a lot that are neighbours, with one gain and parameters in order."""
    order = np.argsort(at)
    parameter, at, gain = parameter[order], at[order], gain[order]
    follows = (np.diff(parameter) == 1) & (np.diff(at) == 1) & (np.diff(gain) == 0)
    first = np.flatnonzero(np.concatenate([[True], ~follows])[: order.size])
    return {
        "parameter": parameter[first],
        "at": at[first].astype(np.int64),
        "length": np.diff(np.append(first, order.size)),
        "gain": gain[first],
    }
