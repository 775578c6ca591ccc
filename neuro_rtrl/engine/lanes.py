"""Lanes of rules that keep influence rows: one loop, one storage.

The rules differ by the entries they keep (a pattern), by what they change in the recursion
(`Changes`), by the weights through which sensitivities pass (`Feedback`), and by the network they
run on (`network`, for auxiliary readouts or another surrogate).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from neuro_rtrl.contracts_influence import Carried
from neuro_rtrl.contracts_rewiring import Moved
from neuro_rtrl.engine.build import Built, make_run
from neuro_rtrl.engine.carried import in_factors, in_rows
from neuro_rtrl.engine.counting import Counting
from neuro_rtrl.engine.feedback import Feedback, Route, with_weights
from neuro_rtrl.engine.ledger import Ledger, make_ledger, mask_density
from neuro_rtrl.engine.limits import (
    Changes,
    follow_limits,
    grow_limits,
    make_limits,
    restart_limits,
)
from neuro_rtrl.engine.local import Local, LocalLane, fits, own_blocks_only
from neuro_rtrl.engine.row_parts import Part, of_rows
from neuro_rtrl.engine.simulation import not_finite
from neuro_rtrl.engine.storage import grow_columns, grow_events, make_rows, most_of, storage_bytes
from neuro_rtrl.engine.transplant import recollect, transplant
from neuro_rtrl.errors import BuildError, SimulationError
from neuro_rtrl.kernels.entry import start_rows, start_run
from neuro_rtrl.kernels.layout import (
    FINISHED,
    NEED_COLUMNS,
    NEED_EVENT_ROWS,
    NOT_FINITE,
    RECORD_FULL,
    SEQUENCE,
    Limits,
    Mask,
    Rows,
    Run,
)
from neuro_rtrl.kernels.losses import LOSSES
from neuro_rtrl.kernels.rtrl import limited, rtrl
from neuro_rtrl.kernels.stream import Stream
from neuro_rtrl.kernels.transplant import settle_rows
from neuro_rtrl.network.describe import Network
from neuro_rtrl.network.plan import Pattern, Plan
from neuro_rtrl.network.plan import mask as make_mask


@dataclass
class Shared:
    """What all lanes of a learner have in common; `local` is the mask of local lanes, if any."""

    mask: Mask
    keep: np.ndarray | None
    route: Route
    local: Mask | None = None
    lanes: Counting = field(default_factory=Counting)


class Lane:
    """One stream of sequences with its own states, queue and influence matrix."""

    def __init__(self, built: Built, shared: Shared, precision: str, rule: RowsRule) -> None:
        self.built, self.shared, self.rule, self.mask = built, shared, rule, shared.mask
        self.run: Run = make_run(built)
        self.rows: Rows = make_rows(built, self.mask, precision)
        if shared.keep is not None:
            self.rows.keep[:] = shared.keep
        number = next(shared.lanes)
        self.limits: Limits = make_limits(built, self.mask, self.rows, rule.changes, number)
        self._wanted = np.zeros(self.mask.columns.size, np.int64)

    def restart(self) -> None:
        """Initial states, nothing under way, no influence; storage and counts stay."""
        self.run.clock[:] = 0
        start_run(self.built.units, self.run)
        start_rows(self.built.units, self.mask, self.rows)
        restart_limits(self.limits)
        self.rows.gathered[:] = 0

    def follow(self, built: Built, shared: Shared, moved: Moved) -> None:
        """Goes on in another wiring, with all influence of the parameters that are still there."""
        rows = transplant(self.run, self.built, self.mask, self.rows, built, shared.mask, moved)
        recollect(self.run, self.built, built, moved)
        if shared.keep is not None:
            rows.keep[:] = shared.keep
        self.limits = follow_limits(self.limits, built, shared.mask, rows, self.rule.changes)
        self.built, self.shared, self.mask, self.rows = built, shared, shared.mask, rows
        self._wanted = np.zeros(self.mask.columns.size, np.int64)

    def advance(self, stream: Stream, gradient: np.ndarray, restart: bool) -> bool:
        """Run the stream, adding to `gradient`; True if the record of spikes is full first."""
        b = self.built
        carried = self.shared.route.weights(b.values)
        stream = self._asked(stream)
        while True:
            if self.rule.plain:
                answer = rtrl(
                    b.units, b.wires, self.mask, b.values, self.run, self.rows, stream, gradient,
                    self._wanted, restart,
                )  # fmt: skip
            else:
                answer = limited(
                    b.units, b.wires, self.mask, b.values, carried, self.run, self.rows,
                    self.limits, stream, gradient, self._wanted, restart,
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
            elif answer == NOT_FINITE:
                raise not_finite(b, self.run)
            else:
                raise SimulationError("the kernel stopped", given=answer, expected="a finished run")

    def _asked(self, stream: Stream) -> Stream:
        """The stream with what the rule makes of its targets."""
        if self.rule.changes.reward is not None and LOSSES[int(stream.loss[0])] == "bce":
            raise BuildError(
                f"the rule {self.rule.name} has no actions for this loss",
                where="loss",
                given="'bce'",
                expected="cross_entropy (actions are classes), mse or sse (actions are numbers)",
                remedy='The rule "eprop" learns from targets with every loss.',
            )
        copies = np.array([self.rule.copies(self.built)])
        return stream._replace(copies=copies)

    def carried(self) -> list[Carried]:
        """Influence, and the factors of what is kept as a product."""
        found = in_rows(self.built, self.mask, self.rows)
        return found + in_factors(self.built, self.limits)

    @property
    def readable(self) -> bool:
        """Traces that are kept as products have no rows."""
        return self.rule.changes.decay is None

    def settle(self) -> None:
        """Nothing is pending."""
        settle_rows(self.built.units, self.mask, self.run, self.rows)

    def row(self, unit: int) -> Iterable[Part]:
        """Parts of the rows of a unit."""
        return of_rows(self.built, self.mask, self.rows, unit)

    def storage(self) -> int:
        """Bytes of all that holds influence."""
        return storage_bytes(self.rows)


class CertifiedLane(Lane):
    """A lane that bounds its own error."""

    def certificate(self) -> float:
        """Bound of the 2-norm of the error of all that it ever added to a gradient."""
        return float(self.limits.bound[0])


def as_it_is(net: Network) -> Network:
    """The network itself."""
    return net


def no_copies(built: Built) -> int:
    """No local readouts."""
    return 0


@dataclass(frozen=True)
class RowsRule:
    """A rule that runs the recursion of the influence rows on the entries that a pattern keeps.

    Attributes:
        name: as users say it.
        exactness: what is dropped, and in which networks the rule is exact all the same.
        pattern: which blocks each row holds; None: all that any path can reach.
        changes: what is dropped, drawn or factorised besides.
        keep: (segments,) steps that each segment is kept, -1 for ever; None: all of them for ever.
        feedback: the weights through which sensitivities pass, where they are not the network's.
        network: the network that is really run.
        copies: number of local readouts with targets of their own.
        local: for rules by which spiking units keep their own parameters only: what they keep
            beside; one trace does for all readouts, if the network allows it (engine/local.py).
    """

    name: str
    exactness: str
    pattern: Pattern | None = None
    changes: Changes = field(default_factory=Changes)
    keep: Callable[[Plan, Mask], np.ndarray] | None = None
    feedback: Feedback | None = None
    network: Callable[[Network], Network] = as_it_is
    copies: Callable[[Built], int] = no_copies
    local: Local | None = None

    @property
    def plain(self) -> bool:
        """Whether the recursion is the exact one, on the entries of the pattern."""
        return self.changes == Changes() and self.keep is None and self.feedback is None

    @property
    def takes_feedback(self) -> bool:
        """Whether users may give the weights through which errors pass to hidden units."""
        return self.feedback is not None and self.feedback.given

    def with_feedback(self, weights: Mapping[str, Any]) -> RowsRule:
        """The rule with weights of the user's own, where it `takes_feedback`; see `Learner`."""
        return replace(self, feedback=self.feedback and with_weights(self.feedback, weights))

    def with_changing_weights(self) -> RowsRule:
        """The rule by general rows, if it promises what past weights brought."""
        return replace(self, local=None) if self.local is not None and self.local.past else self

    @property
    def online(self) -> bool:
        """There is a gradient at every step."""
        return True

    def prepare(self, built: Built) -> Shared:
        """The static mask of the influence matrix; made once for a network."""
        mask = make_mask(built.plan, self.pattern)
        keep = None if self.keep is None else self.keep(built.plan, mask)
        # One trace for all readouts is laid out for one wiring: rows follow where it changes.
        fixed = all(p.spread is None for p in built.plan.net.projections.values())
        plain = fixed and self.changes == Changes()
        alone = plain and self.local is not None and fits(built, mask, self.local)
        local = make_mask(built.plan, own_blocks_only) if alone else None
        return Shared(mask, keep, Route(built, self.feedback), local)

    @property
    def midway(self) -> bool:
        """Synapses may come and go within a sequence, where nothing but rows has to follow."""
        return self.changes == Changes()

    def follow(self, built: Built, shared: Shared, moved: Moved) -> Shared:
        """The same for another wiring; feedback and the numbers of lanes go on."""
        made = self.prepare(built)
        made.route.follow(shared.route, moved.old)
        return replace(made, lanes=shared.lanes)

    def start(self, built: Built, shared: Shared, precision: str) -> Lane | LocalLane:
        """A fresh lane."""
        if shared.local is not None and self.local is not None:
            copies = self.copies(built)
            return LocalLane(built, shared.local, shared.route, self.local, precision, copies)
        if self.changes.tolerance is not None:
            return CertifiedLane(built, shared, precision, self)
        return Lane(built, shared, precision, self)

    @property
    def at_once(self) -> bool:
        """Columns come as they come alive."""
        return False

    def most_bytes(self, built: Built, shared: Shared, precision: str, steps: int) -> int:
        """Bytes of a lane whose columns are all alive."""
        return most_of(built, shared.local or shared.mask, precision)

    def ledger(self, built: Built, shared: Shared, lanes: list[Lane | LocalLane]) -> Ledger:
        """Counts of all lanes together."""
        return make_ledger(
            np.sum([lane.run.counts for lane in lanes], axis=0),
            np.sum([lane.rows.counts for lane in lanes], axis=0),
            int(shared.mask.columns.sum()),
            mask_density(built, shared.mask),
            sum(lane.storage() for lane in lanes),
        )
