"""Lanes of rules that keep influence rows: one loop, one storage.

The rules differ by the entries they keep (a pattern), by what they change in the recursion
(`Changes`), by the weights through which sensitivities pass (`Feedback`), and by the network they
run on (`network`, for auxiliary readouts or another surrogate).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from neuro_rtrl.contracts_rewiring import Moved
from neuro_rtrl.engine import across, replay
from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.feedback import Feedback, Route, with_weights
from neuro_rtrl.engine.ledger import Ledger, make_ledger, mask_density
from neuro_rtrl.engine.limits import (
    Changes,
)
from neuro_rtrl.engine.local import Local, fits, own_blocks_only
from neuro_rtrl.engine.local_lane import LocalLane
from neuro_rtrl.engine.row_lanes import CertifiedLane, Lane, Shared
from neuro_rtrl.engine.storage import most_of
from neuro_rtrl.kernels.layout import (
    Mask,
)
from neuro_rtrl.network.describe import Network
from neuro_rtrl.network.plan import Pattern, Plan
from neuro_rtrl.network.plan import mask as make_mask


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
        windows: whether steps may go in windows: exact influence is replayed (engine/replay.py),
            traces of local rules are read from a diary (engine/diary.py).
        whole: whether weights stand still in whole sequences (engine/across.py).
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
    windows: bool = True
    whole: bool = True

    @property
    def plain(self) -> bool:
        """Whether the recursion is the exact one, on the entries of the pattern."""
        return self.changes == Changes() and self.keep is None and self.feedback is None

    def replays(self, built: Built, mask: Mask) -> bool:
        """Whether windows of steps are replayed: the rule is exact, and the network allows it."""
        return self.windows and self.plain and self.pattern is None and replay.fits(built, mask)

    @property
    def takes_feedback(self) -> bool:
        """Whether users may give the weights through which errors pass to hidden units."""
        return self.feedback is not None and self.feedback.given

    def with_feedback(self, weights: Mapping[str, Any]) -> RowsRule:
        """The rule with weights of the user's own, where it `takes_feedback`; see `Learner`."""
        return replace(self, feedback=self.feedback and with_weights(self.feedback, weights))

    def with_changing_weights(self) -> RowsRule:
        """The rule with a trace for each readout, if it promises what past weights brought; it is
        not read from the end of whole sequences."""
        local = self.local and replace(self.local, apart=self.local.past)
        return replace(self, local=local, whole=False)

    @property
    def online(self) -> bool:
        """There is a gradient at every step."""
        return True

    def prepare(self, built: Built) -> Shared:
        """The static mask of the influence matrix; made once for a network."""
        # One trace for all readouts is laid out for one wiring: rows follow where it changes.
        fixed = all(p.spread is None for p in built.plan.net.projections.values())
        plain, route = fixed and self.changes == Changes(), Route(built, self.feedback)
        reads = plain and self.windows and self.whole
        if reads and self.local is not None and across.fits(built, self.local):
            own = make_mask(built.plan, own_blocks_only)
            return Shared(own, None, route, across=own, kept=partial(self._kept, built))
        mask, keep = self._kept(built)
        alone = plain and self.local is not None and fits(built, mask, self.local)
        return Shared(mask, keep, route, make_mask(built.plan, own_blocks_only) if alone else None)

    def _kept(self, built: Built) -> tuple[Mask, np.ndarray | None]:
        """The entries that rows have, and how long each segment is kept."""
        mask = make_mask(built.plan, self.pattern)
        return mask, None if self.keep is None else self.keep(built.plan, mask)

    @property
    def midway(self) -> bool:
        """Synapses may come and go within a sequence, where nothing but rows has to follow."""
        return self.changes == Changes()

    def follow(self, built: Built, shared: Shared, moved: Moved) -> Shared:
        """The same for another wiring; feedback and the numbers of lanes go on."""
        made = self.prepare(built)
        made.route.follow(shared.route, moved.old)
        return replace(made, lanes=shared.lanes)

    def start(
        self, built: Built, shared: Shared, precision: str
    ) -> Lane | LocalLane | across.AcrossLane:
        """A fresh lane."""
        if shared.local is not None and self.local is not None:
            copies, kept = self.copies(built), (shared.local, shared.route, self.local)
            windows = self.windows and not self.local.apart
            return LocalLane(built, *kept, precision, copies, windows)
        if shared.across is not None:
            return across.AcrossLane(built, shared, precision, self)
        if self.changes.tolerance is not None:
            return CertifiedLane(built, shared, precision, self)
        return Lane(built, shared, precision, self)

    @property
    def at_once(self) -> bool:
        """Columns come as they come alive."""
        return False

    def most_bytes(self, built: Built, shared: Shared, precision: str, steps: int) -> int:
        """Bytes of a lane whose columns are all alive."""
        if shared.across is not None and steps > across.MOST_STEPS:
            shared = shared.general
        rows = most_of(built, shared.local or shared.mask, precision)
        if shared.local is not None or not self.replays(built, shared.mask):
            return rows
        return max(rows, replay.most_entries(built, shared.mask) * np.dtype(precision).itemsize)

    def ledger(
        self, built: Built, shared: Shared, lanes: list[Lane | LocalLane | across.AcrossLane]
    ) -> Ledger:
        """Counts of all lanes together."""
        return make_ledger(
            np.sum([lane.run.counts for lane in lanes], axis=0),
            np.sum([lane.rows.counts for lane in lanes], axis=0),
            int(shared.mask.columns.sum()),
            mask_density(built, shared.mask),
            sum(lane.storage() for lane in lanes),
        )
