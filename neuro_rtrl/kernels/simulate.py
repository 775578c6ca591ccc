"""The simulation alone: every step of every sequence, without any gradient."""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels import forward
from neuro_rtrl.kernels.begin import open_step
from neuro_rtrl.kernels.jit import inline, kernel
from neuro_rtrl.kernels.layout import (
    ARRIVED,
    DEFERRED,
    FINISHED,
    NOT_FINITE,
    RECORD_FULL,
    SEQUENCE,
    STEP,
    Run,
    Units,
    Wires,
)
from neuro_rtrl.kernels.queue import clear_queue
from neuro_rtrl.kernels.refs import ref
from neuro_rtrl.kernels.stream import (
    Stream,
    all_finite,
    predict,
    record_room,
    record_spikes,
)

CHECK_EVERY = 64  # steps between looks for states that are not finite


@kernel
def simulate(
    units: Units, wires: Wires, values: np.ndarray, run: Run, stream: Stream, restart: bool
) -> int:
    """Run the stream; with `restart` each sequence begins at the initial state."""
    return _sequences(ref(units), ref(wires), values, ref(run), ref(stream), restart)


@inline
def _sequences(
    units: Units, wires: Wires, values: np.ndarray, run: Run, stream: Stream, restart: bool
) -> int:
    while run.clock[SEQUENCE] < stream.span[0]:
        if restart and run.clock[STEP] == stream.offset[0]:
            forward.restart(units, run)
            clear_queue(run)
        while run.clock[STEP] - stream.offset[0] < stream.span[1]:
            if not record_room(stream, run):
                return RECORD_FULL
            one_step(units, wires, values, run, stream)
            if run.clock[STEP] % CHECK_EVERY == 0 and not all_finite(run):
                return NOT_FINITE
        if not all_finite(run):
            return NOT_FINITE
        run.clock[SEQUENCE] += 1
        if restart:
            run.clock[STEP] = stream.offset[0]
    return FINISHED


@inline
def one_step(units: Units, wires: Wires, values: np.ndarray, run: Run, stream: Stream) -> None:
    """State update, threshold, arrivals, reset."""
    forward.release_done(run)
    open_step(units, wires, values, run, stream)
    forward.update(units, values, run)
    forward.test_spikes(units, values, run)
    forward.mark_spikes(units, run)
    record_spikes(stream, run)
    forward.emit_spikes(wires, run)
    forward.deliver(units, wires, values, run)
    forward.reset_spikes(units, values, run)
    predict(units, stream, run)
    forward.remember_spikes(run)
    run.clock[ARRIVED] = 0
    run.clock[DEFERRED] = 0
    run.clock[STEP] += 1
