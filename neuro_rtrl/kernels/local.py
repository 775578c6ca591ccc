"""Local rules in their own loop: one filtered trace for each hidden unit, whatever the readouts.

If units keep the influence of their own parameters only, a readout's row is a sum of one kind of
part: what hidden unit k has sent it. With a constant D, all readouts of a population filter alike,
so that part is b_ok z_k with one trace for all of them,

    z_k <- D z_k + B q_k,     q_k = dy/dh . P_k  (only where psi is not zero),

and the gradient is sum_t L_k(t) (e . z_k)(t) with the learning signal L_k = sum_o dL/dy_o b_ok and
e the state that is read. Between two events of unit k nothing but scalars moves: z is kept as M z,
and the signals are gathered as c = sum_t L_k(t) e M(t), so that

    a step      M <- D M;  c += L_k e M                   d numbers a unit
    an event    g += c . z;  z <- M z + B q;  c = 0; M = 1    own parameters of a live unit

P_k itself comes from the traces of its sources wherever these are the same for all targets, without
any work at arrivals (kernels/traces.py). Bellec et al. 2020 (eqs. 23-25) filter every synapse at
every step; this is the same sum. While weights change, L_k has the present b, as there; for those
of the past each readout has a trace of its own (kernels/filters.py).
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels import forward, influence
from neuro_rtrl.kernels.begin import open_step
from neuro_rtrl.kernels.catch_up import advance_pending
from neuro_rtrl.kernels.descent import Descent, count_step, is_due, update
from neuro_rtrl.kernels.filters import (
    Filters,
    advance_filters,
    gather_shared,
    listen,
    restart_filters,
    take_feedback,
)
from neuro_rtrl.kernels.flush import flush
from neuro_rtrl.kernels.gather import gather
from neuro_rtrl.kernels.jit import inline, jit, kernel
from neuro_rtrl.kernels.layout import (
    ARRIVED,
    COLUMNS,
    DEFERRED,
    FINISHED,
    GRADIENT_ADDS,
    NOT_FINITE,
    NOT_LEARNED,
    RECORD_FULL,
    SEQUENCE,
    STEP,
    Mask,
    Rows,
    Run,
    Units,
    Wires,
)
from neuro_rtrl.kernels.local_events import emit_own, receive_own, send
from neuro_rtrl.kernels.postponed import Postponed, bring_up_due
from neuro_rtrl.kernels.queue import clear_queue
from neuro_rtrl.kernels.refs import ref
from neuro_rtrl.kernels.simulate import CHECK_EVERY
from neuro_rtrl.kernels.stream import (
    Stream,
    all_finite,
    finite,
    predict,
    record_room,
    record_spikes,
    step_loss,
)
from neuro_rtrl.kernels.traces import (
    Traces,
    add_arrivals,
    advance_traces,
    restart_traces,
    sort_arrivals,
)


@kernel
def local(
    units: Units,
    wires: Wires,
    mask: Mask,
    run: Run,
    rows: Rows,
    filters: Filters,
    traces: Traces,
    stream: Stream,
    descent: Descent,
    values: np.ndarray,
    replaced: np.ndarray,
    gradient: np.ndarray,
    restart: bool,
) -> int:
    """Run the stream and add the gradient of its loss to `gradient`, updating by `descent`."""
    links, kept = ref(wires), ref(filters)
    take_feedback(links, kept, values, replaced)
    return _sequences(
        ref(units), links, ref(mask), values, ref(run), ref(rows), kept, ref(traces), ref(stream),
        ref(descent), replaced, gradient, restart,
    )  # fmt: skip


@inline
def _sequences(
    units: Units,
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    filters: Filters,
    traces: Traces,
    stream: Stream,
    descent: Descent,
    replaced: np.ndarray,
    gradient: np.ndarray,
    restart: bool,
) -> int:
    while run.clock[SEQUENCE] < stream.span[0]:
        if restart and run.clock[STEP] == stream.offset[0]:
            flush(units, mask, rows, filters, traces, gradient)
            forward.restart(units, run)
            clear_queue(run)
            influence.restart_rows(units, mask, rows)
            restart_filters(filters)
            restart_traces(traces)
        while run.clock[STEP] - stream.offset[0] < stream.span[1]:
            if not record_room(stream, run):
                return RECORD_FULL
            count_step(descent, gradient)
            step_of_local(
                units, wires, mask, values, run, rows, filters, traces, stream, gradient, None, 1.0
            )
            if is_due(descent):
                if not all_finite(run):
                    return NOT_FINITE
                flush(units, mask, rows, filters, traces, gradient)
                if not update(descent, values, gradient):
                    return NOT_LEARNED
                take_feedback(wires, filters, values, replaced)
            if run.clock[STEP] % CHECK_EVERY == 0 and not all_finite(run):
                return NOT_FINITE
        if not all_finite(run):
            return NOT_FINITE
        run.clock[SEQUENCE] += 1
        if restart:
            run.clock[STEP] = stream.offset[0]
    if not stream.holds[0]:
        flush(units, mask, rows, filters, traces, gradient)
    return FINISHED


@inline
def step_of_local(
    units: Units,
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    filters: Filters,
    traces: Traces,
    stream: Stream,
    gradient: np.ndarray,
    postponed: Postponed | None,
    by: float,
) -> bool:
    """A step, which adds `by` times the slopes of its loss to the signals of all units.

    False if they are not there, but for infinity: whoever postpones could not take them back.
    """
    open_step(units, wires, values, run, stream)
    forward.jacobians(units, values, run)
    forward.update(units, values, run)
    advance_pending(units, mask, run, rows)
    influence.advance_theta(units, run, rows)
    receive_own(units, wires, mask, run, rows, run.deferred, run.clock[DEFERRED])
    run.clock[DEFERRED] = 0
    forward.release_done(run)
    forward.test_events(units, values, run)
    forward.mark_spikes(units, run)
    record_spikes(stream, run)
    advance_filters(rows, filters)
    advance_traces(rows, traces)
    send(wires, run)
    if postponed is not None:
        bring_up_due(wires, values, run, filters, traces, postponed)
    forward.deliver(units, wires, values, run)
    others = sort_arrivals(run, traces, run.arrived, run.clock[ARRIVED])
    emit_own(units, wires, mask, values, run, rows, filters, traces)
    add_arrivals(rows, traces)
    receive_own(units, wires, mask, run, rows, run.arrived, others)
    run.clock[ARRIVED] = 0
    predict(units, stream, run)
    step_loss(stream, None, run.clock[SEQUENCE], run.clock[STEP] - stream.offset[0], stream.slope)
    good = postponed is None or (all_finite(run) and finite(stream.slope))
    if good:
        hear_loss(units, mask, run, rows, filters, traces, stream, gradient, by)
    influence.close_step(units, run, rows)
    fresh = 0
    for k in range(rows.fresh_count.shape[0]):
        fresh += rows.fresh_count[k]
    rows.counts[COLUMNS] += fresh
    forward.remember_spikes(run)
    run.clock[STEP] += 1
    return good


@jit
def hear_loss(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    filters: Filters,
    traces: Traces,
    stream: Stream,
    gradient: np.ndarray,
    by: float,
) -> None:
    """c += L_k e M, with `by` times the slopes in L; the readouts' own parameters directly."""
    n = filters.sends.shape[1]
    for o in range(stream.outputs.shape[0]):
        slope = by * stream.slope[o]
        if slope == 0.0:
            continue
        f = filters.of[o]
        listen(filters, f, o, slope)
        rows.counts[GRADIENT_ADDS] += n * filters.d[f]
        stream.signal[:] = 0.0
        stream.signal[stream.readout[o]] = slope
        if traces.shared[stream.outputs[o]] >= 0:
            gather_shared(units, mask, rows, filters, traces, stream.outputs[o], stream.signal)
        else:
            gather(units, mask, run, rows, stream.outputs[o], stream.signal, gradient)
