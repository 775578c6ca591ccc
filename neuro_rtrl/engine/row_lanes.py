"""Lanes that keep influence rows: one loop, one storage, and windows that are replayed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from neuro_rtrl.contracts_influence import Carried
from neuro_rtrl.contracts_rewiring import Moved
from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.carried import in_factors, in_rows, in_shards
from neuro_rtrl.engine.counting import Counting
from neuro_rtrl.engine.feedback import Route
from neuro_rtrl.engine.fresh_run import make_run
from neuro_rtrl.engine.limits import (
    follow_limits,
    grow_limits,
    make_limits,
    restart_limits,
)
from neuro_rtrl.engine.replay import Replay
from neuro_rtrl.engine.replay_rows import into_rows, into_shards
from neuro_rtrl.engine.row_parts import Part, of_rows
from neuro_rtrl.engine.simulation import not_finite
from neuro_rtrl.engine.storage import grow_columns, grow_events, make_rows, storage_bytes
from neuro_rtrl.engine.transplant import recollect, transplant
from neuro_rtrl.errors import BuildError, SimulationError
from neuro_rtrl.kernels.descent import NO_DESCENT, Descent
from neuro_rtrl.kernels.entry import start_rows, start_run
from neuro_rtrl.kernels.layout import (
    FINISHED,
    NEED_COLUMNS,
    NEED_EVENT_ROWS,
    NOT_FINITE,
    NOT_LEARNED,
    RECORD_FULL,
    SEQUENCE,
    STEP,
    Limits,
    Mask,
    Rows,
    Run,
)
from neuro_rtrl.kernels.losses import LOSSES
from neuro_rtrl.kernels.refs import Caller
from neuro_rtrl.kernels.rtrl import limited, rtrl
from neuro_rtrl.kernels.stream import Stream
from neuro_rtrl.kernels.transplant import catch_up_rows, settle_rows

if TYPE_CHECKING:
    from neuro_rtrl.engine.lanes import RowsRule


@dataclass
class Shared:
    """What all lanes of a learner have in common; `local` is the mask of local lanes, if any, and
    `across` that of lanes that read whole sequences from a diary (across.py). For these the mask
    and the times of general rows are made by `kept` when somebody needs them: they are large."""

    mask: Mask
    keep: np.ndarray | None
    route: Route
    local: Mask | None = None
    across: Mask | None = None
    lanes: Counting = field(default_factory=Counting)
    kept: Callable[[], tuple[Mask, np.ndarray | None]] | None = None

    @cached_property
    def general(self) -> Shared:
        """The same for lanes by rows, where `mask` has own parameters only (`across`)."""
        if self.kept is None:
            return self
        mask, keep = self.kept()
        return Shared(mask, keep, self.route)


class Lane:
    """One stream of sequences with its own states, queue and influence matrix."""

    holds = True

    def __init__(
        self,
        built: Built,
        shared: Shared,
        precision: str,
        rule: RowsRule,
        run: Run | None = None,
    ) -> None:
        """A fresh lane; `run`: states that it has in common with somebody."""
        self.built, self.shared, self.rule, self.mask = built, shared, rule, shared.mask
        self.run = make_run(built) if run is None else run
        self.rows: Rows = make_rows(built, self.mask, precision)
        if shared.keep is not None:
            self.rows.keep[:] = shared.keep
        number = next(shared.lanes)
        self.limits: Limits = make_limits(built, self.mask, self.rows, rule.changes, number)
        self._wanted = np.zeros(self.mask.columns.size, np.int64)
        self._start_run = Caller(start_run)
        self._copies, self._kernel = rule.copies(built), Caller(rtrl if rule.plain else limited)
        self.replay = self._shards(precision)

    def _shards(self, precision: str) -> Replay | None:
        suited = self.rule.replays(self.built, self.mask)
        return Replay(self.built, self.mask, precision) if suited else None

    def restart(self) -> None:
        """Initial states, nothing under way, no influence; storage and counts stay."""
        self.run.clock[:] = 0
        self._begin()
        restart_limits(self.limits)
        self.rows.gathered[:] = 0
        if self.replay is not None:
            self.replay.restart()

    def _begin(self) -> None:
        self._start_run((self.built.units, self.run))
        start_rows(self.built.units, self.mask, self.rows)

    def follow(self, built: Built, shared: Shared, moved: Moved) -> None:
        """Goes on in another wiring, with all influence of the parameters that are still there."""
        self._by_rows()
        rows = transplant(self.run, self.built, self.mask, self.rows, built, shared.mask, moved)
        recollect(self.run, self.built, built, moved)
        if shared.keep is not None:
            rows.keep[:] = shared.keep
        self.limits = follow_limits(self.limits, built, shared.mask, rows, self.rule.changes)
        self.built, self.shared, self.mask, self.rows = built, shared, shared.mask, rows
        self._wanted = np.zeros(self.mask.columns.size, np.int64)
        self.replay = self._shards(str(rows.P.dtype))

    def advance(self, stream: Stream, gradient: np.ndarray, restart: bool) -> bool:
        """Run the stream, adding to `gradient`; True if the record of spikes is full first."""
        if self.replay is not None and stream.span[1] >= self.replay.least_steps:
            self._ask(stream)
            return self._by_windows(self.replay, stream, gradient, restart)
        return self._stepwise(stream, gradient, restart, NO_DESCENT)

    def learns(self, every: int) -> bool:
        """Whether `learn` may be asked for an update every so many steps."""
        by_rows = self.replay is None or every < self.replay.least_steps
        return by_rows and self.shared.route.fixed.size == 0

    def learn(self, stream: Stream, gradient: np.ndarray, descent: Descent) -> bool:
        """As `advance`, with updates within the stream."""
        return self._stepwise(stream, gradient, False, descent)

    def _stepwise(
        self, stream: Stream, gradient: np.ndarray, restart: bool, descent: Descent
    ) -> bool:
        b = self.built
        carried = self.shared.route.weights(b.values)
        self._ask(stream)
        self._by_rows()
        while True:
            tables = (b.units, b.wires, self.mask, self.run, self.rows)
            if self.rule.plain:
                answer = self._kernel(
                    (*tables, stream, descent), b.values, gradient, self._wanted, restart
                )
            else:
                answer = self._kernel(
                    (*tables, self.limits, stream, descent), b.values, carried, gradient,
                    self._wanted, restart,
                )  # fmt: skip
            if answer == FINISHED:
                self.run.clock[SEQUENCE] = 0
                return False
            if answer == NEED_COLUMNS:
                self.rows = grow_columns(b, self.mask, self.rows, self._wanted)
            elif answer == NEED_EVENT_ROWS:
                self.rows = grow_events(self.rows, self.run.live.size)
                self.limits = grow_limits(self.limits, self.rows, self.rule.changes)
            elif answer == RECORD_FULL:
                return True
            elif answer == NOT_LEARNED:  # whoever asked for updates sees why
                return False
            elif answer == NOT_FINITE:
                raise not_finite(b, self.run)
            else:
                raise SimulationError("the kernel stopped", given=answer, expected="a finished run")

    def _by_windows(
        self, shards: Replay, stream: Stream, gradient: np.ndarray, restart: bool
    ) -> bool:
        """As `advance`, by programs that are replayed."""
        b, clock = self.built, self.run.clock
        if not shards.active:
            self.rows = into_shards(b, self.mask, self.run, self.rows, shards)
        while clock[SEQUENCE] < stream.span[0]:
            if restart and clock[STEP] == stream.offset[0]:
                self._begin()
                shards.restart()
            answer = shards.advance(self.run, self.rows, stream, gradient, restart)
            if answer == RECORD_FULL:
                return True
            if answer == NOT_FINITE:
                raise not_finite(b, self.run)
            clock[SEQUENCE] += 1
            if restart:
                clock[STEP] = stream.offset[0]
        clock[SEQUENCE] = 0
        if stream.pause[0] < 0:
            shards.settle(
                self.run, self.rows
            )  # whoever is told of the pause may keep what is there
        return False

    def _by_rows(self) -> None:
        """Influence is in rows, for whoever wants to see or change them."""
        if self.replay is not None and self.replay.active:
            self.replay.settle(self.run, self.rows)
            self.rows = into_rows(self.built, self.mask, self.run, self.rows, self.replay)

    def _ask(self, stream: Stream) -> None:
        """Tells the stream what the rule makes of its targets."""
        if self.rule.changes.reward is not None and LOSSES[int(stream.loss[0])] == "bce":
            raise BuildError(
                f"the rule {self.rule.name} has no actions for this loss",
                where="loss",
                given="'bce'",
                expected="cross_entropy (actions are classes), mse or sse (actions are numbers)",
                remedy='The rule "eprop" learns from targets with every loss.',
            )
        stream.copies[0] = self._copies

    @property
    def shares(self) -> bool:
        """What rules draw or put in place of weights is for one lane."""
        return self.rule.plain

    @property
    def pace(self) -> np.ndarray:
        """What a step of a window takes."""
        return np.zeros(0) if self.replay is None else self.replay.of_a_step

    def carried(self) -> list[Carried]:
        """Influence, and the factors of what is kept as a product."""
        found = in_rows(self.built, self.mask, self.rows)
        if self.replay is not None:
            found += in_shards(self.built, self.replay)
        return found + in_factors(self.built, self.limits)

    @property
    def readable(self) -> bool:
        """Traces that are kept as products have no rows."""
        return self.rule.changes.decay is None

    def settle(self) -> None:
        """Nothing is pending."""
        self._by_rows()
        settle_rows(self.built.units, self.mask, self.run, self.rows)

    def put_together(self) -> None:
        """A program that was only read."""
        if self.replay is not None:
            self.replay.settle(self.run, self.rows)

    def catch_up(self) -> None:
        """What waits has the flows of now."""
        self.put_together()
        catch_up_rows(self.built.units, self.mask, self.run, self.rows)

    def take_flows(self) -> None:
        """None is kept anywhere else."""

    def row(self, unit: int) -> Iterable[Part]:
        """Parts of the rows of a unit."""
        self._by_rows()
        return of_rows(self.built, self.mask, self.rows, unit)

    def storage(self) -> int:
        """Bytes of all that holds influence."""
        shards = 0 if self.replay is None else self.replay.storage()
        return storage_bytes(self.rows) + shards


class CertifiedLane(Lane):
    """A lane that bounds its own error."""

    def certificate(self) -> float:
        """Bound of the 2-norm of the error of all that it ever added to a gradient."""
        return float(self.limits.bound[0])
