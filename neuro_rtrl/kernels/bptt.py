"""Back-propagation through time, window by window: forward steps on a tape, then the way back.

    bptt      one window, the whole sequence
    tbptt     windows of K steps, one after the other; states and events under way go on, and no
              gradient flows back past the start of a window (Williams & Peng 1990, eq. 6, with
              h' = h = K)
    dni       windows of one step, each closed with a prediction of the credit of all later losses
              (kernels/credit.py)

The way back is kernels/backward.py.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels import forward
from neuro_rtrl.kernels.backward import backward
from neuro_rtrl.kernels.begin import open_step
from neuro_rtrl.kernels.credit import Credit, learn_credit, predict_credit
from neuro_rtrl.kernels.jit import inline, kernel
from neuro_rtrl.kernels.layout import (
    ARRIVED,
    DEFERRED,
    FINISHED,
    NOT_FINITE,
    RECORD_FULL,
    SEQUENCE,
    STEP,
    STEPS,
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
    step_loss,
)
from neuro_rtrl.kernels.tape import (
    ROWS,
    Tape,
    keep_arrivals,
    keep_before,
    keep_test,
    open_window,
)


@kernel
def bptt(
    units: Units,
    wires: Wires,
    values: np.ndarray,
    run: Run,
    stream: Stream,
    tape: Tape,
    credit: Credit,
    gradient: np.ndarray,
    window: int,
    restart: bool,
) -> int:
    """Run the stream in windows of `window` steps, adding the gradient of its loss to `gradient`.

    A window begins where the step of the run is a multiple of `window`; the end of a stream closes
    the last one. With `restart` each sequence begins at the initial state.
    """
    return _sequences(
        ref(units), ref(wires), values, ref(run), ref(stream), ref(tape), ref(credit), gradient,
        window, restart,
    )  # fmt: skip


@inline
def _sequences(
    units: Units,
    wires: Wires,
    values: np.ndarray,
    run: Run,
    stream: Stream,
    tape: Tape,
    credit: Credit,
    gradient: np.ndarray,
    window: int,
    restart: bool,
) -> int:
    while run.clock[SEQUENCE] < stream.span[0]:
        if restart and run.clock[STEP] == stream.offset[0]:
            forward.restart(units, run)
            clear_queue(run)
            credit.known[0] = 0
        end = stream.offset[0] + stream.span[1]
        while run.clock[STEP] < end:
            if not record_room(stream, run):
                return RECORD_FULL
            if run.clock[STEP] % window == 0:
                open_window(wires, run, tape)
            _forward_step(units, wires, values, run, stream, tape)
            if run.clock[STEP] % window == 0 or run.clock[STEP] == end:
                if not all_finite(run):
                    return NOT_FINITE
                sequence = run.clock[SEQUENCE]
                predict_credit(credit, run, stream, tape, sequence)
                backward(units, wires, values, run, stream, tape, gradient, sequence)
                learn_credit(credit, tape)
        run.clock[SEQUENCE] += 1
        if restart:
            run.clock[STEP] = stream.offset[0]
    return FINISHED


@inline
def _forward_step(
    units: Units, wires: Wires, values: np.ndarray, run: Run, stream: Stream, tape: Tape
) -> None:
    row = tape.window[ROWS]
    forward.release_done(run)
    open_step(units, wires, values, run, stream)
    keep_before(tape, run, row)
    forward.update(units, values, run)
    run.clock[DEFERRED] = 0
    forward.test_events(units, values, run)
    keep_test(tape, run, row)
    forward.mark_spikes(units, run)
    record_spikes(stream, run)
    forward.emit_spikes(wires, run)
    forward.deliver(units, wires, values, run)
    keep_arrivals(tape, run, row)
    forward.reset_spikes(units, values, run)
    predict(units, stream, run)
    t = run.clock[STEP] - stream.offset[0]
    step_loss(stream, None, run.clock[SEQUENCE], t, tape.slope[row])
    forward.remember_spikes(run)
    run.clock[ARRIVED] = 0
    run.clock[STEP] += 1
    tape.window[ROWS] += 1
    tape.counts[STEPS] += 1
