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

Bellec et al. 2020 (eqs. 23-25) filter every synapse at every step; this is the same sum. While
weights change, L_k has the present b, as there; rows of readouts would have those of the past.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels import forward, influence
from neuro_rtrl.kernels.arrive import receive
from neuro_rtrl.kernels.begin import begin
from neuro_rtrl.kernels.catch_up import advance_pending, catch_up_own
from neuro_rtrl.kernels.columns import is_sensitive
from neuro_rtrl.kernels.emit import through
from neuro_rtrl.kernels.filters import Filters, advance_filters, enter, flush, restart_filters
from neuro_rtrl.kernels.gather import gather
from neuro_rtrl.kernels.jit import inline, kernel
from neuro_rtrl.kernels.layout import (
    ARRIVED,
    COLUMNS,
    DEFERRED,
    FINISHED,
    GRADIENT_ADDS,
    LIVE,
    MULTIPLY_ADDS,
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
from neuro_rtrl.kernels.queue import clear_queue, new_event, schedule
from neuro_rtrl.kernels.refs import ref
from neuro_rtrl.kernels.simulate import CHECK_EVERY
from neuro_rtrl.kernels.stream import (
    Stream,
    all_finite,
    place,
    predict,
    record_room,
    record_spikes,
    step_loss,
    trace_states,
)


@kernel
def local(
    units: Units,
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    filters: Filters,
    stream: Stream,
    gradient: np.ndarray,
    restart: bool,
) -> int:
    """Run the stream and add the gradient of its loss to `gradient`."""
    return _sequences(
        ref(units), ref(wires), ref(mask), values, ref(run), ref(rows), ref(filters), ref(stream),
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
    stream: Stream,
    gradient: np.ndarray,
    restart: bool,
) -> int:
    while run.clock[SEQUENCE] < stream.span[0]:
        if restart and run.clock[STEP] == stream.offset[0]:
            flush(units, mask, rows, filters, gradient)
            forward.restart(units, run)
            clear_queue(run)
            influence.restart_rows(units, mask, rows)
            restart_filters(filters)
        while run.clock[STEP] - stream.offset[0] < stream.span[1]:
            if not record_room(stream, run):
                return RECORD_FULL
            _step(units, wires, mask, values, run, rows, filters, stream, gradient)
            if run.clock[STEP] % CHECK_EVERY == 0 and not all_finite(run):
                return NOT_FINITE
        if not all_finite(run):
            return NOT_FINITE
        run.clock[SEQUENCE] += 1
        if restart:
            run.clock[STEP] = stream.offset[0]
    flush(units, mask, rows, filters, gradient)
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
    stream: Stream,
    gradient: np.ndarray,
) -> None:
    row = place(stream, run)
    low, high = stream.pointer[row], stream.pointer[row + 1]
    trace_states(stream, run)
    forward.inject(units, wires, values, run, stream.input[low:high], stream.value[low:high])
    begin(units, values, run)
    forward.jacobians(units, values, run)
    forward.update(units, values, run)
    advance_pending(units, mask, run, rows)
    influence.advance_theta(units, run, rows)
    receive(units, wires, mask, values, run, rows, None, run.deferred, run.clock[DEFERRED])
    run.clock[DEFERRED] = 0
    forward.release_done(run)
    forward.test_events(units, values, run)
    forward.mark_spikes(units, run)
    record_spikes(stream, run, run.clock[LIVE])
    advance_filters(rows, filters)
    _emit(units, wires, mask, run, rows, filters)
    forward.deliver(units, wires, values, run)
    influence.reset_events(units, mask, values, run, rows, None)
    receive(units, wires, mask, values, run, rows, None, run.arrived, run.clock[ARRIVED])
    run.clock[ARRIVED] = 0
    predict(units, stream, run)
    _learn(units, mask, run, rows, filters, stream, gradient)
    influence.close_step(units, run, rows)
    for k in range(rows.fresh_count.shape[0]):
        rows.counts[COLUMNS] += rows.fresh_count[k]
    forward.remember_spikes(run)
    run.clock[STEP] += 1


@inline
def _emit(
    units: Units,
    wires: Wires,
    mask: Mask,
    run: Run,
    rows: Rows,
    filters: Filters,
) -> None:
    """Events of units that spike; sensitivities of live units go behind the filters at once."""
    for i in range(run.clock[LIVE]):
        k = run.live[i]
        if run.y[k] != 0.0 and wires.group[k] < wires.group[k + 1]:
            schedule(wires, run, new_event(run, k, run.y[k], -1, wires.group[k]))
        if not is_sensitive(units, run, k):
            continue
        wanted = False
        for f in range(filters.d.shape[0]):
            wanted |= filters.sends[f, k] != 0
        if wanted:
            _sensitivity(units, mask, run, rows, filters, k)
            for f in range(filters.d.shape[0]):
                if filters.sends[f, k]:
                    enter(rows, filters, f, k)


@inline
def _sensitivity(units: Units, mask: Mask, run: Run, rows: Rows, filters: Filters, k: int) -> None:
    """q <- dy/dh . P_k + dy/dtheta."""
    p = units.population[k]
    d, m, i = units.d[p], units.m[p], k - units.first[p]
    start = units.at_h[p] + i * d
    slope = run.dy[start : start + d]
    weights, q, own = rows.matrix[4], filters.q, rows.own
    catch_up_own(units, run, rows, k)
    through(d, slope, rows.own_pending[k], weights)
    size, first = mask.own[k + 1] - mask.own[k], mask.own_at[k]
    for j in range(size):
        q[j] = weights[0] * own[first + j]
    for v in range(1, d):
        for j in range(size):
            q[j] += weights[v] * own[first + v * size + j]
    for j in range(m):
        q[size + j] = run.dyt[units.at_m[p] + i * m + j]
        for v in range(d):
            q[size + j] += slope[v] * rows.theta[units.at_dm[p] + (i * d + v) * m + j]
    rows.counts[MULTIPLY_ADDS] += (size + m) * d


@inline
def _learn(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    filters: Filters,
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
        d, signal, pending = filters.d[f], filters.signal[f], filters.pending[f]
        at, feedback = filters.read[f] * d, filters.feedback[o]
        for v in range(d):
            for k in range(n):
                signal[k, v] += slope * feedback[k] * pending[k, at + v]
        rows.counts[GRADIENT_ADDS] += n * d
        stream.signal[:] = 0.0
        stream.signal[stream.readout[o]] = slope
        gather(units, mask, run, rows, stream.outputs[o], stream.signal, gradient)
