"""The forward pass of a window of steps, writing the program of its influence rows (program.py).

Phases and their order are those of rtrl.py. Own blocks (a unit's trace of each of its synapses) are
kept up to date as there; rows become operations:

    live      new version: x <- M x + sum_a T_a c_a x_a + own;   q = dy/dh . x
    reset     M <- A + (R(h) - h) ds/dh, before arrivals; these go through A. Whose M is zero, as
              after a hard reset where psi is zero, forgets: its row need not be put together
    arrival   listed for its target: (slot, sum of w B)
    readout   dL/dy of each step is written down: the window's end looks back (window.py)
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels import forward, influence
from neuro_rtrl.kernels.begin import open_step
from neuro_rtrl.kernels.catch_up import catch_up_own
from neuro_rtrl.kernels.columns import is_sensitive, open_in_shards
from neuro_rtrl.kernels.gather import gather_theta
from neuro_rtrl.kernels.jit import inline, kernel
from neuro_rtrl.kernels.layout import (
    ARRIVED,
    COLUMNS,
    ENTRIES,
    ENTRIES_NOW,
    FINISHED,
    LIVE,
    NOT_FINITE,
    RECORD_FULL,
    SEQUENCE,
    STEP,
    STEPS,
    WINDOW_FULL,
    Mask,
    Rows,
    Run,
    Units,
    Wires,
)
from neuro_rtrl.kernels.listing import receive_in_window
from neuro_rtrl.kernels.program import (
    DIRECT,
    FIRST_STEP,
    LISTED,
    NOWHERE,
    SLOTS,
    TERMS,
    Program,
)
from neuro_rtrl.kernels.queue import new_event, schedule
from neuro_rtrl.kernels.refs import ref
from neuro_rtrl.kernels.simulate import CHECK_EVERY
from neuro_rtrl.kernels.small import is_zero, multiply_into
from neuro_rtrl.kernels.stream import (
    Stream,
    all_finite,
    predict,
    record_spikes,
    records_fit,
    step_loss,
)
from neuro_rtrl.kernels.traces import Traces, advance_traces
from neuro_rtrl.kernels.versions import bring_up, new_version, sensitivity
from neuro_rtrl.kernels.window_traces import note_arrivals, take_in_arrivals, turn_own


@kernel
def record(
    units: Units,
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    traces: Traces,
    program: Program,
    stream: Stream,
    gradient: np.ndarray,
) -> int:
    """Steps of the present sequence until it ends or the program is long enough.

    Readouts' own parameters get their gradient at once; all else is in the program.
    """
    return _steps(
        ref(units), ref(wires), ref(mask), values, ref(run), ref(rows), ref(traces), ref(program),
        ref(stream), gradient,
    )  # fmt: skip


@inline
def _steps(
    units: Units,
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    traces: Traces,
    program: Program,
    stream: Stream,
    gradient: np.ndarray,
) -> int:
    while run.clock[STEP] - stream.offset[0] < stream.span[1]:
        if _is_full(run, program):
            return WINDOW_FULL
        if not records_fit(stream, run):
            return RECORD_FULL
        # A pause waits for the window's end, so that it changes no sum.
        stream.pause[0] -= 1
        _until_test(units, wires, values, run, rows, stream)
        advance_traces(rows, traces)
        _from_events(units, wires, mask, values, run, rows, traces, program, stream, gradient)
        if run.clock[STEP] % CHECK_EVERY == 0 and not all_finite(run):
            return NOT_FINITE
    return FINISHED if all_finite(run) else NOT_FINITE


@inline
def _is_full(run: Run, program: Program) -> bool:
    """Whether the window ends before this step; what one step can add has room behind these."""
    steps = run.clock[STEP] - program.clock[FIRST_STEP]
    clock, room = program.clock, program.room
    many = clock[SLOTS] >= room[0] or clock[LISTED] >= room[1] or clock[DIRECT] >= room[1]
    return bool(many or clock[TERMS] >= room[2] or steps >= room[3])


@inline
def _until_test(
    units: Units, wires: Wires, values: np.ndarray, run: Run, rows: Rows, stream: Stream
) -> None:
    open_step(units, wires, values, run, stream)
    forward.jacobians(units, values, run)
    forward.update(units, values, run)
    influence.advance_theta(units, run, rows)
    forward.release_done(run)
    forward.test_events(units, values, run)


@inline
def _from_events(
    units: Units,
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    traces: Traces,
    program: Program,
    stream: Stream,
    gradient: np.ndarray,
) -> None:
    forward.mark_spikes(units, run)
    record_spikes(stream, run)
    for i in range(run.clock[LIVE]):
        _emit(units, wires, mask, run, rows, traces, program, run.live[i])
    forward.deliver(units, wires, values, run)
    note_arrivals(run, traces)
    for i in range(run.clock[LIVE]):
        _reset(units, mask, values, run, rows, traces, program, run.live[i])
    receive_in_window(units, wires, mask, values, run, rows, traces, program)
    take_in_arrivals(wires, mask, run, rows, traces)
    run.clock[ARRIVED] = 0
    predict(units, stream, run)
    t = run.clock[STEP] - stream.offset[0]
    step_loss(stream, None, run.clock[SEQUENCE], t, stream.slope)
    for o in range(stream.slope.shape[0]):
        slope, k = stream.slope[o], stream.outputs[o]
        program.slope[run.clock[STEP] - program.clock[FIRST_STEP], o] = slope
        gather_theta(units, rows, k, stream.readout[o], slope, gradient)
    _close_step(run, rows)


@inline
def _close_step(run: Run, rows: Rows) -> None:
    for i in range(run.clock[LIVE]):
        rows.has_after[run.live[i]] = 0
    rows.counts[STEPS] += 1
    rows.counts[ENTRIES] += rows.counts[ENTRIES_NOW]
    rows.counts[COLUMNS] += rows.live[0]
    forward.remember_spikes(run)
    run.clock[STEP] += 1


@inline
def _emit(
    units: Units,
    wires: Wires,
    mask: Mask,
    run: Run,
    rows: Rows,
    traces: Traces,
    program: Program,
    k: int,
) -> None:
    """A version of the row, and an event that carries its sensitivity."""
    slot, sensitive = -1, is_sensitive(units, run, k)
    if sensitive:
        open_in_shards(units, mask, rows, k)
        new_version(units, mask, run, rows, traces, program, k)
    if wires.group[k] == wires.group[k + 1]:
        return
    if sensitive:
        slot = sensitivity(units, run, rows, program, k)
    schedule(wires, run, new_event(run, k, run.y[k], slot, wires.group[k]))


@inline
def _reset(
    units: Units,
    mask: Mask,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    traces: Traces,
    program: Program,
    k: int,
) -> None:
    """Reset of the state of one live unit; its transform goes behind the new version."""
    rows.has_after[k] = 0
    if run.s[k] and units.refractory[units.population[k]]:
        # Before a refractory period begins, so that none needs to be remembered but the last.
        catch_up_own(units, run, rows, k)
        bring_up(units, run, program, k)
    if not influence.turns(units, run, k):
        return
    influence.turn(units, values, run, rows, k)
    d, whole = units.d[units.population[k]], rows.matrix[4]
    taken = is_sensitive(units, run, k)
    if not taken and is_zero(d, whole):
        program.head[k] = NOWHERE
    elif not taken:
        new_version(units, mask, run, rows, traces, program, k)
        taken = True
    catch_up_own(units, run, rows, k)
    if traces.shared[k] >= 0:
        turn_own(mask, rows, traces, k, taken)
    else:
        multiply_into(d, whole, rows.own_pending[k], rows.matrix[3])
        rows.settled[k] = -1
    bring_up(units, run, program, k)
    multiply_into(d, whole, program.pending[k], rows.matrix[3])
    if run.s[k]:
        forward.apply_reset(units, run, k)
