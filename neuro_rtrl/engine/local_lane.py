"""Lanes of local rules: one filtered trace for each hidden unit, kept event by event, or read from
a diary of a window of steps (diary.py)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from neuro_rtrl.contracts_influence import Carried
from neuro_rtrl.engine import diary
from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.carried import in_diary, in_filters, in_rows, in_traces
from neuro_rtrl.engine.feedback import Route
from neuro_rtrl.engine.fresh_run import make_run
from neuro_rtrl.engine.local import Local, fill_flows, make_filters
from neuro_rtrl.engine.postponed import make_postponed
from neuro_rtrl.engine.row_parts import Part, of_traces
from neuro_rtrl.engine.shared import make_traces
from neuro_rtrl.engine.simulation import not_finite
from neuro_rtrl.engine.storage import make_rows, storage_bytes
from neuro_rtrl.kernels.descent import NO_DESCENT, Descent
from neuro_rtrl.kernels.entry import start_rows, start_run
from neuro_rtrl.kernels.filters import Filters
from neuro_rtrl.kernels.layout import (
    FINISHED,
    NOT_FINITE,
    RECORD_FULL,
    SEQUENCE,
    STEP,
    Mask,
    Rows,
    Run,
)
from neuro_rtrl.kernels.local import local
from neuro_rtrl.kernels.local_postponed import local_postponed
from neuro_rtrl.kernels.postponed import Postponed
from neuro_rtrl.kernels.refs import Caller
from neuro_rtrl.kernels.stream import Stream
from neuro_rtrl.kernels.traces import Traces
from neuro_rtrl.kernels.transplant import catch_up_rows, settle_rows


class LocalLane:
    """One stream of sequences under a local rule."""

    holds = True

    def __init__(
        self,
        built: Built,
        mask: Mask,
        route: Route,
        kept: Local,
        precision: str,
        copies: int,
        windows: bool,
    ) -> None:
        self.built, self.mask, self.route = built, mask, route
        self.run: Run = make_run(built)
        self.rows: Rows = make_rows(built, mask, precision)
        self.filters: Filters = make_filters(built, mask, route, kept, precision)
        self.traces: Traces = make_traces(built, mask, precision)
        self._copies, self._kept = copies, kept
        self._local, self._local_postponed = Caller(local), Caller(local_postponed)
        self._start_run, self._start_rows = Caller(start_run), Caller(start_rows)
        self.journal: diary.Journal | None = None
        if windows and diary.fits(built):
            self.journal = diary.Journal(built, mask, self.filters, self.traces, precision)
        self._empty = False
        self._postponed: Postponed | None = None

    def restart(self) -> None:
        """Initial states, nothing under way, no traces; counts stay."""
        self.run.clock[:] = 0
        self.begin()

    def begin(self) -> None:
        """Initial states, and no traces; these are many, so where there are none they are left."""
        self._start_run((self.built.units, self.run))
        r, f, t = self.rows, self.filters, self.traces
        for array in (r.theta, r.alive, r.fresh_count, t.heard, t.columns, t.coming):
            array[:] = 0
        if not self._empty:
            self._start_rows((self.built.units, self.mask, r))
            for array in (f.pending, f.signal, f.filled, f.gathered, f.waits, t.z, t.delta):
                array[:] = 0
            self._empty = True
        if self._postponed is not None:
            self._postponed.open[0] = 0
        if self.journal is not None:
            self.journal.waits, self.journal.clean = False, True

    def prepare_for(self, notes: Mapping[str, Any], place: str) -> None:
        """Something is owed to the weights, if it was where a state was kept."""
        if "object" in notes.get(f"{place}/_postponed", {}):
            self._owing()

    def advance(self, stream: Stream, gradient: np.ndarray, restart: bool) -> bool:
        """Run the stream, adding to `gradient`; True if the record of spikes is full first."""
        stream.copies[0] = self._copies
        least = diary.LEAST_STEPS if restart else diary.least_between(self.built)
        if self.journal is not None and stream.span[1] >= least:
            return self._by_windows(self.journal, stream, gradient, restart)
        return self._by_events(stream, gradient, restart, NO_DESCENT)

    def learns(self, every: int) -> bool:
        """Whether `learn` may be asked for an update every so many steps."""
        by_events = self.journal is None or every < diary.least_between(self.built)
        return by_events and self.route.decay is None

    def learn(self, stream: Stream, gradient: np.ndarray, descent: Descent) -> bool:
        """As `advance`, with updates within the stream."""
        stream.copies[0] = self._copies
        return self._by_events(stream, gradient, False, descent)

    def learn_later(self, stream: Stream, gradient: np.ndarray, descent: Descent) -> bool:
        """As `learn`, with updates after every step that are seen by whoever hears of them."""
        stream.copies[0] = self._copies
        values, replaced = self.built.values, self.route.replaced(self.built.values)
        tables = (*self._by_step(stream, descent), self._owing())
        return self._answered(self._local_postponed(tables, values, replaced, gradient))

    def _owing(self) -> Postponed:
        if self._postponed is None:
            parts = (self.built, self.mask, self.filters, self.traces)
            self._postponed = make_postponed(*parts)
        return self._postponed

    def _by_step(self, stream: Stream, descent: Descent) -> tuple[Any, ...]:
        """What kernels of single steps are given first; traces are those of now."""
        self.put_together()
        self._empty = False
        kept = (self.mask, self.run, self.rows, self.filters, self.traces)
        return self.built.units, self.built.wires, *kept, stream, descent

    def _by_events(
        self, stream: Stream, gradient: np.ndarray, restart: bool, descent: Descent
    ) -> bool:
        values, replaced = self.built.values, self.route.replaced(self.built.values)
        tables = self._by_step(stream, descent)
        return self._answered(self._local(tables, values, replaced, gradient, restart))

    def _answered(self, answer: int) -> bool:
        if answer == NOT_FINITE:
            raise not_finite(self.built, self.run)
        if answer == FINISHED:
            self.run.clock[SEQUENCE] = 0
        return bool(answer == RECORD_FULL)

    def _by_windows(
        self, journal: diary.Journal, stream: Stream, gradient: np.ndarray, restart: bool
    ) -> bool:
        """As `advance`, from a diary."""
        clock, answer = self.run.clock, FINISHED
        replaced = self.route.replaced(self.built.values)
        while answer == FINISHED and clock[SEQUENCE] < stream.span[0]:
            if restart and clock[STEP] == stream.offset[0]:
                self.begin()
            empty = self._empty and not journal.waits
            answer = journal.advance(self.run, self.rows, stream, replaced, gradient, empty)
            self._empty &= journal.clean
            if answer == FINISHED:
                clock[SEQUENCE] += 1
                if restart:
                    clock[STEP] = stream.offset[0]
        if restart and answer == FINISHED:
            journal.waits = False  # the next sequence begins with nothing
        elif stream.pause[0] < 0:
            self.put_together()  # whoever is told of the pause may keep what is there
        return self._answered(answer)

    @property
    def shares(self) -> bool:
        """Feedback that follows the weights is looked at in every call."""
        return self.route.decay is None

    @property
    def pace(self) -> np.ndarray:
        """Nothing."""
        return np.zeros(0)

    def carried(self) -> list[Carried]:
        """Traces: of units, of sources, and behind the filters of readouts."""
        found = in_rows(self.built, self.mask, self.rows)
        if self.journal is not None:
            found += in_diary(self.built, self.journal)
        if self._empty:  # rows and own blocks, which come first, and all below are 0
            return found[2:]
        return found + in_filters(self.built, self.filters) + in_traces(self.built, self.traces)

    @property
    def readable(self) -> bool:
        """There are traces."""
        return True

    def settle(self) -> None:
        """Nothing is pending."""
        self.put_together()
        settle_rows(self.built.units, self.mask, self.run, self.rows)

    def put_together(self) -> None:
        """Traces are those of now, though a diary was only read."""
        if self.journal is not None:
            self.journal.settle(self.run, self.rows)
            self._empty &= self.journal.clean

    def catch_up(self) -> None:
        """What waits has the flows of now."""
        self.put_together()
        catch_up_rows(self.built.units, self.mask, self.run, self.rows)

    def take_flows(self) -> None:
        """Those of readouts and of the diary are copies."""
        fill_flows(self.built, self._kept, self.filters)
        if self.journal is not None:
            self.journal.take_flows()

    def row(self, unit: int) -> Iterable[Part]:
        """Parts of the rows of a unit: its own parameters."""
        self.put_together()
        return of_traces(self.built, self.mask, self.rows, self.traces, unit)

    def storage(self) -> int:
        """Bytes of all that holds influence."""
        return storage_bytes(self.rows) + sum(a.nbytes for a in (*self.filters, *self.traces))
