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
every step; this is the same sum. While weights change, L_k has the present b, as there; rows of
readouts would have those of the past.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels import forward, influence
from neuro_rtrl.kernels.arrive import hear, hear_one
from neuro_rtrl.kernels.begin import open_step
from neuro_rtrl.kernels.catch_up import advance_pending
from neuro_rtrl.kernels.columns import is_sensitive
from neuro_rtrl.kernels.filters import (
    Filters,
    advance_filters,
    enter,
    flush,
    gather_shared,
    is_heard,
    listen,
    own_part,
    restart_filters,
    take_feedback,
    theta_part,
)
from neuro_rtrl.kernels.gather import gather
from neuro_rtrl.kernels.jit import inline, jit, kernel
from neuro_rtrl.kernels.layout import (
    ARRIVED,
    COLUMNS,
    DEFERRED,
    FINISHED,
    FIRED,
    GRADIENT_ADDS,
    LIVE,
    NOT_FINITE,
    RECORD_FULL,
    SEQUENCE,
    STEP,
    Mask,
    Rows,
    Run,
    Units,
    Wires,
)
from neuro_rtrl.kernels.loops import return_to_itself
from neuro_rtrl.kernels.pulse import is_plain, pulse
from neuro_rtrl.kernels.queue import clear_queue, new_event, schedule
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
from neuro_rtrl.kernels.traces import (
    Traces,
    add_arrivals,
    advance_traces,
    respond,
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
    values: np.ndarray,
    replaced: np.ndarray,
    gradient: np.ndarray,
    restart: bool,
) -> int:
    """Run the stream and add the gradient of its loss to `gradient`."""
    links, kept = ref(wires), ref(filters)
    take_feedback(links, kept, values, replaced)
    return _sequences(
        ref(units), links, ref(mask), values, ref(run), ref(rows), kept, ref(traces), ref(stream),
        gradient, restart,
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
            _step(units, wires, mask, values, run, rows, filters, traces, stream, gradient)
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
def _step(
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
) -> None:
    open_step(units, wires, values, run, stream)
    forward.jacobians(units, values, run)
    forward.update(units, values, run)
    advance_pending(units, mask, run, rows)
    influence.advance_theta(units, run, rows)
    _receive(units, wires, mask, run, rows, run.deferred, run.clock[DEFERRED])
    run.clock[DEFERRED] = 0
    forward.release_done(run)
    forward.test_events(units, values, run)
    forward.mark_spikes(units, run)
    record_spikes(stream, run)
    advance_filters(rows, filters)
    advance_traces(rows, traces)
    send(wires, run)
    forward.deliver(units, wires, values, run)
    others = sort_arrivals(run, traces, run.arrived, run.clock[ARRIVED])
    _events(units, wires, mask, values, run, rows, filters, traces)
    add_arrivals(rows, traces)
    _receive(units, wires, mask, run, rows, run.arrived, others)
    run.clock[ARRIVED] = 0
    predict(units, stream, run)
    _learn(units, mask, run, rows, filters, traces, stream, gradient)
    influence.close_step(units, run, rows)
    fresh = 0
    for k in range(rows.fresh_count.shape[0]):
        fresh += rows.fresh_count[k]
    rows.counts[COLUMNS] += fresh
    forward.remember_spikes(run)
    run.clock[STEP] += 1


@jit
def _receive(
    units: Units,
    wires: Wires,
    mask: Mask,
    run: Run,
    rows: Rows,
    entries: np.ndarray,
    count: int,
) -> None:
    """Immediate arrivals only: what the groups in `entries` (2, count) bring to own blocks."""
    total = rows.matrix[4]
    for i in range(count):
        event, group = entries[0, i], entries[1, i]
        y = run.value[event]
        for e in range(wires.first[group], wires.first[group + 1]):
            if units.d[units.population[wires.target[e]]] == 1:
                hear_one(units, wires, mask, wires.gain, run, rows, group, e, e + 1, y)
            else:
                hear(units, wires, mask, wires.gain, run, rows, group, e, e + 1, y, total)


@jit
def send(wires: Wires, run: Run) -> None:
    """Events of units that spike (or emit at every step)."""
    for i in range(run.clock[FIRED]):
        k = run.fired[i]
        if run.y[k] != 0.0 and wires.group[k] < wires.group[k + 1]:
            schedule(wires, run, new_event(run, k, run.y[k], -1, wires.group[k]))


@jit
def _events(
    units: Units,
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    filters: Filters,
    traces: Traces,
) -> None:
    """Sensitivities of live units go behind the filters; then states and influence are reset."""
    for i in range(run.clock[LIVE]):
        k = run.live[i]
        p = units.population[k]
        start = units.at_h[p] + (k - units.first[p]) * units.d[p]
        slope = run.dy[start : start + units.d[p]]
        sensitive = is_sensitive(units, run, k)
        loops = sensitive and filters.loop[k] >= 0
        sends = sensitive and is_heard(filters, k)
        if sends or loops:
            theta_part(units, mask, run, rows, filters, k, slope)
        if traces.shared[k] >= 0:
            rows.has_after[k] = 0
            moves = influence.turns(units, run, k)
            if moves:
                influence.turn(units, values, run, rows, k)
            if sends and is_plain(units, filters, traces, k):
                pulse(units, mask, run, rows, filters, traces, k, slope[0], moves)
                sends = False
            elif sends or loops or moves:
                respond(units, mask, run, rows, traces, k, slope, filters.q, moves)
            if run.s[k] and moves:
                forward.apply_reset(units, run, k)
        else:
            if sends or loops:
                own_part(units, mask, run, rows, filters, k, slope)
            influence.reset_event(units, mask, values, run, rows, None, k)
        if loops:
            return_to_itself(units, wires, mask, values, run, rows, filters, k)
        if sends:
            for f in range(filters.d.shape[0]):
                if filters.sends[f, k]:
                    enter(rows, filters, f, k)


@jit
def _learn(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    filters: Filters,
    traces: Traces,
    stream: Stream,
    gradient: np.ndarray,
) -> None:
    """c += L_k e M; the readouts' own parameters directly."""
    t = run.clock[STEP] - stream.offset[0]
    step_loss(stream, None, run.clock[SEQUENCE], t, stream.slope)
    n = filters.sends.shape[1]
    for o in range(stream.outputs.shape[0]):
        slope = stream.slope[o]
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
