"""Spikes and states of a learner's streams: out of the kernels' small rooms, and on to a listener.

A kernel leaves a stream when the room for records is full; a `Monitor` takes out what is there.
Without a listener everything waits for the stream's end and becomes part of its result. With one
(`Learner.run(receive=...)`) what belongs to the first sequence is handed on many steps at once, and
always before a pause, so that nothing of it has to be kept with the state of the learner and memory
does not grow with the number of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.result import Events, Result
from neuro_rtrl.engine.spike_buffer import SpikeBuffer, by_population
from neuro_rtrl.errors import DescriptionError, SimulationError
from neuro_rtrl.kernels.layout import Run
from neuro_rtrl.kernels.stream import Stream

MOST_WAITING = 1 << 16
"""Numbers that wait before a listener is called; a single step may bring more."""


@dataclass(frozen=True)
class Records:
    """Some steps of the first sequence of a batch.

    Attributes:
        spikes: population -> (step, unit) of each spike; steps count from the sequence's start.
        states: (steps, traced) recorded states before each step.
        first: step of the first row of `states`.
    """

    spikes: dict[str, Events]
    states: np.ndarray
    first: int


Receive = Callable[[Records], None]
"""Is given records of the first sequence, in the order of the steps."""


@dataclass
class Outlet:
    """Hands records on when many of them are together.

    It is called with records, so to a snapshot it is a function: there is nothing in it when one is
    taken.

    Attributes:
        receive: the listener.
        shown: steps whose states were handed on.
    """

    built: Built
    receive: Receive
    shown: int = 0
    _steps: list[np.ndarray] = field(default_factory=list)
    _units: list[np.ndarray] = field(default_factory=list)
    _states: list[np.ndarray] = field(default_factory=list)
    _size: int = 0

    def __call__(self, steps: np.ndarray, units: np.ndarray, states: np.ndarray) -> None:
        """Spikes (step, unit of the network), and states (steps, traced) of the next steps."""
        if steps.size:
            self._steps.append(steps)
            self._units.append(units)
        if states.size:
            self._states.append(states)
        self._size += steps.size + states.size
        if self._size >= MOST_WAITING:
            self.empty()

    def empty(self, last: bool = False) -> None:
        """Hands on what waits, if anything does; at the `last` time, nothing if there is nothing:
        a listener always learns which populations spike."""
        if self._size == 0 and not last:
            return
        states = np.concatenate(self._states) if self._states else np.zeros((0, 0))
        spikes = by_population(self.built, self._steps, self._units)
        records = Records(spikes, states, self.shown)
        self.shown += len(states) if states.size else 0
        self._steps, self._units, self._states, self._size = [], [], [], 0
        self.receive(records)


@contextmanager
def handing_on(built: Built, receive: Receive | None, shown: int) -> Iterator[Outlet | None]:
    """An outlet that is empty in the end, also after an error of the simulation: the last steps may
    tell the cause. None without a listener.

    Args:
        built: the network.
        receive: the listener, if there is one.
        shown: steps whose states were handed on before.

    Raises:
        DescriptionError: the listener cannot be called.
    """
    outlet = None if receive is None else Outlet(built, called(receive, "receive"), shown)
    try:
        yield outlet
    except SimulationError:
        if outlet is not None:
            outlet.empty(last=True)
        raise
    if outlet is not None:
        outlet.empty(last=True)


def called(function: Any, name: str) -> Any:
    """A function that a user has given as the argument `name`.

    Raises:
        DescriptionError: it is none.
    """
    if not callable(function):
        raise DescriptionError(
            "this cannot be called", where=name, given=repr(function), expected="a function"
        )
    return function


class Monitor:
    """Spikes and states of one stream, collected block by block, or handed on."""

    def __init__(self, built: Built, outlet: Outlet | None = None, start: int = 0) -> None:
        """Empty.

        Args:
            built: the network.
            outlet: gets everything, if there is one.
            start: step of the sequence at which the stream begins.
        """
        self.spikes = SpikeBuffer(built)
        self.states: list[np.ndarray] = []
        self._outlet, self._start = outlet, start

    def take(self, run: Run, stream: Stream) -> None:
        """Empty the kernel's rooms."""
        self.spikes.take(run, stream)
        if stream.filled[0] > 0:
            self.states.append(stream.trace[: stream.filled[0]].copy())
            stream.filled[0] = 0
        if self._outlet is not None:
            self._hand_on(self._outlet, stream)

    def result(self, stream: Stream, outputs: int) -> Result:
        """What a stream gave that was run to its end, and so many readouts predicted; no spikes and
        states where they were handed on."""
        loss = float(stream.losses.sum()) / len(stream.losses)
        made = loss, stream.losses.copy(), stream.predictions[:, :, :outputs].copy()
        if self._outlet is not None:
            return Result(*made, {}, np.zeros((0, 0)))
        spikes = self.spikes.spikes() if stream.event_step.size else {}
        return Result(*made, spikes, self._rows(stream))

    def _hand_on(self, outlet: Outlet, stream: Stream) -> None:
        (steps, units), no_step = self.spikes.blocks, np.zeros(0, np.int64)
        step, unit = np.concatenate([no_step, *steps]), np.concatenate([no_step, *units])
        mine = step < stream.span[1]
        states = self._rows(stream)
        self.spikes.blocks, self.states = ([], []), []
        outlet(step[mine] + self._start, unit[mine], states)

    def _rows(self, stream: Stream) -> np.ndarray:
        return np.concatenate(self.states) if self.states else stream.trace[:0]
