"""The learner's loop: streams in, gradient from the rule, updates by the optimizer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neuro_rtrl.contracts import Optimizer, Rule
from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.ledger import Ledger
from neuro_rtrl.engine.simulation import SpikeBuffer
from neuro_rtrl.engine.stream import make_stream, outputs_of
from neuro_rtrl.errors import BuildError, DescriptionError, SimulationError, unknown
from neuro_rtrl.kernels.layout import STEP
from neuro_rtrl.kernels.losses import LOSSES

PRECISIONS = ("float32", "float64")


@dataclass
class Result:
    """What a batch of sequences gave.

    Attributes:
        loss: mean over the batch of the sequences' losses.
        losses: (batch, steps).
        predictions: (batch, steps, outputs).
        spikes: population -> (steps, units) of the first lane.
        traces: (steps, traced) recorded states of the first lane.
    """

    loss: float
    losses: np.ndarray
    predictions: np.ndarray
    spikes: dict[str, tuple[np.ndarray, np.ndarray]]
    traces: np.ndarray


class Session:
    """A built network that learns: lanes, gradient, updates. Values go in and out as arrays."""

    def __init__(
        self, built: Built, rule: Rule, optimizer: Optimizer | None, loss: str,
        update: str | int, precision: str, batch: int,
    ) -> None:
        self.built, self.rule, self.optimizer = built, rule, optimizer
        self.loss, self.precision, self.batch = _one_of("loss", loss, LOSSES), precision, batch
        _one_of("precision", precision, PRECISIONS)
        self.update_every = _update(update)
        if self.update_every and not rule.online:
            raise BuildError(
                f"the rule {rule.name} has its gradient at the end of a sequence",
                where="update",
                given=repr(update),
                expected='update="sequence"',
                remedy='Use the rule "rtrl" to learn within a sequence.',
            )
        self.outputs, _ = outputs_of(built)
        if self.outputs.size == 0:
            raise BuildError(
                "nothing to compute a loss on",
                given="no population without threshold",
                expected='a readout, as in net.neurons(1, "leaky_readout")',
            )
        self.shared = rule.prepare(built)
        self.lanes: list[Any] = []
        self.gradient = np.zeros(built.values.size)
        self.since_update = 0
        self.step_count = 0

    def restart(self) -> None:
        """All lanes back to the initial state; the gradient so far is forgotten."""
        self.lanes = []
        self.gradient[:] = 0.0
        self.since_update = self.step_count = 0

    def _lane(self, i: int) -> Any:
        while len(self.lanes) <= i:
            self.lanes.append(self.rule.start(self.built, self.shared, self.precision))
        return self.lanes[i]

    def sequences(
        self, inputs: np.ndarray, targets: np.ndarray | None, traced: np.ndarray | None,
        spikes: bool, learn: bool = True,
    ) -> Result:
        """Whole sequences, each from the initial state; one lane serves all of them."""
        self.gradient[:] = 0.0
        if learn and self.update_every:
            return self._online(inputs, targets, traced, spikes)
        stream = make_stream(
            self.built, inputs, targets, loss=self.loss, traced=traced, spikes=spikes
        )
        buffer = SpikeBuffer(self.built)
        lane = self._lane(0)
        self._drain(lane, stream, buffer, restart=True)
        self.gradient /= inputs.shape[0]
        if learn:
            self._update()
        return _result(stream, buffer)

    def _online(
        self, inputs: np.ndarray, targets: np.ndarray | None, traced: np.ndarray | None, spikes: bool
    ) -> Result:
        """Updates inside the sequences: all lanes advance together, `update_every` steps a time."""
        self.restart()
        parts = []
        for start in range(0, inputs.shape[1], self.update_every):
            cut = slice(start, start + self.update_every)
            parts.append(
                self.steps(inputs[:, cut], None if targets is None else targets[:, cut], traced, spikes)
            )
        spikes_of = {
            name: (
                np.concatenate([p.spikes[name][0] + i * self.update_every for i, p in enumerate(parts)]),
                np.concatenate([p.spikes[name][1] for p in parts]),
            )
            for name in parts[0].spikes
        }
        losses = np.concatenate([p.losses for p in parts], axis=1)
        predictions = np.concatenate([p.predictions for p in parts], axis=1)
        traces = np.concatenate([p.traces for p in parts])
        return Result(float(losses.sum(axis=1).mean()), losses, predictions, spikes_of, traces)

    def steps(
        self, inputs: np.ndarray, targets: np.ndarray | None, traced: np.ndarray | None = None,
        spikes: bool = False,
    ) -> Result:
        """Some steps of every lane (sequences of `inputs`), from where they are."""
        if not self.rule.online:
            raise BuildError(
                f"the rule {self.rule.name} needs whole sequences",
                given="a single step",
                expected="Learner.run(inputs, targets)",
                remedy='Use the rule "rtrl" to learn step by step.',
            )
        results = []
        for i in range(inputs.shape[0]):
            lane = self._lane(i)
            part = None if targets is None else targets[i : i + 1]
            stream = make_stream(
                self.built, inputs[i : i + 1], part, loss=self.loss, traced=traced,
                offset=int(lane.run.clock[STEP]), spikes=spikes and i == 0,
            )  # fmt: skip
            buffer = SpikeBuffer(self.built)
            if self.since_update == 0 and i == 0:
                self.gradient[:] = 0.0
            self._drain(lane, stream, buffer, restart=False, share=1.0 / inputs.shape[0])
            results.append(_result(stream, buffer))
        self.since_update += inputs.shape[1]
        if self.update_every and self.since_update >= self.update_every:
            self._update()
        losses = np.concatenate([r.losses for r in results])
        predictions = np.concatenate([r.predictions for r in results])
        loss = float(losses.sum(axis=1).mean())
        return Result(loss, losses, predictions, results[0].spikes, results[0].traces)

    def _drain(
        self, lane: Any, stream: Any, buffer: SpikeBuffer, restart: bool, share: float = 1.0
    ) -> None:
        added = np.zeros_like(self.gradient) if share != 1.0 else self.gradient
        full = True
        while full:
            full = lane.advance(stream, added, restart)
            buffer.take(lane.run, stream)
        if share != 1.0:
            self.gradient += share * added

    def _update(self) -> None:
        """One step of the optimizer along the gradient gathered so far."""
        self.since_update = 0
        learned = self.built.plan.learned
        if not np.isfinite(self.gradient).all():
            raise SimulationError(
                "the gradient is not finite",
                given="NaN or infinity",
                expected="finite numbers",
                remedy="Use a smaller learning rate, smaller weights or a lower surrogate.",
            )
        if self.optimizer is None:
            return
        values = self.built.values[learned]
        self.optimizer.update(values, self.gradient[learned])
        self.built.values[learned] = values

    def ledger(self) -> Ledger:
        """Counts of all lanes."""
        self._lane(0)
        return self.rule.ledger(self.built, self.shared, self.lanes)


def _result(stream: Any, buffer: SpikeBuffer) -> Result:
    loss = float(stream.losses.sum(axis=1).mean())
    return Result(loss, stream.losses, stream.predictions, buffer.spikes(), stream.trace[0])


def _one_of(what: str, given: str, known: tuple[str, ...]) -> str:
    if given not in known:
        raise unknown(what, given, known)
    return given


def _update(update: str | int) -> int:
    """Steps between updates; 0: at the end of a sequence."""
    if isinstance(update, str) and update in ("step", "sequence"):
        return 1 if update == "step" else 0
    if isinstance(update, bool) or not isinstance(update, int) or update < 1:
        raise DescriptionError(
            "this is not a time to update",
            where="update",
            given=repr(update),
            expected='"step", "sequence", or a number of steps from 1',
        )
    return update
