"""The streams of a session: what they read, and what is the same for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.passage import Batch
from neuro_rtrl.engine.stream import NEVER, blank, make_stream
from neuro_rtrl.errors import BuildError
from neuro_rtrl.kernels.stream import Stream


def outputs_of(built: Built) -> np.ndarray:
    """(outputs,) units that a loss with targets reads.

    Raises:
        BuildError: there are none.
    """
    found = built.outputs[0][: built.width]
    if found.size == 0:
        raise BuildError(
            "nothing to compute a loss on",
            given="no population without threshold",
            expected='a readout, as in net.neurons(1, "leaky_readout")',
        )
    return found


class SingleStep:
    """The stream of a step of one sequence, made once and filled for each step: sooner than anew.

    What it gives must be copied before the next.
    """

    def __init__(self, built: Built, loss: str, pause: np.ndarray) -> None:
        width = sum(p.n for p in built.plan.inputs)
        # Ones: there is room for an event of every input.
        self._stream = make_stream(built, np.ones((1, 1, width)), None, loss=loss, pause=pause)

    def __call__(
        self, x: np.ndarray, target: np.ndarray | None, offset: int, holds: bool
    ) -> Stream:
        """Inputs (inputs,), targets (outputs,) or None, the step of the run; `holds`: as there."""
        stream = self._stream
        events = np.flatnonzero(x)
        stream.pointer[1] = events.size
        stream.input[: events.size] = events
        stream.value[: events.size] = x[events]
        stream.targets[:] = np.nan if target is None else target
        stream.losses[:], stream.offset[0] = 0.0, offset
        stream.span[0], stream.holds[0] = 1, holds
        return stream

    def nothing(self) -> Stream:
        """No sequence at all: a lane that was given it has handed over all that it gathered."""
        self._stream.span[0], self._stream.holds[0] = 0, False
        return self._stream


class Streams:
    """Makes the streams of a session.

    Attributes:
        single: those of one step.
    """

    def __init__(
        self, built: Built, average: bool, pause: np.ndarray, options: Mapping[str, Any]
    ) -> None:
        """Those of a network.

        Args:
            built: the network.
            average: the loss of a sequence is the mean over its steps with targets.
            pause: (1,) steps until a kernel leaves its stream for a while.
            options: more of `make_stream`: `loss`, `rate`.
        """
        self._built, self._average, self._pause = built, average, pause
        self._options = dict(options)
        self.single = SingleStep(built, options["loss"], pause)

    @cached_property
    def _blank(self) -> Stream:
        """What is the same in all of them."""
        return blank(self._built, pause=self._pause, **self._options)

    def of(self, built: Built) -> Streams:
        """The same of another network."""
        return Streams(built, self._average, self._pause, self._options)

    def apart(self) -> Streams:
        """The same for a thread, in which there are no pauses."""
        return Streams(self._built, self._average, np.array([NEVER]), self._options)

    def next(self, batch: Batch, offset: int, single: bool, holds: bool) -> Stream:
        """Of a batch, from step `offset` of the run on: the one kept for single steps, if it may
        be one (`single`) and is; `holds` is for these only."""
        if not (single and batch.single):
            return self.whole(batch, offset)
        target = None if batch.targets is None else batch.targets[0, 0]
        return self.single(batch.inputs[0, 0], target, offset, holds)

    def whole(self, batch: Batch, offset: int) -> Stream:
        """Of all steps of a batch; step `offset` of the run is the first."""
        return make_stream(
            self._built,
            batch.inputs,
            batch.targets,
            offset=offset,
            traced=batch.traced,
            spikes=batch.spikes,
            average=self._average,
            like=self._blank,
        )
