"""Exact real-time recurrent learning: the loop over steps.

    inject, Jacobians, update                   states; collected arrivals enter with F
    P <- D P (lazily) + F-arrivals + U          rows
    threshold: s, y, psi                        which units emit an event
    q_k = dy/dh . P_k                           events carry their sensitivity through the queue
    arrivals at states, reset                   states
    reset transform, then arrivals              rows
    g += dL/dy_o . P_o                          readouts only

Before anything of an emission is changed, the storage it needs is counted; if it is too small the
kernel returns (NEED_...), Python makes room, and the kernel takes up at the same place (PHASE).
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels import forward, influence
from neuro_rtrl.kernels.arrive import receive
from neuro_rtrl.kernels.begin import open_step
from neuro_rtrl.kernels.catch_up import advance_pending
from neuro_rtrl.kernels.columns import wanted_columns
from neuro_rtrl.kernels.descent import Descent, count_step, is_due, update
from neuro_rtrl.kernels.emit import emit_events, free_rows
from neuro_rtrl.kernels.gather import gather, scatter
from neuro_rtrl.kernels.jit import inline, kernel
from neuro_rtrl.kernels.layout import (
    ARRIVED,
    CERTIFIED,
    DEFERRED,
    DONE,
    FINISHED,
    NEED_COLUMNS,
    NEED_EVENT_ROWS,
    NOT_FINITE,
    NOT_LEARNED,
    PHASE,
    RANK_ONE,
    RECORD_FULL,
    SEQUENCE,
    STEP,
    Limits,
    Mask,
    Rows,
    Run,
    Units,
    Wires,
)
from neuro_rtrl.kernels.limits import begin_step, filter_states, restart_limits
from neuro_rtrl.kernels.queue import clear_queue
from neuro_rtrl.kernels.refs import ref
from neuro_rtrl.kernels.simulate import CHECK_EVERY
from neuro_rtrl.kernels.stream import (
    Stream,
    all_finite,
    predict,
    record_room,
    record_spikes,
    step_loss,
)


@kernel
def rtrl(
    units: Units,
    wires: Wires,
    mask: Mask,
    run: Run,
    rows: Rows,
    stream: Stream,
    descent: Descent,
    values: np.ndarray,
    gradient: np.ndarray,
    wanted: np.ndarray,
    restart: bool,
) -> int:
    """Run the stream and add the gradient of its loss to `gradient`, updating by `descent`."""
    return _sequences(
        ref(units), ref(wires), ref(mask), values, values, ref(run), ref(rows), None,
        ref(stream), ref(descent), gradient, wanted, restart,
    )  # fmt: skip


@kernel
def limited(
    units: Units,
    wires: Wires,
    mask: Mask,
    run: Run,
    rows: Rows,
    limits: Limits,
    stream: Stream,
    descent: Descent,
    values: np.ndarray,
    carried: np.ndarray,
    gradient: np.ndarray,
    wanted: np.ndarray,
    restart: bool,
) -> int:
    """The same for rules that change the recursion (`limits`, `carried`)."""
    return _sequences(
        ref(units), ref(wires), ref(mask), values, carried, ref(run), ref(rows), ref(limits),
        ref(stream), ref(descent), gradient, wanted, restart,
    )  # fmt: skip


@inline
def _sequences(
    units: Units,
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    carried: np.ndarray,
    run: Run,
    rows: Rows,
    limits: Limits | None,
    stream: Stream,
    descent: Descent,
    gradient: np.ndarray,
    wanted: np.ndarray,
    restart: bool,
) -> int:
    while run.clock[SEQUENCE] < stream.span[0]:
        if restart and run.clock[STEP] == stream.offset[0] and run.clock[PHASE] == 0:
            scatter(mask, rows, gradient)
            forward.restart(units, run)
            clear_queue(run)
            influence.restart_rows(units, mask, rows)
            if limits is not None:
                restart_limits(limits)
        while run.clock[STEP] - stream.offset[0] < stream.span[1]:
            if run.clock[PHASE] == 0:
                if not record_room(stream, run):
                    return RECORD_FULL
                count_step(descent, gradient)
                before_events(units, wires, mask, values, carried, run, rows, limits, stream)
                run.clock[PHASE] = 1
            needed, small = wanted_columns(units, mask, run, rows, wanted)
            if small:
                return NEED_COLUMNS
            if needed > rows.q_count[0]:
                return NEED_EVENT_ROWS
            from_events(
                units, wires, mask, values, carried, run, rows, limits, stream, gradient
            )  # fmt: skip
            run.clock[PHASE] = 0
            if is_due(descent):
                if not all_finite(run):
                    return NOT_FINITE
                scatter(mask, rows, gradient)
                if not update(descent, values, gradient):
                    return NOT_LEARNED
            if run.clock[STEP] % CHECK_EVERY == 0 and not all_finite(run):
                return NOT_FINITE
        if not all_finite(run):
            return NOT_FINITE
        run.clock[SEQUENCE] += 1
        if restart:
            run.clock[STEP] = stream.offset[0]
    if not stream.holds[0]:
        scatter(mask, rows, gradient)
    return FINISHED


@inline
def before_events(
    units: Units,
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    carried: np.ndarray,
    run: Run,
    rows: Rows,
    limits: Limits | None,
    stream: Stream,
) -> None:
    """The step up to the threshold test."""
    open_step(units, wires, values, run, stream)
    forward.jacobians(units, values, run)
    forward.update(units, values, run)
    advance_pending(units, mask, run, rows)
    influence.advance_theta(units, run, rows)
    if limits is not None:
        begin_step(units, run, rows, limits)
    receive(
        units, wires, mask, carried, run, rows, limits, run.deferred, run.clock[DEFERRED]
    )  # fmt: skip
    run.clock[DEFERRED] = 0
    free_rows(run, rows, run.clock[DONE])
    forward.release_done(run)
    forward.test_events(units, values, run)


@inline
def from_events(
    units: Units,
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    carried: np.ndarray,
    run: Run,
    rows: Rows,
    limits: Limits | None,
    stream: Stream,
    gradient: np.ndarray,
) -> None:
    """The step from the emission of events on."""
    forward.mark_spikes(units, run)
    record_spikes(stream, run)
    emit_events(units, wires, mask, run, rows, limits)
    forward.deliver(units, wires, values, run)
    influence.reset_events(units, mask, values, run, rows, limits)
    receive(
        units, wires, mask, carried, run, rows, limits, run.arrived, run.clock[ARRIVED]
    )  # fmt: skip
    if limits is not None and limits.switch[RANK_ONE]:
        filter_states(units, run, rows, limits)
    run.clock[ARRIVED] = 0
    predict(units, stream, run)
    learn(units, mask, run, rows, limits, stream, gradient)
    influence.close_step(units, run, rows)
    forward.remember_spikes(run)
    run.clock[STEP] += 1


@inline
def learn(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    limits: Limits | None,
    stream: Stream,
    gradient: np.ndarray,
) -> None:
    """g += sum_o dL/dy_o P_o."""
    t = run.clock[STEP] - stream.offset[0]
    step_loss(stream, limits, run.clock[SEQUENCE], t, stream.slope)
    for o in range(stream.outputs.shape[0]):
        if stream.slope[o] != 0.0:
            stream.signal[:] = 0.0
            stream.signal[stream.readout[o]] = stream.slope[o]
            if limits is not None and limits.switch[CERTIFIED]:
                error = limits.error[stream.outputs[o], stream.readout[o]]
                limits.bound[0] += abs(stream.slope[o]) * error
            gather(units, mask, run, rows, stream.outputs[o], stream.signal, gradient)
