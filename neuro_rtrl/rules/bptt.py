"""Back-propagation through time: the reference that the online rules are measured against.

Werbos 1990, eq. 7 (ordered derivatives), with the surrogate as the derivative of the spike (Neftci,
Mostafa & Zenke 2019, eq. 10). It stores every step of a sequence and has its gradient at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuro_rtrl.engine.build import Built, make_run
from neuro_rtrl.engine.ledger import Ledger, make_ledger
from neuro_rtrl.engine.simulation import not_finite
from neuro_rtrl.kernels.bptt import bptt
from neuro_rtrl.kernels.entry import start_run
from neuro_rtrl.kernels.layout import COUNTS, FINISHED, NOT_FINITE, SEQUENCE, Run, Units
from neuro_rtrl.kernels.stream import Stream
from neuro_rtrl.kernels.tape import Tape


def make_tape(built: Built, steps: int, counts: np.ndarray) -> Tape:
    """Room for `steps` steps; `counts` goes on counting."""
    units = built.units
    n, states = built.plan.n, units.initial.size
    inputs = int((units.size * units.inputs).sum())
    outputs = sum(p.n for p in built.plan.readouts)
    return Tape(
        before=np.zeros((steps, states)),
        collected=np.zeros((steps, inputs)),
        held=np.zeros((steps, n), np.uint8),
        tested=np.zeros((steps, states)),
        arrived=np.zeros((steps, states)),
        blind=np.zeros((steps, n), np.uint8),
        spike=np.zeros((steps, n), np.uint8),
        value=np.zeros((steps, n)),
        slope=np.zeros((steps, outputs)),
        at_states=np.zeros((steps, states)),
        at_inputs=np.zeros((steps, inputs)),
        adjoint=np.zeros(states),
        spike_adjoint=np.zeros(n),
        counts=counts,
    )


class Lane:
    """Sequences one after the other; everything is float64."""

    def __init__(self, built: Built) -> None:
        self.built = built
        self.run: Run = make_run(built)
        self.tape = make_tape(built, 0, np.zeros(COUNTS, np.int64))
        # Backward every local Jacobian is needed, also where rows of RTRL could wait.
        every = np.ones_like(built.units.eager)
        self.units: Units = built.units._replace(eager=every)

    def restart(self) -> None:
        """Initial states, nothing under way; counts stay."""
        self.run.clock[:] = 0
        start_run(self.units, self.run)

    def advance(self, stream: Stream, gradient: np.ndarray, restart: bool) -> bool:
        """Run the stream, adding to `gradient`; True if the record of spikes is full first."""
        steps = int(stream.span[1])
        if self.tape.slope.shape[0] != steps:
            self.tape = make_tape(self.built, steps, self.tape.counts)
        b = self.built
        answer = bptt(self.units, b.wires, b.values, self.run, stream, self.tape, gradient)
        if answer == NOT_FINITE:
            raise not_finite(b, self.run)
        if answer == FINISHED:
            self.run.clock[SEQUENCE] = 0
        return bool(answer != FINISHED)


@dataclass(frozen=True)
class Bptt:
    """The rule `bptt`."""

    name: str = "bptt"
    exactness: str = "drops nothing: the exact gradient of a whole sequence, at its end"
    online: bool = False

    def prepare(self, built: Built) -> None:
        """Nothing is shared between lanes."""

    def start(self, built: Built, shared: None, precision: str) -> Lane:
        """A fresh lane."""
        return Lane(built)

    def ledger(self, built: Built, shared: None, lanes: list[Lane]) -> Ledger:
        """Multiply-adds of the way back; for lack of an influence matrix, its densities are 0."""
        return make_ledger(
            np.sum([lane.run.counts for lane in lanes], axis=0),
            np.sum([lane.tape.counts for lane in lanes], axis=0),
            columns=0,
            mask=0.0,
            storage=sum(array.nbytes for lane in lanes for array in lane.tape),
        )


RULE = Bptt()
