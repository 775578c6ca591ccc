"""Back-propagation through time: the reference gradient, from the same phases and Jacobians.

Forward, each step is put on a tape. Backward, with x~ = dL/dx, for t = T-1 .. 0:

    loss       h~ += dL/dh of this step                             (readouts)
    reset      s~ = h~ . (R(h) - h);  theta~ += s dR/dtheta^T h~;   h~ <- (1 + s (dR/dh - 1))^T h~
    arrivals   of the events that were emitted at t, through weight w with delay m:
               w~ += B . h~(t + m) y;   y~ += w B . h~(t + m)       (h~ before the reset of t + m)
    threshold  h~ += dy/dh y~ + ds/dh s~;  theta~ += dy/dtheta y~ + ds/dtheta s~
    update     a~ = F^T h~;  theta~ += U^T h~;  h~ <- D^T h~

For an input of a map model, B . h~ is a~ of the update that used it.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels import forward
from neuro_rtrl.kernels.jit import inline, jit, kernel
from neuro_rtrl.kernels.layout import (
    ARRIVED,
    DEFERRED,
    FINISHED,
    LIVE,
    MULTIPLY_ADDS,
    NOT_FINITE,
    RECORD_FULL,
    SENSITIVE,
    SEQUENCE,
    SPIKES,
    STEP,
    STEPS,
    UNIT_STEPS,
    Run,
    Units,
    Wires,
)
from neuro_rtrl.kernels.losses import loss_and_slope
from neuro_rtrl.kernels.queue import clear_queue
from neuro_rtrl.kernels.refs import ref
from neuro_rtrl.kernels.stream import (
    Stream,
    all_finite,
    place,
    predict,
    record_room,
    record_spikes,
    trace_states,
)
from neuro_rtrl.kernels.tape import Tape, copy, keep_arrivals, keep_before, keep_test


@kernel
def bptt(
    units: Units,
    wires: Wires,
    values: np.ndarray,
    run: Run,
    stream: Stream,
    tape: Tape,
    gradient: np.ndarray,
) -> int:
    """Run every sequence from its start, and add the gradient of the losses to `gradient`."""
    return _sequences(ref(units), ref(wires), values, ref(run), ref(stream), ref(tape), gradient)


@inline
def _sequences(
    units: Units,
    wires: Wires,
    values: np.ndarray,
    run: Run,
    stream: Stream,
    tape: Tape,
    gradient: np.ndarray,
) -> int:
    while run.clock[SEQUENCE] < stream.span[0]:
        if run.clock[STEP] == 0:
            forward.restart(units, run)
            clear_queue(run)
        while run.clock[STEP] < stream.span[1]:
            if not record_room(stream, run):
                return RECORD_FULL
            _forward_step(units, wires, values, run, stream, tape)
        if not all_finite(run):
            return NOT_FINITE
        _backward(units, wires, values, run, stream, tape, gradient)
        run.clock[SEQUENCE] += 1
        run.clock[STEP] = 0
    return FINISHED


@inline
def _forward_step(
    units: Units, wires: Wires, values: np.ndarray, run: Run, stream: Stream, tape: Tape
) -> None:
    row, t = place(stream, run), run.clock[STEP]
    low, high = stream.pointer[row], stream.pointer[row + 1]
    trace_states(stream, run)
    forward.release_done(run)
    forward.inject(units, wires, values, run, stream.input[low:high], stream.value[low:high])
    forward.hold(units, run)
    keep_before(tape, run, t)
    forward.update(units, values, run)
    forward.test_events(units, values, run)
    keep_test(tape, run, t)
    forward.mark_spikes(units, run)
    record_spikes(stream, run, run.clock[LIVE])
    forward.emit_spikes(wires, run)
    forward.deliver(units, wires, values, run)
    keep_arrivals(tape, run, t)
    forward.reset_spikes(units, values, run)
    predict(units, stream, run)
    sequence = run.clock[SEQUENCE]
    stream.losses[sequence, t] = loss_and_slope(
        stream.loss[0], stream.predictions[sequence, t], stream.targets[sequence, t], tape.slope[t]
    )
    forward.remember_spikes(run)
    run.clock[ARRIVED] = 0
    run.clock[DEFERRED] = 0
    run.clock[STEP] += 1
    tape.counts[STEPS] += 1


@inline
def _backward(
    units: Units,
    wires: Wires,
    values: np.ndarray,
    run: Run,
    stream: Stream,
    tape: Tape,
    gradient: np.ndarray,
) -> None:
    tape.adjoint[:] = 0.0
    every = run.s.shape[0]
    for t in range(stream.span[1] - 1, -1, -1):
        for o in range(stream.outputs.shape[0]):
            k = stream.outputs[o]
            p = units.population[k]
            at = units.at_h[p] + stream.readout[o] * units.size[p] + k - units.first[p]
            tape.adjoint[at] += tape.slope[t, o]
        copy(tape.held[t], run.held)
        copy(tape.tested[t], run.h)
        _test_again(units, values, run)
        copy(tape.arrived[t], run.h)
        _back_reset(units, values, run, tape, gradient)
        copy(tape.adjoint, tape.at_states[t])
        for i in range(run.clock[LIVE]):
            k = run.live[i]
            slope = _back_event(units, wires, values, tape, gradient, k, t, tape.value[t, k])
            _back_threshold(units, run, tape, gradient, k, slope)
        _back_update(units, values, run, tape, gradient, t)
        row = run.clock[SEQUENCE] * stream.span[1] + t
        for i in range(stream.pointer[row], stream.pointer[row + 1]):
            source = every + stream.input[i]
            _back_event(units, wires, values, tape, gradient, source, t, stream.value[i])


@inline
def _test_again(units: Units, values: np.ndarray, run: Run) -> None:
    """The threshold test of this step, which the ledger counted on the way forward."""
    spikes, sensitive, tested = run.counts[SPIKES], run.counts[SENSITIVE], run.counts[UNIT_STEPS]
    forward.test_events(units, values, run)
    run.counts[SPIKES], run.counts[SENSITIVE], run.counts[UNIT_STEPS] = spikes, sensitive, tested


@inline
def _back_reset(
    units: Units, values: np.ndarray, run: Run, tape: Tape, gradient: np.ndarray
) -> None:
    """Reset of every live unit; `run.h` holds the states before it."""
    for i in range(run.clock[LIVE]):
        k = run.live[i]
        p = units.population[k]
        tape.spike_adjoint[k] = 0.0
        if not units.resets[p]:
            continue
        forward.reset_parts(units, values, run, k)
        d, m, n, j = units.d[p], units.m[p], units.size[p], k - units.first[p]
        at = units.at_h[p] + j
        for v in range(d):
            if units.reset_gradient[p]:
                jump = run.work[v] - run.h[at + v * n]
                tape.spike_adjoint[k] += tape.adjoint[at + v * n] * jump
        if not run.s[k]:
            continue
        for q in range(m):
            for v in range(d):
                slope = run.work[d + d * d + v * m + q]
                gradient[units.at_theta[p] + q * n + j] += slope * tape.adjoint[at + v * n]
        for u in range(d):
            run.work[u] = 0.0
            for v in range(d):
                run.work[u] += run.work[d + v * d + u] * tape.adjoint[at + v * n]
        for u in range(d):
            tape.adjoint[at + u * n] = run.work[u]


@jit
def _back_event(
    units: Units,
    wires: Wires,
    values: np.ndarray,
    tape: Tape,
    gradient: np.ndarray,
    source: int,
    t: int,
    y: float,
) -> float:
    """y~ of an event emitted at t; its value's share of the weights' gradient is added."""
    slope = 0.0
    steps = tape.at_states.shape[0]
    for group in range(wires.group[source], wires.group[source + 1]):
        arrival = t + wires.delay[group] + (1 if wires.collects[group] else 0)
        if arrival >= steps:
            continue
        for e in range(wires.first[group], wires.first[group + 1]):
            k, v = wires.target[e], wires.variable[e]
            p = units.population[k]
            i = v * units.size[p] + k - units.first[p]
            if wires.collects[group]:
                back = wires.gain[e] * tape.at_inputs[arrival, units.at_a[p] + i]
            elif tape.blind[arrival, k] and units.blind[p, v]:
                continue
            else:
                back = wires.gain[e] * tape.at_states[arrival, units.at_h[p] + i]
            gradient[e] += back * y
            slope += back * values[e]
            tape.counts[MULTIPLY_ADDS] += 2
    return slope


@inline
def _back_threshold(
    units: Units, run: Run, tape: Tape, gradient: np.ndarray, k: int, slope: float
) -> None:
    p = units.population[k]
    d, m, n, j = units.d[p], units.m[p], units.size[p], k - units.first[p]
    spike = tape.spike_adjoint[k]
    for v in range(d):
        at = units.at_h[p] + j * d + v
        tape.adjoint[units.at_h[p] + v * n + j] += run.dy[at] * slope + run.ds[at] * spike
    for q in range(m):
        at = units.at_m[p] + j * m + q
        gradient[units.at_theta[p] + q * n + j] += run.dyt[at] * slope + run.dst[at] * spike


@inline
def _back_update(
    units: Units, values: np.ndarray, run: Run, tape: Tape, gradient: np.ndarray, t: int
) -> None:
    copy(tape.before[t], run.h)
    copy(tape.collected[t], run.a)
    forward.jacobians(units, values, run)
    for p in range(units.first.shape[0]):
        d, inputs, m, n = units.d[p], units.inputs[p], units.m[p], units.size[p]
        for j in range(n):
            at = units.at_h[p] + j
            for u in range(d):
                run.work[u] = tape.adjoint[at + u * n]
                tape.adjoint[at + u * n] = 0.0
            for v in range(d):
                back = run.work[v]
                for u in range(d):
                    local = run.D[units.at_dd[p] + (j * d + v) * d + u]
                    tape.adjoint[at + u * n] += local * back
                for u in range(m):
                    local = run.U[units.at_dm[p] + (j * d + v) * m + u]
                    gradient[units.at_theta[p] + u * n + j] += local * back
            for u in range(inputs):
                total = 0.0
                for v in range(d):
                    total += run.F[units.at_df[p] + (j * d + v) * inputs + u] * run.work[v]
                tape.at_inputs[t, units.at_a[p] + u * n + j] = total
        tape.counts[MULTIPLY_ADDS] += n * d * (d + m + inputs)
