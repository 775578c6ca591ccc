"""The forward pass of a window of steps, writing the program of its influence rows (program.py).

Phases and their order are those of rtrl.py. Own blocks (a unit's trace of each of its synapses) are
kept up to date as there; rows become operations:

    live      new version: x <- M x + sum_a T_a c_a x_a + own;   q = dy/dh . x
    reset     M <- A + (R(h) - h) ds/dh, before arrivals; these go through A
    arrival   listed for its target: (slot, sum of w B)
    readout   dL/dy of each step is written down: the window's end looks back (window.py)
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels import forward, influence
from neuro_rtrl.kernels.arrive import hear, hear_one
from neuro_rtrl.kernels.begin import open_step
from neuro_rtrl.kernels.catch_up import catch_up_own
from neuro_rtrl.kernels.columns import is_sensitive
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
from neuro_rtrl.kernels.program import (
    DIRECT,
    FIRST_STEP,
    LISTED,
    SLOTS,
    TERMS,
    Program,
    listed,
    listed_direct,
)
from neuro_rtrl.kernels.queue import new_event, schedule
from neuro_rtrl.kernels.refs import ref
from neuro_rtrl.kernels.simulate import CHECK_EVERY
from neuro_rtrl.kernels.small import multiply_into
from neuro_rtrl.kernels.stream import (
    Stream,
    all_finite,
    predict,
    record_spikes,
    spikes_fit,
    step_loss,
)
from neuro_rtrl.kernels.versions import bring_up, new_version, sensitivity


@kernel
def record(
    units: Units,
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    program: Program,
    stream: Stream,
) -> int:
    """Steps of the present sequence until it ends or the program is long enough."""
    return _steps(
        ref(units), ref(wires), ref(mask), values, ref(run), ref(rows), ref(program), ref(stream)
    )


@inline
def _steps(
    units: Units,
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    program: Program,
    stream: Stream,
) -> int:
    while run.clock[STEP] - stream.offset[0] < stream.span[1]:
        if _is_full(run, program):
            return WINDOW_FULL
        if not spikes_fit(stream, run):
            return RECORD_FULL
        # A pause waits for the window's end, so that it changes no sum.
        stream.pause[0] -= 1
        _until_test(units, wires, values, run, stream)
        _from_events(units, wires, mask, values, run, rows, program, stream)
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
def _until_test(units: Units, wires: Wires, values: np.ndarray, run: Run, stream: Stream) -> None:
    open_step(units, wires, values, run, stream)
    forward.update(units, values, run)
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
    program: Program,
    stream: Stream,
) -> None:
    forward.mark_spikes(units, run)
    record_spikes(stream, run, run.clock[LIVE])
    for i in range(run.clock[LIVE]):
        _emit(units, wires, mask, run, rows, program, run.live[i])
    forward.deliver(units, wires, values, run)
    for i in range(run.clock[LIVE]):
        _reset(units, values, run, rows, program, run.live[i])
    _receive(units, wires, mask, values, run, rows, program)
    run.clock[ARRIVED] = 0
    predict(units, stream, run)
    t = run.clock[STEP] - stream.offset[0]
    step_loss(stream, None, run.clock[SEQUENCE], t, stream.slope)
    for o in range(stream.slope.shape[0]):
        program.slope[run.clock[STEP] - program.clock[FIRST_STEP], o] = stream.slope[o]
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
    program: Program,
    k: int,
) -> None:
    """A version of the row, and an event that carries its sensitivity."""
    slot, sensitive = -1, is_sensitive(units, run, k)
    if sensitive:
        _open_columns(mask, rows, k)
    if sensitive or influence.turns(units, run, k):
        new_version(units, mask, run, rows, program, k)
    if wires.group[k] == wires.group[k + 1]:
        return
    if sensitive:
        slot = sensitivity(units, run, program, k)
    schedule(wires, run, new_event(run, k, run.y[k], slot, wires.group[k]))


@inline
def _open_columns(mask: Mask, rows: Rows, k: int) -> None:
    """A column for each own parameter that has come alive, behind those in use."""
    for j in range(rows.fresh_count[k]):
        parameter = rows.fresh[mask.own[k] + j]
        rows.column[parameter] = rows.live[0]
        rows.parameter[rows.live[0]] = parameter
        rows.live[0] += 1
    rows.fresh_count[k] = 0


@inline
def _reset(
    units: Units, values: np.ndarray, run: Run, rows: Rows, program: Program, k: int
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
    catch_up_own(units, run, rows, k)
    multiply_into(d, whole, rows.own_pending[k], rows.matrix[3])
    rows.settled[k] = -1
    bring_up(units, run, program, k)
    multiply_into(d, whole, program.pending[k], rows.matrix[3])
    if run.s[k]:
        forward.apply_reset(units, run, k)


@inline
def _receive(
    units: Units,
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    program: Program,
) -> None:
    """All that arrives in this step: into own blocks at once, the rest is listed."""
    total, step, target = rows.matrix[4], run.clock[STEP], wires.target
    for i in range(run.clock[ARRIVED]):
        event, group = run.arrived[0, i], run.arrived[1, i]
        y, slot = run.value[event], run.row[event]
        low, last = wires.first[group], wires.first[group + 1]
        while low < last:
            k, high = target[low], low + 1
            while high < last and target[high] == k:
                high += 1
            d = units.d[units.population[k]]
            if d == 1:
                total[0] = hear_one(units, wires, mask, values, run, rows, group, low, high, y)
            else:
                hear(units, wires, mask, values, run, rows, group, low, high, y, total)
            if not program.keeps[k] and y != 0.0:
                for e in range(low, high):
                    if wires.slot[e] >= 0:
                        listed_direct(program, k, e, step, wires.variable[e], wires.gain[e] * y)
            if slot >= 0:
                listed(program, k, slot, step, d, total)
            low = high
