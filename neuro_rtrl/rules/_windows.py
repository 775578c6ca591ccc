"""Lanes of rules that go back through windows of steps: `bptt`, `tbptt-K`, `dni`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuro_rtrl.contracts_influence import Carried
from neuro_rtrl.contracts_rewiring import Moved
from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.fresh_run import make_run
from neuro_rtrl.engine.ledger import Ledger, make_ledger
from neuro_rtrl.engine.simulation import not_finite
from neuro_rtrl.kernels.bptt import bptt
from neuro_rtrl.kernels.credit import Credit
from neuro_rtrl.kernels.entry import start_run
from neuro_rtrl.kernels.layout import COUNTS, FINISHED, NOT_FINITE, SEQUENCE, Run, Units
from neuro_rtrl.kernels.stream import Stream
from neuro_rtrl.kernels.tape import WINDOW_SIZE, Tape


@dataclass(frozen=True)
class Predictor:
    """What all lanes share: A of kernels/credit.py, and its learning rate.

    Attributes:
        matrix: (Z, Z + outputs + 1), or (0, 0) for rules that predict nothing.
        rate: (1,)
    """

    matrix: np.ndarray
    rate: np.ndarray


NOTHING = Predictor(np.zeros((0, 0)), np.zeros(1))


def make_tape(built: Built, steps: int, counts: np.ndarray) -> Tape:
    """Room for `steps` steps; `counts` goes on counting."""
    units, wires = built.units, built.wires
    n, states, inputs = built.plan.n, units.initial.size, collected(built)
    outputs = sum(p.n for p in built.plan.readouts)
    # Events that can be under way, and groups collected in one step: as in `make_run`.
    entries = (wires.group.size - 1) * (int(wires.ring[0]) + 2) + wires.delay.size + 1
    return Tape(
        before=np.zeros((steps + 1, states)),
        collected=np.zeros((steps + 1, inputs)),
        held=np.zeros((steps + 1, n), np.uint8),
        tested=np.zeros((steps, states)),
        arrived=np.zeros((steps, states)),
        blind=np.zeros((steps, n), np.uint8),
        value=np.zeros((steps, n)),
        slope=np.zeros((steps, outputs)),
        at_states=np.zeros((steps, states)),
        at_inputs=np.zeros((steps + 1, inputs)),
        adjoint=np.zeros(states),
        spike_adjoint=np.zeros(n),
        window=np.zeros(WINDOW_SIZE, np.int64),
        entry=np.zeros((entries, 4), np.int64),
        entry_value=np.zeros(entries),
        counts=counts,
    )


def collected(built: Built) -> int:
    """How many arrivals are collected: inputs of all units of map models."""
    return int((built.units.size * built.units.inputs).sum())


class Lane:
    """A stream of sequences, window after window; everything is float64."""

    def __init__(self, built: Built, window: int, shared: Predictor) -> None:
        """`window` in steps; 0: the whole of each stream."""
        self.built, self.window = built, window
        self.run: Run = make_run(built)
        self.tape = make_tape(built, 0, np.zeros(COUNTS, np.int64))
        width = shared.matrix.shape[1]
        self.credit = Credit(
            shared.matrix, shared.rate, np.zeros(width), np.zeros(width), np.zeros(1, np.uint8)
        )
        # Backward every local Jacobian is needed, also where rows of RTRL could wait.
        every = np.ones_like(built.units.eager)
        self.units: Units = built.units._replace(eager=every)

    def restart(self) -> None:
        """Initial states, nothing under way; counts stay."""
        self.run.clock[:] = 0
        self.credit.known[:] = 0
        start_run(self.units, self.run)

    def follow(self, built: Built, shared: Predictor, moved: Moved) -> None:
        """Goes on with another wiring, at the start of a sequence."""
        self.built = built
        self.units = built.units._replace(eager=np.ones_like(built.units.eager))
        self.tape = make_tape(built, 0, self.tape.counts)

    @property
    def shares(self) -> bool:
        """A predictor learns from sequence to sequence."""
        return self.credit.matrix.size == 0

    @property
    def pace(self) -> np.ndarray:
        """Nothing."""
        return np.zeros(0)

    def carried(self) -> list[Carried]:
        """The predictor of later credit: going back through a window, nothing else is carried."""
        matrix = self.credit.matrix

        def of_row(place: int) -> str:
            return f"row {place // matrix.shape[1]}"

        return [Carried("the predictor of later credit", matrix, of_row)]

    def advance(self, stream: Stream, gradient: np.ndarray, restart: bool) -> bool:
        """Run the stream, adding to `gradient`; True if the record of spikes is full first."""
        steps = int(stream.span[1])
        window = self.window or max(steps, 1)
        rows = min(window, steps)
        if self.tape.slope.shape[0] < rows:
            self.tape = make_tape(self.built, rows, self.tape.counts)
        b = self.built
        answer = bptt(
            self.units, b.wires, b.values, self.run, stream, self.tape, self.credit, gradient,
            window, restart,
        )  # fmt: skip
        if answer == NOT_FINITE:
            raise not_finite(b, self.run)
        if answer == FINISHED:
            self.run.clock[SEQUENCE] = 0
        return bool(answer != FINISHED)


def ledger(lanes: list[Lane]) -> Ledger:
    """Multiply-adds of the way back; for lack of an influence matrix, its densities are 0."""
    return make_ledger(
        np.sum([lane.run.counts for lane in lanes], axis=0),
        np.sum([lane.tape.counts for lane in lanes], axis=0),
        columns=0,
        mask=0.0,
        storage=sum(array.nbytes for lane in lanes for array in lane.tape)
        + lanes[0].credit.matrix.nbytes,
    )


@dataclass(frozen=True)
class WindowRule:
    """A rule that goes back through windows of steps.

    Attributes:
        name: as users say it.
        exactness: what is dropped, and where the rule is exact all the same.
        online: steps of a window; 0: the whole sequence.
        rate: learning rate of the predictor of later credit; None: nothing is predicted.
    """

    name: str
    exactness: str
    online: int
    rate: float | None = None

    def prepare(self, built: Built) -> Predictor:
        """The predictor of later credit, at first of none."""
        if self.rate is None:
            return NOTHING
        size = built.units.initial.size + collected(built)
        outputs = built.outputs[0].size
        return Predictor(np.zeros((size, size + outputs + 1)), np.array([self.rate]))

    def start(self, built: Built, shared: Predictor, precision: str) -> Lane:
        """A fresh lane."""
        return Lane(built, self.online, shared)

    @property
    def midway(self) -> bool:
        """A window looks back to the synapses that there were: they change between sequences."""
        return False

    def follow(self, built: Built, shared: Predictor, moved: Moved) -> Predictor:
        """The predictor knows states, not synapses: it goes on."""
        return shared

    @property
    def at_once(self) -> bool:
        """The tape of a window is made before its first step."""
        return True

    def most_bytes(self, built: Built, shared: Predictor, precision: str, steps: int) -> int:
        """Bytes of the tape of one window."""
        rows = min(self.online or steps, steps)
        first, second = (make_tape(built, count, np.zeros(COUNTS, np.int64)) for count in (0, 1))
        none, one = (sum(array.nbytes for array in tape) for tape in (first, second))
        return none + rows * (one - none)

    def ledger(self, built: Built, shared: Predictor, lanes: list[Lane]) -> Ledger:
        """Counts of all lanes together."""
        return ledger(lanes)
