"""The forward pass of a window of steps under a local rule, written down (diary.py).

Phases and their order are those of local.py; influence of synapses is not worked on.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels import forward, influence
from neuro_rtrl.kernels.arrive import come_alive
from neuro_rtrl.kernels.begin import begin, open_step
from neuro_rtrl.kernels.delivery import deliver_along
from neuro_rtrl.kernels.diary import (
    ARRIVALS,
    COLUMNS_NOW,
    EVENTS,
    FIRST_STEP,
    GOES_ON,
    Diary,
)
from neuro_rtrl.kernels.diary_events import note_events, note_held
from neuro_rtrl.kernels.filters import Filters, take_feedback
from neuro_rtrl.kernels.gather import gather_theta
from neuro_rtrl.kernels.jit import inline, kernel
from neuro_rtrl.kernels.layout import (
    ARRIVED,
    COLUMNS,
    FINISHED,
    FIRED,
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
from neuro_rtrl.kernels.local_events import send
from neuro_rtrl.kernels.refs import ref
from neuro_rtrl.kernels.simulate import CHECK_EVERY
from neuro_rtrl.kernels.stream import (
    Stream,
    all_finite,
    place,
    predict,
    record_spikes,
    records_fit,
    step_loss,
    trace_states,
)
from neuro_rtrl.kernels.traces import Traces

AT_ONCE = 2  # slots of the calendar of a network without delays


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
    """Steps of the present sequence until it ends or the diary (or another record) is full."""
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
    if not diary.clock[GOES_ON]:
        _begin(run, rows, traces, diary)
    while run.clock[STEP] - stream.offset[0] < stream.span[1]:
        if _is_full(run, diary):
            return WINDOW_FULL
        if not records_fit(stream, run):
            return RECORD_FULL
        # A pause waits for the window's end, so that it changes no sum.
        stream.pause[0] -= 1
        _open(units, wires, values, run, stream)
        note_held(units, run, diary)
        forward.jacobians(units, values, run)
        forward.update(units, values, run)
        influence.advance_theta(units, run, rows)
        forward.release_done(run)
        forward.test_events(units, values, run)
        forward.mark_spikes(units, run)
        record_spikes(stream, run)
        _deliver(units, wires, mask, values, run, rows, traces, diary, stream)
        note_events(units, wires, mask, values, run, rows, filters, diary)
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
def _begin(run: Run, rows: Rows, traces: Traces, diary: Diary) -> None:
    """A window of no steps."""
    diary.clock[:] = 0
    diary.clock[FIRST_STEP] = run.clock[STEP]
    diary.clock[COLUMNS_NOW] = traces.columns[0]
    for k in range(rows.fresh_count.shape[0]):
        diary.clock[COLUMNS_NOW] += rows.fresh_count[k]
    diary.touched[:] = 0


@inline
def _is_full(run: Run, diary: Diary) -> bool:
    """Whether the window ends before this step; what one step can add has room behind these."""
    clock, room = diary.clock, diary.room
    many = clock[ARRIVALS] >= room[0] or clock[EVENTS] >= room[1]
    return bool(many or run.clock[STEP] - clock[FIRST_STEP] >= room[2])


@inline
def _open(units: Units, wires: Wires, values: np.ndarray, run: Run, stream: Stream) -> None:
    if wires.ring[0] > AT_ONCE:
        open_step(units, wires, values, run, stream)
    else:
        trace_states(stream, run)
        begin(units, values, run)


@inline
def _deliver(
    units: Units,
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    traces: Traces,
    diary: Diary,
    stream: Stream,
) -> None:
    """All arrivals of this step, and notes of them."""
    if wires.ring[0] > AT_ONCE:
        send(wires, run)
        forward.deliver(units, wires, values, run)
        _note_arrivals(wires, mask, run, rows, traces, diary)
    else:
        _deliver_at_once(wires, mask, values, run, rows, traces, diary, stream)


@inline
def _note_arrivals(
    wires: Wires, mask: Mask, run: Run, rows: Rows, traces: Traces, diary: Diary
) -> None:
    """What came in this step, group by group."""
    for i in range(run.clock[ARRIVED]):
        y, group = run.value[run.arrived[0, i]], run.arrived[1, i]
        if y != 0.0:
            _note_arrival(wires, mask, run, rows, traces, diary, group, y)
    run.clock[ARRIVED] = 0


@inline
def _deliver_at_once(
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    traces: Traces,
    diary: Diary,
    stream: Stream,
) -> None:
    """Where nothing has a delay nothing waits in the calendar; the order of sums is the same."""
    row, n = place(stream, run), run.s.shape[0]
    for i in range(stream.pointer[row], stream.pointer[row + 1]):
        k, y = n + stream.input[i], stream.value[i]
        _deliver_from(wires, mask, values, run, rows, traces, diary, k, y)
    for i in range(run.clock[FIRED]):
        k = run.fired[i]
        _deliver_from(wires, mask, values, run, rows, traces, diary, k, run.y[k])


@inline
def _deliver_from(
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    traces: Traces,
    diary: Diary,
    source: int,
    y: float,
) -> None:
    """All that an event brings."""
    if y != 0.0:
        for group in range(wires.group[source], wires.group[source + 1]):
            deliver_along(wires, values, run, group, y)
            _note_arrival(wires, mask, run, rows, traces, diary, group, y)


@inline
def _note_arrival(
    wires: Wires,
    mask: Mask,
    run: Run,
    rows: Rows,
    traces: Traces,
    diary: Diary,
    group: int,
    y: float,
) -> None:
    count = diary.clock[ARRIVALS]
    diary.came[count, 0] = group
    diary.came[count, 1] = run.clock[STEP] - diary.clock[FIRST_STEP]
    diary.value[count] = y
    diary.clock[ARRIVALS] = count + 1
    if not traces.heard[group]:
        _hear_first(wires, mask, rows, traces, diary, group)


@inline
def _hear_first(
    wires: Wires, mask: Mask, rows: Rows, traces: Traces, diary: Diary, group: int
) -> None:
    """Synapses that have an effect from now on."""
    traces.heard[group] = 1
    traces.columns[0] += traces.learned[group]
    diary.clock[COLUMNS_NOW] += traces.learned[group]
    if traces.shares[group]:
        return
    for e in range(wires.first[group], wires.first[group + 1]):
        k, slot = wires.target[e], wires.slot[e]
        if slot >= 0 and traces.shared[k] < 0 and not rows.alive[slot]:
            come_alive(mask, rows, k, slot)
            diary.clock[COLUMNS_NOW] += 1


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
        gather_theta(units, rows, k, 0, slope, gradient)
