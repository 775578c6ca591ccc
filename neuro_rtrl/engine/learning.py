"""The learner's loop: streams in, gradient from the rule, updates by the optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from neuro_rtrl.contracts import Certified, Optimizer, Rule
from neuro_rtrl.contracts_influence import Holding, Waiting
from neuro_rtrl.contracts_rewiring import Following, Rewiring
from neuro_rtrl.engine import rewire
from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.crew import Crew
from neuro_rtrl.engine.flows import Flows
from neuro_rtrl.engine.gathered import Gathered
from neuro_rtrl.engine.guard import Guard
from neuro_rtrl.engine.ledger import Ledger
from neuro_rtrl.engine.monitor import Monitor, Outlet, Receive, handing_on
from neuro_rtrl.engine.online import Within, follow
from neuro_rtrl.engine.passage import ALL, Batch, Between, Passage, blank
from neuro_rtrl.engine.result import Result, in_parallel, in_sequence, in_shares
from neuro_rtrl.engine.snapshot import Snapshot
from neuro_rtrl.engine.stream import NEVER
from neuro_rtrl.engine.streams import Streams, outputs_of
from neuro_rtrl.engine.times import check_single_steps, check_update, check_whole, update_steps
from neuro_rtrl.errors import one_of
from neuro_rtrl.kernels.layout import STEP
from neuro_rtrl.kernels.losses import LOSSES

PRECISIONS = ("float32", "float64")


class Session:
    """A built network that learns: lanes, gradient, updates. Values go in and out as arrays."""

    def __init__(
        self,
        built: Built,
        rule: Rule,
        optimizer: Optimizer | None,
        loss: str,
        update: str | int,
        precision: str,
        batch: int,
        rate: tuple[float, float] | None = None,
        average: bool = False,
        rewiring: Mapping[str, Rewiring] | None = None,
    ) -> None:
        self.built, self.rule, self.optimizer = built, rule, optimizer
        self.loss, self.precision, self.batch = one_of("loss", loss, LOSSES), precision, batch
        one_of("precision", precision, PRECISIONS)
        self.update_every = update_steps(update)
        check_update(rule, update, self.update_every)
        self._of_sequences = {"firing_rate": bool(rate), "average": average}
        if self.update_every:
            check_whole(self._of_sequences, "update", repr(update), 'update="sequence"')
        self.outputs = outputs_of(built)
        self.guard, self.flows = Guard(built), Flows(built, self.update_every)
        self.shared = rule.prepare(built)
        self.lanes: list[Any] = []
        self.gathered = Gathered(built.values.size)
        # Asking a lane for it, as Python does, takes 10 us: more than many a step.
        self._certifies, self._holds, self._certified = False, False, 0.0
        self.plastic = rewire.plastic(built, rewiring, rule, self.update_every, optimizer)
        self.passage: Passage | None = None
        self.pause, self.since_update, self._fresh = np.array([NEVER]), 0, True
        self.options: dict[str, Any] = {"loss": loss, "rate": rate or (0.0, 0.0)}
        self.streams = Streams(built, average, self.pause, self.options)
        self.between: Between | None = None
        self.outlet: Outlet | None = None
        rewire.bind(optimizer, built)

    def restart(self) -> None:
        """All lanes back to the initial state; the gradient so far is forgotten, counts are not."""
        self._rewind()
        self._forget()
        self.since_update, self.passage = 0, None

    def _forget(self) -> None:
        self.gathered.forget()
        self._certified = 0.0

    def collect(self) -> np.ndarray:
        """The gradient (parameters,) since the last update; lanes hold nothing of it any more."""
        return self.gathered.collect(self.lanes, self.streams.single.nothing)

    def _rewind(self) -> None:
        self._fresh = True
        if self.plastic is not None:
            self.plastic.over = True
        for lane in self.lanes:
            lane.restart()

    def lane(self, i: int) -> Any:
        """Lane number `i`, made if it is not there yet, with the flows of the present values."""
        while len(self.lanes) <= i:
            made = self.rule.start(self.built, self.shared, self.precision)
            self.lanes.append(made)
            self._certifies = isinstance(made, Certified)
            self._holds = isinstance(made, Holding)
        self.flows.renew(self.lanes, self._fresh)
        return self.lanes[i]

    def sequences(
        self,
        inputs: np.ndarray,
        targets: np.ndarray | None,
        traced: np.ndarray | None = None,
        spikes: bool = False,
        learn: bool = True,
        between: Between | None = None,
        receive: Receive | None = None,
    ) -> Result:
        """Whole sequences, each from the initial state, to which the lanes return at the end; or
        what is left of them, if a state was put back that was kept in a pause."""
        passage, batch = self.passage, Batch(inputs, targets, traced, spikes)
        if passage is None:
            self.restart()
            passage = self.passage = Passage(inputs.shape, [[] for _ in inputs])
        passage.require(inputs.shape)
        try:
            self.between, self.pause[0] = between, NEVER
            with handing_on(self.built, receive, passage.shown) as self.outlet:
                self.look(passage)
                online = learn and self.update_every > 0
                return self._online(passage, batch) if online else self._all(passage, batch, learn)
        finally:
            self.passage = self.between = self.outlet = None
            self.pause[0] = NEVER
            self._rewind()

    def look(self, passage: Passage) -> None:
        """A pause, for whoever asked to be told."""
        if self.outlet is not None:
            self.outlet.empty()
            passage.shown = self.outlet.shown
        if self.between is not None:
            for lane in self.lanes:  # somebody may keep the state
                if isinstance(lane, Waiting):
                    lane.put_together()
            passage.grant(self.between, self.pause)

    def _all(self, passage: Passage, batch: Batch, learn: bool) -> Result:
        """All sequences with the same weights; then an update."""
        self._crew.run(passage, batch)
        if learn:
            if self.plastic is not None:
                self._rewind()
            self._update()
        return in_shares(passage.parts[0])

    def _online(self, passage: Passage, batch: Batch) -> Result:
        """All advance together, `update_every` steps at a time; more where kernels update."""
        lanes, length = batch.inputs.shape[:2]
        while passage.start < length:
            inside = self._inside.count(passage, lanes, length - passage.start)
            cut = slice(passage.start, passage.start + (inside or self.update_every))
            self._lanes(passage, batch.part(ALL, cut))
            passage.start = cut.stop
        if self.since_update > 0:
            self._update()
        return in_parallel([in_sequence(part) for part in passage.parts])

    def steps(self, inputs: np.ndarray, targets: np.ndarray | None) -> Result:
        """Some steps of every lane (sequences of `inputs`), from where they are."""
        check_whole(self._of_sequences, "step", "a single step", "Learner.run(inputs, targets)")
        check_single_steps(self.rule)
        passage = Passage(inputs.shape, [[] for _ in inputs])
        self._lanes(passage, Batch(inputs, targets))
        return in_parallel([part[0] for part in passage.parts])

    def _lanes(self, passage: Passage, batch: Batch) -> None:
        """Each lane runs these steps; an update, if one is due after them."""
        if self.since_update == 0 and passage.lane == 0 and not passage.midway:
            self._forget()
        lanes, steps = batch.inputs.shape[:2]
        if self.since_update == 0 and self._inside.count(passage, lanes, steps) == steps:
            self.advance(passage, batch, 1.0, inside=True)
            return
        while passage.lane < lanes:
            part = batch.part(slice(passage.lane, passage.lane + 1), ALL)
            if passage.lane > 0:
                part = part.unseen(handed_on=self.outlet is not None)
            self.advance(passage, part, 1.0 / lanes)
            passage.lane += 1
            if self.pause[0] < 0:
                passage.count(self.pause)
                self.look(passage)
        passage.lane = 0
        self.since_update += steps
        if self.update_every and self.since_update >= self.update_every:
            self._update()

    @cached_property
    def _crew(self) -> Crew:
        """Who runs the sequences of a batch."""
        return Crew(self)

    @cached_property
    def _inside(self) -> Within:
        """How the kernels of a single lane update."""
        return Within(self, self.lane(0))

    def advance(
        self,
        passage: Passage,
        batch: Batch,
        share: float,
        restart: bool = False,
        inside: bool = False,
    ) -> None:
        """Run a stream in the lane that is under way, adding `share` times its gradient."""
        lane, self._fresh = self.lane(passage.lane), False
        holds = self._holds and share == 1.0 and self.since_update + 1 != self.update_every
        clock = passage.offset if passage.midway else int(lane.run.clock[STEP])
        stream = self.streams.next(batch, clock, single=not restart, holds=holds)
        added = self.gathered.place(share, passage.midway)
        outlet = self.outlet if passage.lane == 0 else None
        monitor = Monitor(self.built, outlet, passage.start)
        if passage.midway:
            passage.take_up(stream, monitor)
        else:
            passage.certified = self._bound(lane)
        run, how = self._inside.open(lane, batch) if inside else (lane.advance, restart)
        try:
            while run(stream, added, how):
                monitor.take(lane.run, stream)
                if self.pause[0] < 0:
                    self.guard.midway(lane, passage.count(self.pause))
                    passage.keep(stream, monitor)
                    self.look(passage)
            self.guard.lane(lane, stream)
        finally:
            monitor.take(lane.run, stream)
        self.gathered.close(share, bool(stream.holds[0]))
        self._certified += share * (self._bound(lane) - passage.certified)
        passage.close(monitor.result(stream, self.outputs.size))

    def _update(self) -> None:
        """One step of the optimizer along the gradient gathered so far."""
        self.since_update = 0
        gradient = self.collect()
        self.guard.gradient(gradient)
        before = self.built.values.copy() if self.plastic is not None else self.built.values
        if self.optimizer is not None:
            follow(self.optimizer, self.built, gradient)
            self.guard.values(self.built.values)
        if self.plastic is not None:
            self._rewire(self.plastic, before)

    def _rewire(self, plastic: rewire.Plastic, before: np.ndarray) -> None:
        """Synapses come and go; everything else goes on."""
        changes = plastic.changes(self.built, self.collect())
        if not changes:
            return
        built, moved = plastic.rebuild(self.built, changes, before, midway=not self._fresh)
        rule: Any = self.rule
        optimizer: Any = self.optimizer
        self.shared = rule.follow(built, self.shared, moved)
        for lane in self.lanes:
            lane.follow(built, self.shared, moved)
        if isinstance(optimizer, Following):
            optimizer.follow(rewire.learned_before(self.built, built, moved))
        gradient = rewire.renumbered(self.collect(), moved.old)
        self._take_over(built)
        self.gathered.sum[:] = gradient

    def _take_over(self, built: Built) -> None:
        self.built, self.gathered = built, Gathered(built.values.size)
        self.streams = self.streams.of(built)
        self.guard.follow(built)
        self.flows.follow(built)
        rewire.bind(self.optimizer, built)

    def make_ready(self, state: Snapshot, place: str) -> None:
        """The wiring and the lanes of the session whose state, at `place`, will be put back."""
        if self.plastic is not None:
            built = self.plastic.wired(self.built, state.arrays, f"{place}/plastic")
            self.shared = self.rule.prepare(built)
            self.lanes.clear()
            self._take_over(built)
        for number in range(state.notes[f"{place}/lanes"].get("count", 0)):
            self.lane(number)
        self.passage = blank(state.notes, f"{place}/passage")

    def _bound(self, lane: Any) -> float:
        return lane.certificate() if self._certifies else 0.0

    def certificate(self) -> float | None:
        """Bound of the 2-norm of the error of `gradient`; None if the rule has none."""
        self.lane(0)
        return self._certified if self._certifies else None

    def ledger(self) -> Ledger:
        """Counts of all lanes."""
        self.lane(0)
        return self.rule.ledger(self.built, self.shared, self.lanes)
