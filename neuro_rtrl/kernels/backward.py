"""The way back through a window of steps: adjoints x~ = dL/dx, from the same phases and Jacobians.

For t = K-1 .. 0:

    loss       h~ += dL/dh of this step                             (readouts)
    reset      s~ = h~ . (R(h) - h);  theta~ += s dR/dtheta^T h~;   h~ <- (1 + s (dR/dh - 1))^T h~
    arrivals   of the events that were emitted at t, through weight w with delay m:
               w~ += B . h~(t + m) y;   y~ += w B . h~(t + m)       (h~ before the reset of t + m)
    threshold  h~ += dy/dh y~ + ds/dh s~;  theta~ += dy/dtheta y~ + ds/dtheta s~
    update     a~ = F^T h~;  theta~ += U^T h~;  h~ <- D^T h~

For an input of a map model, B . h~ is a~ of the update that used it. Events that were under way
when the window began have the arrivals' first part only: their own y~ is the past's.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels import forward
from neuro_rtrl.kernels.jit import inline, jit
from neuro_rtrl.kernels.layout import (
    LIVE,
    MULTIPLY_ADDS,
    SENSITIVE,
    SPIKES,
    UNIT_STEPS,
    Run,
    Units,
    Wires,
)
from neuro_rtrl.kernels.stream import Stream
from neuro_rtrl.kernels.tape import ENTRIES, ROWS, START, Tape, copy, keep_before


@inline
def backward(
    units: Units,
    wires: Wires,
    values: np.ndarray,
    run: Run,
    stream: Stream,
    tape: Tape,
    gradient: np.ndarray,
    sequence: int,
) -> None:
    """From the adjoints at the end of the window to those at its start, adding to `gradient`."""
    every = run.s.shape[0]
    begin = sequence * stream.span[1] + tape.window[START] - stream.offset[0]
    # The Jacobians are taken at the states of each step; the run then goes on from where it was.
    keep_before(tape, run, tape.window[ROWS])
    for t in range(tape.window[ROWS] - 1, -1, -1):
        for o in range(stream.outputs.shape[0]):
            k = stream.outputs[o]
            p = units.population[k]
            at = units.at_h[p] + stream.readout[o] * units.size[p] + k - units.first[p]
            tape.adjoint[at] += tape.slope[t, o]
        copy(tape.held[t], run.held)
        copy(tape.tested[t], run.h)
        copy(tape.collected[t], run.a)  # a threshold may look at random channels
        _test_again(units, values, run)
        copy(tape.arrived[t], run.h)
        _back_reset(units, values, run, tape, gradient)
        copy(tape.adjoint, tape.at_states[t])
        for i in range(run.clock[LIVE]):
            k = run.live[i]
            low, high = wires.group[k], wires.group[k + 1]
            value = tape.value[t, k]
            slope = _back_event(units, wires, values, tape, gradient, low, high, t, value)
            _back_threshold(units, run, tape, gradient, k, slope)
        _back_update(units, values, run, tape, gradient, t)
        for i in range(stream.pointer[begin + t], stream.pointer[begin + t + 1]):
            source, value = every + stream.input[i], stream.value[i]
            low, high = wires.group[source], wires.group[source + 1]
            _back_event(units, wires, values, tape, gradient, low, high, t, value)
    for i in range(tape.window[ENTRIES]):
        t, value = tape.entry[i, 1] - tape.window[START], tape.entry_value[i]
        low, high = tape.entry[i, 2], tape.entry[i, 3]
        _back_event(units, wires, values, tape, gradient, low, high, t, value)
    copy(tape.before[tape.window[ROWS]], run.h)
    copy(tape.collected[tape.window[ROWS]], run.a)
    copy(tape.held[tape.window[ROWS]], run.held)


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
            if units.jumps[p, v]:
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
    low: int,
    high: int,
    t: int,
    y: float,
) -> float:
    """y~ of an event emitted at t, through groups low .. high - 1; w~ of their weights is added."""
    slope = 0.0
    for group in range(low, high):
        arrival = t + wires.delay[group] + (1 if wires.collects[group] else 0)
        # What is collected at the end of the window has its adjoint in the row beyond; its weight
        # counts where it is used, in the next window.
        beyond = arrival >= tape.window[ROWS]
        if beyond and not (wires.collects[group] and arrival == tape.window[ROWS]):
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
            if not beyond:
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
