"""Simulation without learning, as fast as it goes: the phases of forward.py in fewer loops.

A unit costs one pass of vector code a step: its states are read and written once. The rest follows
events: spikes are found 64 units at a time, refractory units wait for their turn (refractory.py),
and a spike runs along its row of synapses (spread.py). Sums are in the order of `simulate` in
simulate.py, so that results are the same bit for bit.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.begin import draw_noise
from neuro_rtrl.kernels.cells import Cells, Course, Fan, Tape
from neuro_rtrl.kernels.invoke import at, invoke
from neuro_rtrl.kernels.jit import quick, quick_inline, quick_kernel
from neuro_rtrl.kernels.layout import (
    ADVANCE,
    FINISHED,
    FLOW,
    HEARD,
    LIVE,
    NOT_FINITE,
    RECORD_FULL,
    RECORDED,
    SETTLE,
    SPIKE,
    STEP,
)
from neuro_rtrl.kernels.meeting import (
    Meeting,
    alone,
    foremost,
    hear_others,
    leave,
    open_page,
    tell_others,
)
from neuro_rtrl.kernels.plastic import Weave, after_arrivals
from neuro_rtrl.kernels.refractory import ask_conditions, hold_spiking, release
from neuro_rtrl.kernels.refs import ref
from neuro_rtrl.kernels.simulate import CHECK_EVERY
from neuro_rtrl.kernels.spread import deliver, fetch_rows, inject, send_later, send_now
from neuro_rtrl.kernels.stream import all_finite
from neuro_rtrl.kernels.wide import list_flags


@quick_kernel
def run(cells: Cells, fan: Fan, course: Course, tape: Tape) -> int:
    """Run the tape on from where the course stands, where nothing is asked that `run_all` has."""
    links = ref(fan)
    return _steps(ref(cells), links, links, None, ref(course), ref(tape), None)


@quick_kernel
def run_at_once(cells: Cells, fan: Fan, course: Course, tape: Tape) -> int:
    """The same without inputs and without delays: nothing ever waits in the calendar.

    A third of the code is not compiled then.
    """
    return _steps(ref(cells), ref(fan), None, None, ref(course), ref(tape), None)


@quick_kernel
def run_together(cells: Cells, fan: Fan, course: Course, tape: Tape, meeting: Meeting) -> int:
    """`run` for one of several threads."""
    links = ref(fan)
    return _steps(ref(cells), links, links, None, ref(course), ref(tape), ref(meeting))


@quick_kernel
def run_together_at_once(
    cells: Cells, fan: Fan, course: Course, tape: Tape, meeting: Meeting
) -> int:
    """`run_at_once` for one of several threads."""
    return _steps(ref(cells), ref(fan), None, None, ref(course), ref(tape), ref(meeting))


@quick_kernel
def run_all(
    cells: Cells, fan: Fan, course: Course, tape: Tape, meeting: Meeting, weave: Weave
) -> int:
    """The same with noise, conditions of refractoriness, and plastic synapses.

    It takes twice as long to compile. The parts of it that another kernel lacks are not even looked
    at there, as `weave`, `waiting` or `meeting` is None when that is compiled.
    """
    links = ref(fan)
    return _steps(ref(cells), links, links, ref(weave), ref(course), ref(tape), ref(meeting))


@quick_inline
def _steps(
    cells: Cells,
    fan: Fan,
    waiting: Fan | None,
    weave: Weave | None,
    course: Course,
    tape: Tape,
    meeting: Meeting | None,
) -> int:
    """All steps; `waiting` is `fan` again where events may have to wait."""
    while course.clock[STEP] < tape.begin[1]:
        if tape.event_step.shape[0] - course.clock[RECORDED] < course.y.shape[0]:
            return RECORD_FULL
        if meeting is not None and not alone(meeting):
            open_page(meeting, course)
        _until_spikes(cells, waiting, weave, course, tape)
        if meeting is not None and not alone(meeting):
            tell_others(meeting, course)
        hold_spiking(cells, course)
        fetch_rows(fan, weave, course)
        sent, delivered = np.int64(0), False
        if meeting is not None and not alone(meeting):
            # Something to do while messages are under way, if it changes no order of sums.
            if waiting is None:
                sent = foremost(meeting, cells, course)
                send_now(fan, None, weave, course, 0, sent)
            elif waiting.once[0]:
                deliver(waiting, weave, course)
                delivered = True
            if not hear_others(meeting, fan, weave, course):
                return NOT_FINITE
        _from_spikes(cells, fan, waiting, weave, course, tape, sent, delivered)
        if course.clock[STEP] % CHECK_EVERY == 0 and not all_finite(course):
            if meeting is not None:
                leave(meeting)
            return NOT_FINITE
    return FINISHED if all_finite(course) else NOT_FINITE


@quick_inline
def _until_spikes(
    cells: Cells, waiting: Fan | None, weave: Weave | None, course: Course, tape: Tape
) -> None:
    """The first half of a step: state update, threshold."""
    _trace(weave, course, tape)
    if waiting is not None:
        inject(waiting, weave, course, tape)
    release(cells, course)
    if weave is not None:
        draw_noise(cells, course)
        ask_conditions(cells, course)
    _advance(cells, course)
    _number(cells, course)


@quick_inline
def _from_spikes(
    cells: Cells,
    fan: Fan,
    waiting: Fan | None,
    weave: Weave | None,
    course: Course,
    tape: Tape,
    sent: int,
    delivered: bool,
) -> None:
    """The second half: arrivals, resets; the first `sent` spikes have arrived already, or
    (`delivered`) what was in the calendar has."""
    _record(course, tape)
    if waiting is not None:
        send_later(waiting, course)
        if not delivered:
            deliver(waiting, weave, course)
    send_now(fan, waiting, weave, course, sent, course.clock[HEARD])
    if weave is not None:
        after_arrivals(weave, course, tape)
    _settle(cells, course)
    for o in range(tape.outputs.shape[0]):
        tape.predictions[course.clock[STEP] - tape.begin[0], o] = course.h[tape.outputs[o]]
    course.clock[STEP] += 1


@quick
def _trace(weave: Weave | None, course: Course, tape: Tape) -> None:
    """Recorded states, as they are before the update (Brian2's convention)."""
    step, every = course.clock[STEP], tape.every[0]
    if tape.traced.shape[0] and step % every == 0:
        row = step // every - (tape.begin[0] + every - 1) // every
        for i in range(tape.traced.shape[0]):
            place = tape.traced[i]
            if place >= 0:
                tape.trace[row, i] = course.h[place]
            elif weave is not None:
                tape.trace[row, i] = weave.z[-1 - place]


@quick
def _advance(cells: Cells, course: Course) -> None:
    """h <- Phi(h, a), a <- 0, s = H(g); `live` lists the units that spike."""
    count = np.int64(0)
    for p in range(cells.first.shape[0]):
        first = cells.first[p]
        whole = cells.spiking[p] and not cells.graded[p]
        size, h, a = cells.size[p], at(course.h, cells.at_h[p]), at(course.a, cells.at_a[p])
        c, theta = at(cells.c, cells.at_c[p]), at(cells.values, cells.at_theta[p])
        held, s = at(course.held, first), at(course.s, first)
        if whole:
            invoke(cells.call[p, ADVANCE], (size, h, a, c, theta, held, s))
        else:
            invoke(cells.call[p, FLOW], (size, h, a, c, theta, held))
        if cells.graded[p]:
            y = at(course.y, first + cells.shift[p])
            invoke(cells.call[p, SPIKE], (size, h, a, c, theta, held, s, y))
        if cells.spiking[p]:
            count = list_flags(course.s, first, first + size, course.live, count)
    course.clock[LIVE] = count


@quick
def _number(cells: Cells, course: Course) -> None:
    """The numbers, in the whole network, of units that spike."""
    for i in range(course.clock[LIVE]):
        k = course.live[i]
        course.heard[i] = k + cells.shift[cells.population[k]]
    course.clock[HEARD] = course.clock[LIVE]


@quick
def _record(course: Course, tape: Tape) -> None:
    """Spikes of this step."""
    for i in range(course.clock[HEARD]):
        tape.event_step[course.clock[RECORDED]] = course.clock[STEP]
        tape.event_unit[course.clock[RECORDED]] = course.heard[i]
        course.clock[RECORDED] += 1


@quick
def _settle(cells: Cells, course: Course) -> None:
    """The reset of every unit that spiked."""
    for i in range(course.clock[LIVE]):
        k = course.live[i]
        p = cells.population[k]
        if cells.resets[p]:
            invoke(
                cells.call[p, SETTLE],
                (
                    k - cells.first[p],
                    cells.size[p],
                    at(course.h, cells.at_h[p]),
                    at(cells.c, cells.at_c[p]),
                    at(cells.values, cells.at_theta[p]),
                ),
            )
