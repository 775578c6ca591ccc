"""D-RTRL where populations hear each other: whole sequences are read from a diary, with what events
are worth to other populations (kernels/diary_across.py); everything else goes by rows.

What crosses populations lasts for a step, so that it can be read from the end of a sequence, but
has to be carried on from a window to the next. So the diary is one window as long as the sequence.
Rows are made when something needs them: there is a segment for every two units with a path.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from neuro_rtrl.contracts_influence import Carried
from neuro_rtrl.engine import diary
from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.carried import in_diary
from neuro_rtrl.engine.counting import Counting
from neuro_rtrl.engine.feedback import synapses_between
from neuro_rtrl.engine.local import Local, filters_fit
from neuro_rtrl.engine.local_lane import LocalLane
from neuro_rtrl.engine.row_lanes import Lane, Shared
from neuro_rtrl.engine.row_parts import Part
from neuro_rtrl.engine.runs import groups_of
from neuro_rtrl.engine.simulation import not_finite
from neuro_rtrl.kernels.diary import GOES_ON
from neuro_rtrl.kernels.diary_across import BITS, Across, look_across
from neuro_rtrl.kernels.layout import (
    NOT_FINITE,
    RECORD_FULL,
    SEQUENCE,
    STEP,
    WINDOW_FULL,
)
from neuro_rtrl.kernels.refs import Caller
from neuro_rtrl.kernels.stream import Stream

if TYPE_CHECKING:
    from neuro_rtrl.engine.lanes import RowsRule

MOST_STEPS = 1 << 14  # of a sequence that is read from a diary: it is kept as a whole


def fits(built: Built, kept: Local) -> bool:
    """Whether populations hear each other, and whole sequences can still be read from a diary.

    That is: a diary fits; readouts forget, and are heard by nobody; hidden units spike.
    """
    plan = built.plan
    hidden = [p for p in plan.populations if p not in plan.readouts]
    states = all(
        p.model is not None and p.model.threshold and p.model.kind == "ode" for p in hidden
    )
    source = plan.wiring.source
    back = plan.is_readout[source[source < plan.n]].any()
    plain = diary.fits(built) and bool(kept.forgets and states and not back)
    return plain and between_populations(built).size > 0 and filters_fit(built, kept)


def between_populations(built: Built) -> np.ndarray:
    """Synapses between hidden units of different populations."""
    hidden, of = ~built.plan.is_readout, built.units.population
    found = synapses_between(built, hidden, hidden)
    return found[of[built.plan.wiring.source[found]] != of[built.wires.target[found]]]


class AcrossLane:
    """A lane by rows, and one of traces with the same states that reads whole sequences."""

    holds = True

    def __init__(self, built: Built, shared: Shared, precision: str, rule: RowsRule) -> None:
        assert shared.across is not None and rule.local is not None
        self.built, self._shared = built, shared
        self._rule, self._precision = rule, precision
        kept = (shared.across, shared.route, rule.local)
        self._local = LocalLane(built, *kept, precision, rule.copies(built), windows=False)
        self.run, self.rows = self._local.run, self._local.rows
        self._general: Lane | None = None
        self._in_use = False
        parts = (shared.across, self._local.filters, self._local.traces)
        self.journal = diary.Journal(built, *parts, precision, beyond=True)
        self._look_across, self._owed = Caller(look_across), 0

    @property
    def general(self) -> Lane:
        """The lane by rows, made when it is needed: with the same states and counts."""
        if self._general is None:
            # Counted by itself, so that lanes may be made in any order.
            given = (replace(self._shared.general, lanes=Counting()), self._precision, self._rule)
            made = Lane(self.built, *given, self.run)
            made.rows = made.rows._replace(counts=self.rows.counts)
            self._general = made
        return self._general

    def prepare_for(self, notes: Mapping[str, Any], place: str) -> None:
        """There are rows, if a state that will be put back has some."""
        if "object" in notes.get(f"{place}/_general", {}):
            _ = self.general

    def restart(self) -> None:
        """As of all lanes; many rows of which nobody made anything are left as they are."""
        if self._in_use:
            self.general.restart()
        self._in_use = False
        self._local.restart()

    def advance(self, stream: Stream, gradient: np.ndarray, restart: bool) -> bool:
        """As of all lanes."""
        if restart and diary.LEAST_STEPS <= stream.span[1] <= MOST_STEPS:
            return self._whole(stream, gradient)
        self._in_use = True
        return self.general.advance(stream, gradient, restart)

    def _whole(self, stream: Stream, gradient: np.ndarray) -> bool:
        """Each sequence in one window; True in a pause, and if the record of spikes is full."""
        clock, replaced = self.run.clock, self._shared.route.replaced(self.built.values)
        self.journal.make_room(int(stream.span[1]))
        while clock[SEQUENCE] < stream.span[0]:
            if clock[STEP] == stream.offset[0]:
                self._begin()
            answer = self._write(stream, replaced, gradient)
            if answer == NOT_FINITE:
                raise not_finite(self.built, self.run)
            if answer == RECORD_FULL:
                return True
            self._read(stream, gradient)
            clock[SEQUENCE] += 1
            clock[STEP] = stream.offset[0]
            if stream.pause[0] <= 0 and clock[SEQUENCE] < stream.span[0]:
                stream.pause[0] -= 1
                return True
        clock[SEQUENCE] = 0
        return False

    def _begin(self) -> None:
        """Nothing is left of a sequence that somebody broke off."""
        self._local.begin()
        self.journal.diary.clock[GOES_ON] = 0
        self._owed = 0

    def _write(self, stream: Stream, replaced: np.ndarray, gradient: np.ndarray) -> int:
        """The rest of a sequence; a pause that is due within it waits for its end."""
        given = (self.run, self._local.rows, stream, replaced, gradient)
        while (answer := self.journal.write(*given)) == WINDOW_FULL:
            self.journal.grow()
        self.journal.diary.clock[GOES_ON] = answer == RECORD_FULL
        if answer != RECORD_FULL:
            stream.pause[0] -= self._owed
            self._owed = 0
        elif stream.pause[0] < 0:
            self._owed -= int(stream.pause[0])
            stream.pause[0] = 0
        return answer

    def _read(self, stream: Stream, gradient: np.ndarray) -> None:
        local, notes = self._local, self.journal.diary
        tables = (self.built.units, self.run, local.rows, local.filters, notes, self._across)
        self._look_across(tables, self.built.values)
        self.journal.read(self.run, local.rows, stream, gradient)

    @cached_property
    def _across(self) -> Across:
        return make_across(self.built)

    @property
    def shares(self) -> bool:
        """Nothing is left of a sequence."""
        return self._local.shares

    @property
    def pace(self) -> np.ndarray:
        """Nothing."""
        return self._local.pace

    def carried(self) -> list[Carried]:
        """Influence, if it is in rows; a diary tells what it would have been worth."""
        if self._in_use:
            return self.general.carried()
        return in_diary(self.built, self.journal)

    @property
    def readable(self) -> bool:
        """There are rows."""
        return True

    def settle(self) -> None:
        """Nothing is pending."""
        self.general.settle()

    def put_together(self) -> None:
        """Sequences that are read from a diary leave nothing behind."""

    def catch_up(self) -> None:
        """What waits has the flows of now."""
        if self._in_use:
            self.general.catch_up()

    def take_flows(self) -> None:
        """Those of the diary are copies."""
        self._local.take_flows()
        self.journal.take_flows()

    def row(self, unit: int) -> Iterable[Part]:
        """Parts of the rows of a unit."""
        return self.general.row(unit)

    def storage(self) -> int:
        """Bytes of all that holds influence."""
        rows = 0 if self._general is None else self._general.storage()
        return rows + self._local.storage()


def make_across(built: Built) -> Across:
    """Synapses between hidden units of different populations, in groups, entries and words."""
    wires, n, wide = built.wires, built.plan.n, built.widest
    source, target, between = built.plan.wiring.source, wires.target, between_populations(built)
    delay = wires.delay[groups_of(wires)].astype(np.int64)
    state = wide * target.astype(np.int64) + wires.variable
    longest, states = int(delay[between].max(initial=0)), wide * n
    key = (source[between] * (longest + 1) + delay[between]) * states + state[between]
    order = np.argsort(key, kind="stable")
    between, key = between[order], key[order]
    # Synapses of one source and one delay that act on one state are one entry.
    entries, entry = np.unique(key, return_inverse=True)
    groups, of_group = np.unique(entries // states, return_inverse=True)
    sources, delays = np.divmod(groups, longest + 1)
    at = entries % states
    words, base = np.unique(of_group * states + at // BITS, return_index=True)
    bits = np.uint64(1) << (at % BITS).astype(np.uint64)
    slots = longest + 2
    return Across(
        group=np.searchsorted(sources, np.arange(n + 1)),
        delay=delays,
        synapse=between,
        gain=wires.gain[between],
        entry=entry,
        weight=np.zeros(entries.size),
        place=2 * wide * (at // wide) + at % wide,
        word=np.searchsorted(words // states, np.arange(groups.size + 1)),
        where=words % states,
        bits=np.bitwise_or.reduceat(bits, base) if base.size else bits,
        base=base,
        worth=np.zeros((slots, 2 * wide * n)),
        live=np.zeros((slots, -(-states // BITS)), np.uint64),
    )
