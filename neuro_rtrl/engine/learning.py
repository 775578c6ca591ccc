"""The learner's loop: streams in, gradient from the rule, updates by the optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuro_rtrl.contracts import Certified, Optimizer, Rule
from neuro_rtrl.contracts_rewiring import Following, Rewiring
from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.guard import Guard
from neuro_rtrl.engine.ledger import Ledger
from neuro_rtrl.engine.result import Result, in_parallel, in_sequence
from neuro_rtrl.engine.rewire import (
    Plastic,
    bind,
    check_optimizer,
    check_rule,
    learned_before,
    renumbered,
)
from neuro_rtrl.engine.simulation import SpikeBuffer
from neuro_rtrl.engine.snapshot import Snapshot
from neuro_rtrl.engine.stream import make_stream
from neuro_rtrl.engine.times import check_update, update_steps
from neuro_rtrl.errors import BuildError, unknown
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
        self.loss, self.precision, self.batch = _one_of("loss", loss, LOSSES), precision, batch
        _one_of("precision", precision, PRECISIONS)
        self.update_every = update_steps(update)
        check_update(rule, update, self.update_every)
        self.rate, self.average = rate, average
        if self.update_every:
            self._check_whole("update", repr(update), 'update="sequence"')
        self.outputs = built.outputs[0][: built.width]
        if self.outputs.size == 0:
            raise BuildError(
                "nothing to compute a loss on",
                given="no population without threshold",
                expected='a readout, as in net.neurons(1, "leaky_readout")',
            )
        self.guard = Guard(built)
        self.shared = rule.prepare(built)
        self.lanes: list[Any] = []
        self.gradient = np.zeros(built.values.size)
        self._added = np.zeros(built.values.size)
        self.since_update = 0
        self._certified = 0.0
        self.plastic: Plastic | None = None
        if rewiring:
            check_rule(rule, self.update_every)
            check_optimizer(optimizer)
            self.plastic = Plastic(built, rewiring)
        self._fresh = True
        bind(optimizer, built)

    def _check_whole(self, where: str, given: str, expected: str) -> None:
        """Refuses what sees less than a sequence, where its rates or number of steps count."""
        options = {"firing_rate": self.rate is not None, "average": self.average}
        for name, used in options.items():
            if used:
                raise BuildError(
                    f"{name} is of whole sequences", where=where, given=given, expected=expected
                )

    def restart(self) -> None:
        """All lanes back to the initial state; the gradient so far is forgotten, counts are not."""
        self._rewind()
        self._forget()
        self.since_update = 0

    def _forget(self) -> None:
        self.gradient[:] = 0.0
        self._certified = 0.0

    def _rewind(self) -> None:
        self._fresh = True
        if self.plastic is not None:
            self.plastic.over = True
        for lane in self.lanes:
            lane.restart()

    def lane(self, i: int) -> Any:
        """Lane number `i`, made if it is not there yet."""
        while len(self.lanes) <= i:
            self.lanes.append(self.rule.start(self.built, self.shared, self.precision))
        return self.lanes[i]

    def sequences(
        self,
        inputs: np.ndarray,
        targets: np.ndarray | None,
        traced: np.ndarray | None = None,
        spikes: bool = False,
        learn: bool = True,
    ) -> Result:
        """Whole sequences, each from the initial state, to which the lanes return at the end."""
        self.restart()
        try:
            if learn and self.update_every:
                return self._online(inputs, targets, traced, spikes)
            share = 1.0 / inputs.shape[0]
            result = self._advance(0, inputs, targets, traced, spikes, share, restart=True)
            if learn:
                if self.plastic is not None:
                    self._rewind()
                self._update()
            return result
        finally:
            self._rewind()

    def _online(
        self,
        inputs: np.ndarray,
        targets: np.ndarray | None,
        traced: np.ndarray | None,
        spikes: bool,
    ) -> Result:
        """All sequences advance together, `update_every` steps at a time, each in its own lane."""
        parts: list[list[Result]] = [[] for _ in inputs]
        for start in range(0, inputs.shape[1], self.update_every):
            cut = slice(start, start + self.update_every)
            wanted = None if targets is None else targets[:, cut]
            for part, result in zip(
                parts, self._lanes(inputs[:, cut], wanted, traced, spikes), strict=True
            ):
                part.append(result)
        if self.since_update > 0:
            self._update()
        return in_parallel([in_sequence(part) for part in parts])

    def steps(self, inputs: np.ndarray, targets: np.ndarray | None) -> Result:
        """Some steps of every lane (sequences of `inputs`), from where they are."""
        self._check_whole("step", "a single step", "Learner.run(inputs, targets)")
        if self.rule.online != 1:
            whole = "windows" if self.rule.online else "sequences"
            raise BuildError(
                f"the rule {self.rule.name} needs whole {whole}",
                given="a single step",
                expected="Learner.run(inputs, targets)",
                remedy='Use the rule "rtrl" to learn step by step.',
            )
        return in_parallel(self._lanes(inputs, targets, None, False))

    def _lanes(
        self,
        inputs: np.ndarray,
        targets: np.ndarray | None,
        traced: np.ndarray | None,
        spikes: bool,
    ) -> list[Result]:
        """What each lane gave in these steps; an update, if one is due after them."""
        if self.since_update == 0:
            self._forget()
        results = []
        for i in range(inputs.shape[0]):
            wanted = None if targets is None else targets[i : i + 1]
            share = 1.0 / inputs.shape[0]
            results.append(self._advance(i, inputs[i : i + 1], wanted, traced, spikes, share))
        self.since_update += inputs.shape[1]
        if self.update_every and self.since_update >= self.update_every:
            self._update()
        return results

    def _advance(
        self,
        i: int,
        inputs: np.ndarray,
        targets: np.ndarray | None,
        traced: np.ndarray | None,
        spikes: bool,
        share: float,
        restart: bool = False,
    ) -> Result:
        """Run a stream in lane `i`, adding `share` times its gradient."""
        lane, self._fresh = self.lane(i), False
        stream = make_stream(
            self.built,
            inputs,
            targets,
            loss=self.loss,
            offset=int(lane.run.clock[STEP]),
            traced=traced,
            spikes=spikes,
            rate=self.rate or (0.0, 0.0),
            average=self.average,
        )
        buffer = SpikeBuffer(self.built)
        # The sum goes straight to its place where it is not to be scaled: parameters are many.
        added = self.gradient
        if share != 1.0:
            added = self._added
            added[:] = 0.0
        before = _certified(lane)
        while lane.advance(stream, added, restart):
            buffer.take(lane.run, stream)
        self.guard.lane(lane, stream)
        buffer.take(lane.run, stream)
        if share != 1.0:
            with np.errstate(over="ignore", invalid="ignore"):  # noticed at the update
                self.gradient += share * added
        self._certified += share * (_certified(lane) - before)
        loss = float(stream.losses.sum()) / inputs.shape[0]
        found = buffer.spikes() if spikes else {}
        predictions = stream.predictions[:, :, : self.outputs.size]
        return Result(loss, stream.losses, predictions, found, stream.trace[0])

    def _update(self) -> None:
        """One step of the optimizer along the gradient gathered so far."""
        self.since_update = 0
        learned = self.built.plan.learned
        self.guard.gradient(self.gradient)
        before = self.built.values.copy() if self.plastic is not None else self.built.values
        if self.optimizer is not None:
            values = self.built.values[learned]
            with np.errstate(over="ignore", invalid="ignore"):  # noticed by the guard
                self.optimizer.update(values, self.gradient[learned])
            self.built.values[learned] = values
            self.guard.values(self.built.values)
        if self.plastic is not None:
            self._rewire(self.plastic, before)

    def _rewire(self, plastic: Plastic, before: np.ndarray) -> None:
        """Synapses come and go; everything else goes on."""
        changes = plastic.changes(self.built, self.gradient)
        if not changes:
            return
        built, moved = plastic.rebuild(self.built, changes, before, midway=not self._fresh)
        rule: Any = self.rule
        optimizer: Any = self.optimizer
        self.shared = rule.follow(built, self.shared, moved)
        for lane in self.lanes:
            lane.follow(built, self.shared, moved)
        if isinstance(optimizer, Following):
            optimizer.follow(learned_before(self.built, built, moved))
        self.gradient = renumbered(self.gradient, moved.old)
        self._take_over(built)

    def _take_over(self, built: Built) -> None:
        self.built, self._added = built, np.zeros(self.gradient.size)
        self.guard.follow(built)
        bind(self.optimizer, built)

    def make_ready(self, state: Snapshot, place: str) -> None:
        """The wiring and the lanes of the session whose state, at `place`, will be put back."""
        if self.plastic is not None:
            built = self.plastic.wired(self.built, state.arrays, f"{place}/plastic")
            self.shared, self.gradient = self.rule.prepare(built), np.zeros(built.values.size)
            self.lanes.clear()
            self._take_over(built)
        for number in range(state.notes[f"{place}/lanes"].get("count", 0)):
            self.lane(number)

    def certificate(self) -> float | None:
        """Bound of the 2-norm of the error of `gradient`; None if the rule has none."""
        return self._certified if isinstance(self.lane(0), Certified) else None

    def ledger(self) -> Ledger:
        """Counts of all lanes."""
        self.lane(0)
        return self.rule.ledger(self.built, self.shared, self.lanes)


def _certified(lane: Any) -> float:
    return lane.certificate() if isinstance(lane, Certified) else 0.0


def _one_of(what: str, given: str, known: tuple[str, ...]) -> str:
    if given not in known:
        raise unknown(what, given, known)
    return given
