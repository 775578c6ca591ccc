"""D-RTRL where populations hear each other: whole sequences are read from a diary, with what events
are worth to other populations (kernels/diary_across.py); everything else goes by rows.

What crosses populations lasts for a step, so that it can be read from the end of a sequence, but
has to be carried on from a window to the next. So the diary is one window as long as the sequence.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from neuro_rtrl.contracts_influence import Carried
from neuro_rtrl.engine import diary
from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.carried import in_diary
from neuro_rtrl.engine.local import Local, filters_fit
from neuro_rtrl.engine.local_lane import LocalLane
from neuro_rtrl.engine.row_lanes import Lane, Shared
from neuro_rtrl.engine.runs import groups_of
from neuro_rtrl.kernels.diary import GOES_ON, Diary
from neuro_rtrl.kernels.diary_across import Across, look_across
from neuro_rtrl.kernels.layout import RECORD_FULL, WINDOW_FULL, Mask, Rows, Run
from neuro_rtrl.kernels.refs import Caller
from neuro_rtrl.kernels.stream import Stream

if TYPE_CHECKING:
    from neuro_rtrl.engine.lanes import RowsRule

MOST_STEPS = 1 << 14  # of a sequence that is read from a diary: it is kept as a whole


def fits(built: Built, kept: Local) -> bool:
    """Whether whole sequences can be read from a diary though populations hear each other.

    That is: readouts forget, and hear nobody who could hear them; hidden units spike, follow linear
    flows with constant coefficients, and arrivals act on their states.
    """
    plan, wires = built.plan, built.wires
    hidden = [p for p in plan.populations if p not in plan.readouts]
    states = all(
        p.model is not None and p.model.threshold and p.model.kind == "ode" for p in hidden
    )
    source = plan.wiring.source
    back = plan.is_readout[source[source < plan.n]].any()
    constant = built.units.constant.all() and not wires.collects.any()
    return bool(kept.forgets and states and constant and not back and filters_fit(built, kept))


class AcrossLane(Lane):
    """A lane by rows that reads whole sequences from a diary."""

    def __init__(self, built: Built, shared: Shared, precision: str, rule: RowsRule) -> None:
        super().__init__(built, shared, precision, rule)
        self.whole = WholeLane(built, shared, precision, rule, self.run, self.rows)

    def restart(self) -> None:
        """As of all lanes."""
        super().restart()
        self.whole.restart()

    def advance(self, stream: Stream, gradient: np.ndarray, restart: bool) -> bool:
        """As of all lanes."""
        fits = diary.LEAST_STEPS <= stream.span[1] <= MOST_STEPS
        if restart and fits and self.whole.journal is not None:
            return self.whole.advance(stream, gradient, restart)
        return super().advance(stream, gradient, restart)

    def carried(self) -> list[Carried]:
        """Influence; a diary tells what it would have been worth."""
        if self.whole.journal is None:
            return super().carried()
        return super().carried() + in_diary(self.built, self.whole.journal)

    def take_flows(self) -> None:
        """Those of the diary are copies."""
        self.whole.take_flows()

    def storage(self) -> int:
        """Bytes of all that holds influence."""
        return super().storage() + self.whole.storage()


class WholeLane(LocalLane):
    """A lane of a local rule with the states and counts of another lane."""

    def __init__(
        self, built: Built, shared: Shared, precision: str, rule: RowsRule, run: Run, rows: Rows
    ) -> None:
        assert shared.across is not None and rule.local is not None
        kept = (shared.across, shared.route, rule.local)
        super().__init__(built, *kept, precision, rule.copies(built), windows=True)
        self.run, self.rows = run, self.rows._replace(counts=rows.counts)

    def _journal(self, precision: str) -> diary.Journal:
        return WholeJournal(self.built, self.mask, self.filters, self.traces, precision)


class WholeJournal(diary.Journal):
    """The diary of whole sequences, in one window each."""

    def __init__(self, built: Built, mask: Mask, *rest: object) -> None:
        super().__init__(built, mask, *rest)  # type: ignore[arg-type]
        self._look_across = Caller(look_across)
        self._room, self._owed = diary.STEPS, 0

    def advance(
        self,
        run: Run,
        rows: Rows,
        stream: Stream,
        replaced: np.ndarray,
        gradient: np.ndarray,
        empty: bool,
    ) -> int:
        """The present sequence, or as much of it as there is a record for."""
        self._fit(int(stream.span[1]))
        b = self._built
        while True:
            kept = (self._mask, run, rows, self._filters, self._traces, self._diary, stream)
            answer = self._write((b.units, b.wires, *kept), b.values, replaced, gradient)
            if answer != WINDOW_FULL:
                break
            self._grow()
        goes_on = answer == RECORD_FULL
        self._diary.clock[GOES_ON] = goes_on
        self._pause(stream, wait=goes_on)
        if not goes_on:
            tables = (b.units, run, rows, self._filters, self._diary, self._across)
            self._look_across(tables, b.values)
            self._prepare((b.units, *kept), gradient)
            self._gather(run, gradient)
            self._count(rows)
        return int(answer)

    def _pause(self, stream: Stream, wait: bool) -> None:
        """A pause that is due within a sequence waits for its end."""
        if wait and stream.pause[0] < 0:
            self._owed -= int(stream.pause[0])
            stream.pause[0] = 0
        elif not wait:
            stream.pause[0] -= self._owed
            self._owed = 0

    def _fit(self, steps: int) -> None:
        """Room for a sequence of so many steps."""
        if steps > self._room:
            self._room = steps
            self.__dict__.pop("_diary", None)

    def _grow(self) -> None:
        """Twice the room for events and arrivals; what is written stays."""
        old = self._diary
        doubled = {
            name: _doubled(getattr(old, name))
            for name in (
                "came", "value", "unit", "when", "held", "factor", "theta", "sorted_step",
                "sorted_value", "number", "sorted_factor",
            )
        }  # fmt: skip
        old.clock[GOES_ON] = 1
        self._diary = old._replace(room=old.room * np.array([2, 2, 1]), **doubled)

    @cached_property
    def _diary(self) -> Diary:
        made = (self._built, self._mask, self._filters, self._traces, self._precision)
        return diary.make_diary(*made, self.start, self._room, beyond=True)

    @cached_property
    def _across(self) -> Across:
        return make_across(self._built)


def _doubled(array: np.ndarray) -> np.ndarray:
    """With as many rows again, of zeros."""
    return np.concatenate([array, np.zeros_like(array)])


def make_across(built: Built) -> Across:
    """Synapses between hidden units of different populations."""
    plan, wires, n = built.plan, built.wires, built.plan.n
    source, target = plan.wiring.source, wires.target
    between = np.flatnonzero((source < n) & ~plan.is_readout[target])
    of = built.units.population
    between = between[of[source[between]] != of[target[between]]]
    delay = wires.delay[groups_of(wires)].astype(np.int64)
    order = between[np.lexsort((delay[between], source[between]))]
    longest = int(delay[order].max(initial=0))
    groups, first = np.unique(source[order] * (longest + 1) + delay[order], return_index=True)
    sources, delays = np.divmod(groups, longest + 1)
    return Across(
        group=np.searchsorted(sources, np.arange(n + 1)),
        delay=delays,
        first=np.append(first, order.size),
        synapse=order,
        gain=wires.gain[order],
        weight=np.zeros(order.size),
        place=(2 * built.widest * target[order] + wires.variable[order]).astype(np.int32),
        worth=np.zeros((longest + 2, 2 * built.widest * n)),
    )
