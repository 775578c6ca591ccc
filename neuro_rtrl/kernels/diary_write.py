"""The forward pass of a window of steps under a local rule, written down (diary.py).

Phases and their order are those of local.py; influence of synapses is not worked on.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels import forward, influence
from neuro_rtrl.kernels.arrive import come_alive
from neuro_rtrl.kernels.begin import open_step
from neuro_rtrl.kernels.columns import is_sensitive, theta_parameter
from neuro_rtrl.kernels.diary import (
    AFTER,
    ARRIVALS,
    COLUMNS_NOW,
    EVENTS,
    FIRST_STEP,
    FLOW,
    SLOPE,
    TURN,
    Diary,
)
from neuro_rtrl.kernels.filters import Filters, take_feedback, theta_part
from neuro_rtrl.kernels.jit import inline, kernel
from neuro_rtrl.kernels.layout import (
    ARRIVED,
    COLUMNS,
    FINISHED,
    LIVE,
    NOT_FINITE,
    RECORD_FULL,
    SEQUENCE,
    STEP,
    WINDOW_FULL,
    Mask,
    Rows,
    Run,
    Units,
    Wires,
)
from neuro_rtrl.kernels.local import send
from neuro_rtrl.kernels.refs import ref
from neuro_rtrl.kernels.simulate import CHECK_EVERY
from neuro_rtrl.kernels.stream import (
    Stream,
    all_finite,
    predict,
    record_spikes,
    records_fit,
    step_loss,
)
from neuro_rtrl.kernels.traces import Traces


@kernel
def write(
    units: Units,
    wires: Wires,
    mask: Mask,
    run: Run,
    rows: Rows,
    filters: Filters,
    traces: Traces,
    diary: Diary,
    stream: Stream,
    values: np.ndarray,
    replaced: np.ndarray,
    gradient: np.ndarray,
) -> int:
    """Steps of the present sequence until it ends or the diary is full."""
    links, kept = ref(wires), ref(filters)
    take_feedback(links, kept, values, replaced)
    return _steps(
        ref(units), links, ref(mask), values, ref(run), ref(rows), kept, ref(traces), ref(diary),
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
    filters: Filters,
    traces: Traces,
    diary: Diary,
    stream: Stream,
    gradient: np.ndarray,
) -> int:
    diary.clock[:] = 0
    diary.clock[FIRST_STEP] = run.clock[STEP]
    diary.clock[COLUMNS_NOW] = traces.columns[0]
    for k in range(rows.fresh_count.shape[0]):
        diary.clock[COLUMNS_NOW] += rows.fresh_count[k]
    diary.touched[:] = 0
    while run.clock[STEP] - stream.offset[0] < stream.span[1]:
        if _is_full(run, diary):
            return WINDOW_FULL
        if not records_fit(stream, run):
            return RECORD_FULL
        # A pause waits for the window's end, so that it changes no sum.
        stream.pause[0] -= 1
        open_step(units, wires, values, run, stream)
        _note_held(units, run, diary)
        forward.jacobians(units, values, run)
        forward.update(units, values, run)
        influence.advance_theta(units, run, rows)
        forward.release_done(run)
        forward.test_events(units, values, run)
        forward.mark_spikes(units, run)
        record_spikes(stream, run, run.clock[LIVE])
        send(wires, run)
        forward.deliver(units, wires, values, run)
        _note_arrivals(wires, mask, run, rows, traces, diary)
        _note_events(units, wires, mask, values, run, rows, filters, diary)
        predict(units, stream, run)
        _note_losses(units, run, rows, diary, stream, gradient)
        influence.close_step(units, run, rows)
        rows.counts[COLUMNS] += diary.clock[COLUMNS_NOW]
        forward.remember_spikes(run)
        run.clock[STEP] += 1
        if run.clock[STEP] % CHECK_EVERY == 0 and not all_finite(run):
            return NOT_FINITE
    return FINISHED if all_finite(run) else NOT_FINITE


@inline
def _is_full(run: Run, diary: Diary) -> bool:
    """Whether the window ends before this step; what one step can add has room behind these."""
    clock, room = diary.clock, diary.room
    many = clock[ARRIVALS] >= room[0] or clock[EVENTS] >= room[1]
    return bool(many or run.clock[STEP] - clock[FIRST_STEP] >= room[2])


@inline
def _note_held(units: Units, run: Run, diary: Diary) -> None:
    """Steps in which units are refractory."""
    now, count = run.clock[STEP] - diary.clock[FIRST_STEP], diary.clock[EVENTS]
    for p in range(units.first.shape[0]):
        if not units.refractory[p]:
            continue
        for k in range(units.first[p], units.first[p] + units.size[p]):
            if not run.held[k] or diary.place[k] < 0:
                continue
            diary.unit[count] = k
            diary.when[count] = now
            diary.held[count] = 1
            diary.factor[count, SLOPE] = 0.0
            diary.factor[count, TURN] = 1.0
            diary.factor[count, AFTER] = 0.0 if units.blind[p, 0] else 1.0
            diary.factor[count, FLOW] = units.held_d[units.at_dd[p] + k - units.first[p]]
            for j in range(units.m[p]):
                diary.theta[count, j] = 0.0
            diary.touched[k] = 1
            count += 1
    diary.clock[EVENTS] = count


@inline
def _note_arrivals(
    wires: Wires, mask: Mask, run: Run, rows: Rows, traces: Traces, diary: Diary
) -> None:
    """What came in this step, group by group."""
    now, count = run.clock[STEP] - diary.clock[FIRST_STEP], diary.clock[ARRIVALS]
    for i in range(run.clock[ARRIVED]):
        y, group = run.value[run.arrived[0, i]], run.arrived[1, i]
        if y == 0.0:
            continue
        diary.came[count, 0] = group
        diary.came[count, 1] = now
        diary.value[count] = y
        count += 1
        if not traces.heard[group]:
            _hear_first(wires, mask, rows, traces, diary, group)
    diary.clock[ARRIVALS] = count
    run.clock[ARRIVED] = 0


@inline
def _hear_first(
    wires: Wires, mask: Mask, rows: Rows, traces: Traces, diary: Diary, group: int
) -> None:
    """Synapses that have an effect from now on."""
    traces.heard[group] = 1
    traces.columns[0] += traces.learned[group]
    diary.clock[COLUMNS_NOW] += traces.learned[group]
    for e in range(wires.first[group], wires.first[group + 1]):
        k, slot = wires.target[e], wires.slot[e]
        if slot >= 0 and traces.shared[k] < 0 and not rows.alive[slot]:
            come_alive(mask, rows, k, slot)
            diary.clock[COLUMNS_NOW] += 1


@inline
def _note_events(
    units: Units,
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    filters: Filters,
    diary: Diary,
) -> None:
    """What the events of live units do to their traces; then states are reset."""
    now, count = run.clock[STEP] - diary.clock[FIRST_STEP], diary.clock[EVENTS]
    for i in range(run.clock[LIVE]):
        k = run.live[i]
        slope, turn, after, p = 0.0, 1.0, 1.0, units.population[k]
        at = units.at_h[p] + k - units.first[p]
        if is_sensitive(units, run, k):
            slope = run.dy[at]
            theta_part(units, mask, run, rows, filters, k, run.dy[at : at + 1])
        deaf = run.held[k] and units.blind[p, 0]
        moves = influence.turns(units, run, k)
        if moves and units.m[p] > 0:
            influence.turn(units, values, run, rows, k)
            turn, after = rows.matrix[4, 0], rows.after[k, 0]
        elif moves:
            turn, after = _turn(units, values, run, k)
        if filters.loop[k] >= 0 and slope != 0.0 and not deaf:
            weight = values[filters.loop[k]] * wires.gain[filters.loop[k]] * after
            turn += weight * slope
            _return_theta(units, mask, rows, filters, k, weight)
        if slope != 0.0 or moves:
            diary.unit[count] = k
            diary.when[count] = now
            diary.held[count] = 0
            diary.factor[count, SLOPE] = slope
            diary.factor[count, TURN] = turn
            diary.factor[count, AFTER] = 0.0 if deaf else after
            for j in range(units.m[p]):
                part = filters.q[mask.own[k + 1] - mask.own[k] + j]
                diary.theta[count, j] = part if slope != 0.0 else 0.0
            diary.touched[k] = 1
            count += 1
        if run.s[k] and moves:
            forward.apply_reset(units, run, k)
    diary.clock[EVENTS] = count


@inline
def _return_theta(
    units: Units, mask: Mask, rows: Rows, filters: Filters, k: int, weight: float
) -> None:
    """Influence of unit k's own parameters comes back through its synapse with itself."""
    p, size = units.population[k], mask.own[k + 1] - mask.own[k]
    m = units.m[p]
    for j in range(m):
        rows.theta[units.at_dm[p] + (k - units.first[p]) * m + j] += weight * filters.q[size + j]


