"""Lanes of rules that keep influence rows: one loop, one storage; rules differ by their pattern."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuro_rtrl.engine.build import Built, make_run
from neuro_rtrl.engine.ledger import Ledger, make_ledger, mask_density
from neuro_rtrl.engine.simulation import not_finite
from neuro_rtrl.engine.storage import grow_columns, grow_events, make_rows, storage_bytes
from neuro_rtrl.errors import SimulationError
from neuro_rtrl.kernels.entry import start_rows, start_run
from neuro_rtrl.kernels.layout import (
    FINISHED,
    NEED_COLUMNS,
    NEED_EVENT_ROWS,
    NOT_FINITE,
    RECORD_FULL,
    SEQUENCE,
    Mask,
    Rows,
    Run,
)
from neuro_rtrl.kernels.rtrl import rtrl
from neuro_rtrl.kernels.stream import Stream
from neuro_rtrl.network.plan import Pattern
from neuro_rtrl.network.plan import mask as make_mask


class Lane:
    """One stream of sequences with its own states, queue and influence matrix."""

    def __init__(self, built: Built, mask: Mask, precision: str) -> None:
        self.built, self.mask = built, mask
        self.run: Run = make_run(built)
        self.rows: Rows = make_rows(built, mask, precision)
        self._wanted = np.zeros(mask.columns.size, np.int64)

    def restart(self) -> None:
        """Initial states, nothing under way, no influence; storage and counts stay."""
        self.run.clock[:] = 0
        start_run(self.built.units, self.run)
        start_rows(self.built.units, self.mask, self.rows)
        self.rows.gathered[:] = 0

    def advance(self, stream: Stream, gradient: np.ndarray, restart: bool) -> bool:
        """Run the stream, adding to `gradient`; True if the record of spikes is full first."""
        b = self.built
        while True:
            answer = rtrl(
                b.units, b.wires, self.mask, b.values, self.run, self.rows, stream, gradient,
                self._wanted, restart,
            )  # fmt: skip
            if answer == FINISHED:
                self.run.clock[SEQUENCE] = 0
                return False
            if answer == NEED_COLUMNS:
                self.rows = grow_columns(b, self.mask, self.rows, self._wanted)
            elif answer == NEED_EVENT_ROWS:
                self.rows = grow_events(self.rows, self.run.live.size)
            elif answer == RECORD_FULL:
                return True
            elif answer == NOT_FINITE:
                raise not_finite(b, self.run)
            else:
                raise SimulationError("the kernel stopped", given=answer, expected="a finished run")


@dataclass(frozen=True)
class RowsRule:
    """A rule that runs the recursion of the influence rows on the entries that a pattern keeps.

    Attributes:
        name: as users say it.
        exactness: what is dropped, and in which networks the rule is exact all the same.
        pattern: which blocks each row holds; None: all that any path can reach.
    """

    name: str
    exactness: str
    pattern: Pattern | None = None

    @property
    def online(self) -> bool:
        """There is a gradient at every step."""
        return True

    def prepare(self, built: Built) -> Mask:
        """The static mask of the influence matrix; made once for a network."""
        return make_mask(built.plan, self.pattern)

    def start(self, built: Built, shared: Mask, precision: str) -> Lane:
        """A fresh lane."""
        return Lane(built, shared, precision)

    def ledger(self, built: Built, shared: Mask, lanes: list[Lane]) -> Ledger:
        """Counts of all lanes together."""
        return make_ledger(
            np.sum([lane.run.counts for lane in lanes], axis=0),
            np.sum([lane.rows.counts for lane in lanes], axis=0),
            int(shared.columns.sum()),
            mask_density(built, shared),
            sum(storage_bytes(lane.rows) for lane in lanes),
        )
