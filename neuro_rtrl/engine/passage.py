"""How far a call of `Learner.run` has come, so that another process can go on with it.

A kernel leaves a stream before any of its steps when it is told to (kernels/stream.py, `pause`),
and takes it up again as if nothing had been. What a lane carries stays in the lane; what the call
has to show for itself so far lies here: the results of the windows before, and those of the stream
under way. A snapshot of a session (engine/snapshot.py) in a pause holds both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from neuro_rtrl.engine.monitor import Monitor, called
from neuro_rtrl.engine.result import Result, in_sequence
from neuro_rtrl.engine.stream import NEVER
from neuro_rtrl.errors import DescriptionError, RunFileError
from neuro_rtrl.kernels.stream import Stream

MOST_PARTS = 4096
"""Results of windows that wait to be made one: putting them together copies all of them."""

Between = Callable[[int], int]
"""Asked in each pause, with the steps (of all sequences) that are done; how many steps may follow
until the next pause."""


class Batch(NamedTuple):
    """Sequences, or some of their steps.

    Attributes:
        inputs: (batch, steps, inputs).
        targets: (batch, steps, outputs); None: no error.
        traced: places of the states that are recorded.
        spikes: whether spikes are.
    """

    inputs: np.ndarray
    targets: np.ndarray | None
    traced: np.ndarray | None = None
    spikes: bool = False

    @property
    def single(self) -> bool:
        """Whether it is one step, of which nothing is recorded."""
        recorded = self.spikes or (self.traced is not None and self.traced.size > 0)
        return self.inputs.shape[1] == 1 and not recorded

    def part(self, sequences: slice, steps: slice) -> Batch:
        """Some of the sequences, and of their steps."""
        targets = None if self.targets is None else self.targets[sequences, steps]
        return Batch(self.inputs[sequences, steps], targets, self.traced, self.spikes)

    def unseen(self, handed_on: bool) -> Batch:
        """The same of sequences after the first: no states, nor spikes if they are handed on."""
        return self._replace(traced=None, spikes=self.spikes and not handed_on)


ALL = slice(None)


@dataclass
class Passage:
    """What is done of a batch of sequences.

    Attributes:
        shape: (batch, steps, inputs).
        done: steps of all sequences together.
        granted: how many of them may be done before the next pause.
        start: first step of the window between two updates.
        lane: number of the lane that is under way in it.
        parts: for each lane, the results of its windows.
        offset: step of the run at which the stream under way began; -1: none is under way.
        certified: the certificate of the lane at that time.
        left: name -> what the stream has given so far.
        steps: of the spikes of the stream, block by block.
        units: that spiked.
        states: of the stream, block by block.
        shown: steps of the first sequence whose states a listener has been given.
        number: of the share that is under way, where sequences are run in shares (crew.py).
        pace: what a lane is told in front of each share.
    """

    shape: tuple[int, ...]
    parts: list[list[Result]]
    done: int = 0
    granted: int = 0
    start: int = 0
    lane: int = 0
    offset: int = -1
    certified: float = 0.0
    left: dict[str, np.ndarray] = field(default_factory=dict)
    steps: list[np.ndarray] = field(default_factory=list)
    units: list[np.ndarray] = field(default_factory=list)
    states: list[np.ndarray] = field(default_factory=list)
    shown: int = 0
    number: int = 0
    pace: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @property
    def midway(self) -> bool:
        """Whether a stream is to be taken up."""
        return self.offset >= 0

    def grant(self, between: Between, pause: np.ndarray) -> None:
        """Asks how many steps may follow, and says so to the kernels by `pause` (1,)."""
        steps = called(between, "between")(self.done)
        if isinstance(steps, bool) or not isinstance(steps, int | np.integer):
            raise DescriptionError(
                "this is not a number of steps",
                where="between",
                given=repr(steps),
                expected="a function that returns the steps until the next pause",
            )
        self.granted = min(max(1, int(steps)), NEVER)
        pause[0] = self.granted

    def count(self, pause: np.ndarray) -> int:
        """Notes how many steps were done until a pause, and returns it.

        Kernels count down to -1, and beyond where they must not pause.
        """
        steps = self.granted - 1 - int(pause[0])
        self.done += steps
        return steps

    def keep(self, stream: Stream, monitor: Monitor) -> None:
        """Notes where a stream stands that a kernel has left."""
        self.offset = int(stream.offset[0])
        self.left = {name: getattr(stream, name) for name in ("losses", "predictions")}
        self.steps, self.units = monitor.spikes.blocks
        self.states = monitor.states

    def take_up(self, stream: Stream, monitor: Monitor) -> None:
        """Brings a new stream, and its records, to where that one stood."""
        for name, array in self.left.items():
            getattr(stream, name)[:] = array
        monitor.spikes.blocks, monitor.states = (self.steps, self.units), self.states

    def close(self, result: Result) -> None:
        """Adds what a stream gave that has been run to its end."""
        self.offset, self.left = -1, {}
        self.steps, self.units, self.states = [], [], []
        own = self.parts[self.lane]
        own.append(result)
        if len(own) > MOST_PARTS:
            own[:] = [in_sequence(own)]

    def require(self, shape: tuple[int, ...]) -> None:
        """Refuses another batch than the one that was begun.

        Raises:
            RunFileError: its shape is another one.
        """
        if tuple(self.shape) != shape:
            raise RunFileError(
                "the kept state is of another batch",
                where="Learner.run",
                given=f"inputs of shape {shape}",
                expected=f"those that it was begun with, of shape {tuple(self.shape)}",
                remedy="Give the same inputs and targets, or call `reset` to begin anew.",
            )


def blank(notes: Mapping[str, Any], place: str) -> Passage | None:
    """A passage of the make of the one whose snapshot, at `place`, will be put back, if any."""
    if "object" not in notes.get(place, {}):
        return None
    lanes = range(notes[f"{place}/parts"]["count"])
    made = Passage((), [])
    for lane in lanes:
        count = notes[f"{place}/parts/{lane}"].get("count", 0)
        made.parts.append([_nothing() for _ in range(count)])
    return made


def _nothing() -> Result:
    return Result(0.0, np.zeros((0, 0)), np.zeros((0, 0, 0)), {}, np.zeros((0, 0)))