@inline
def _turn(units: Units, values: np.ndarray, run: Run, k: int) -> tuple[float, float]:
    """T = A + (R(h) - h) ds/dh, and A, of a unit with one state; the reset stays in `run.work`."""
    forward.reset_parts(units, values, run, k)
    p = units.population[k]
    place = units.at_h[p] + k - units.first[p]
    after = run.work[1] if run.s[k] else 1.0
    jump = run.work[0] - run.h[place] if units.jumps[p, 0] else 0.0
    return after + jump * run.ds[place], after


@inline
def _note_losses(
    units: Units, run: Run, rows: Rows, diary: Diary, stream: Stream, gradient: np.ndarray
) -> None:
    """dL/dy of this step; readouts' own parameters directly."""
    t = run.clock[STEP] - stream.offset[0]
    step_loss(stream, None, run.clock[SEQUENCE], t, stream.slope)
    now = run.clock[STEP] - diary.clock[FIRST_STEP]
    for o in range(stream.slope.shape[0]):
        slope, k = stream.slope[o], stream.outputs[o]
        diary.slope[now, o] = slope
        p = units.population[k]
        m, i = units.m[p], k - units.first[p]
        for j in range(m):
            part = slope * rows.theta[units.at_dm[p] + i * m + j]
            gradient[theta_parameter(units, k, j)] += part
