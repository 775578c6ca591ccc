"""Simulation without learning, as fast as it goes: the phases of forward.py in fewer loops.

A unit costs one pass of vector code a step: its states are read and written once. The rest follows
events: spikes are found 64 units at a time, refractory units wait in a list, and a spike runs
along its row of synapses. Sums are in the order of `simulate` in simulate.py, so that results are
the same bit for bit.
"""

from __future__ import annotations

from neuro_rtrl.kernels.begin import draw_noise
from neuro_rtrl.kernels.cells import CHUNK, Cells, Course, Fan, Tape
from neuro_rtrl.kernels.invoke import at, invoke
from neuro_rtrl.kernels.jit import inline, jit, kernel
from neuro_rtrl.kernels.layout import (
    ADVANCE,
    CONDITION,
    DONE,
    FINISHED,
    FLOW,
    FREE,
    GATE,
    LIVE,
    NOT_FINITE,
    PERIOD,
    RECORD_FULL,
    RECORDED,
    SETTLE,
    SPIKE,
    STEP,
    WAITING,
)
from neuro_rtrl.kernels.plastic import Weave, after_arrivals, before_arrivals
from neuro_rtrl.kernels.queue import new_event, schedule, take_slot
from neuro_rtrl.kernels.refs import ref
from neuro_rtrl.kernels.simulate import CHECK_EVERY
from neuro_rtrl.kernels.stream import all_finite
from neuro_rtrl.kernels.wide import any_of, fetch


@kernel
def run(cells: Cells, fan: Fan, weave: Weave, course: Course, tape: Tape) -> int:
    """Run the tape on from where the course stands."""
    return _steps(ref(cells), ref(fan), ref(weave), ref(course), ref(tape))


@inline
def _steps(cells: Cells, fan: Fan, weave: Weave, course: Course, tape: Tape) -> int:
    while course.clock[STEP] < tape.begin[1]:
        if tape.event_step.shape[0] - course.clock[RECORDED] < course.held.shape[0]:
            return RECORD_FULL
        _one_step(cells, fan, weave, course, tape)
        if course.clock[STEP] % CHECK_EVERY == 0 and not all_finite(course):
            return NOT_FINITE
    return FINISHED if all_finite(course) else NOT_FINITE


@inline
def _one_step(cells: Cells, fan: Fan, weave: Weave, course: Course, tape: Tape) -> None:
    t = course.clock[STEP] - tape.begin[0]
    _trace(weave, course, tape)
    _inject(fan, weave, course, tape, t)
    draw_noise(cells, course)
    _release(cells, course)
    _advance(cells, course)
    _mark(cells, course, tape)
    _emit(fan, course)
    _deliver(fan, weave, course)
    if weave.size.shape[0]:
        after_arrivals(weave, course, tape)
    _settle(cells, course)
    for o in range(tape.outputs.shape[0]):
        tape.predictions[t, o] = course.h[tape.outputs[o]]
    course.clock[STEP] += 1


@inline
def _trace(weave: Weave, course: Course, tape: Tape) -> None:
    """Recorded states, as they are before the update (Brian2's convention)."""
    step, every = course.clock[STEP], tape.every[0]
    if tape.traced.shape[0] and step % every == 0:
        row = step // every - (tape.begin[0] + every - 1) // every
        for i in range(tape.traced.shape[0]):
            place = tape.traced[i]
            tape.trace[row, i] = course.h[place] if place >= 0 else weave.z[-1 - place]


@inline
def _inject(fan: Fan, weave: Weave, course: Course, tape: Tape, t: int) -> None:
    """Events used up can be used again; then the external ones of this step."""
    for i in range(course.clock[DONE]):
        course.free[course.clock[FREE]] = course.done[i]
        course.clock[FREE] += 1
    course.clock[DONE] = 0
    for i in range(tape.pointer[t], tape.pointer[t + 1]):
        source = course.held.shape[0] + tape.input[i]
        event = new_event(course, source, tape.value[i], -1, fan.group[source])
        last = fan.group[source + 1]
        while course.next_group[event] < last and fan.delay[course.next_group[event]] < 0:
            _add(fan, weave, course, course.next_group[event], tape.value[i])
            course.next_group[event] += 1
        schedule(fan, course, event)


@jit
def _hold(cells: Cells, course: Course, k: int, on: int) -> None:
    """Unit k is refractory, or is so no more."""
    p = cells.population[k]
    course.held[k] = on
    for v in range(cells.d[p]):
        if cells.blind[p, v]:
            course.deaf[cells.at_h[p] + v * cells.size[p] + k - cells.first[p]] = on


@jit
def _release(cells: Cells, course: Course) -> None:
    """Units whose refractoriness ends before this step."""
    kept = 0
    for i in range(course.clock[WAITING]):
        k = course.waiting[i]
        if course.clock[STEP] - course.last[k] < cells.hold[k]:
            course.waiting[kept] = k
            kept += 1
        else:
            _hold(cells, course, k, 0)
    course.clock[WAITING] = kept
    for p in range(cells.first.shape[0]):
        if cells.refractory[p] != CONDITION:
            continue
        invoke(
            cells.call[p, GATE],
            (
                cells.size[p],
                at(course.h, cells.at_h[p]),
                at(cells.c, cells.at_c[p]),
                at(cells.values, cells.at_theta[p]),
                at(course.held, cells.first[p]),
            ),
        )
        for k in range(cells.first[p], cells.first[p] + cells.size[p]):
            _hold(cells, course, k, course.held[k])


@jit
def _advance(cells: Cells, course: Course) -> None:
    """h <- Phi(h, a), a <- 0, s = H(g); `live` lists the units that spike."""
    count = 0
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
            y = at(course.y, first)
            invoke(cells.call[p, SPIKE], (size, h, a, c, theta, held, s, y))
        if cells.spiking[p]:
            count = _collect(course, first, first + size, count)
    course.clock[LIVE] = count


@jit
def _collect(course: Course, first: int, end: int, count: int) -> int:
    """Adds units from `first` to `end` that spike to `live`."""
    for i in range(first, end, CHUNK):
        if any_of(course.s, i):
            for k in range(i, min(i + CHUNK, end)):
                if course.s[k]:
                    course.live[count] = k
                    count += 1
    return count


@jit
def _mark(cells: Cells, course: Course, tape: Tape) -> None:
    """Spikes are recorded; from its spike on a unit is refractory, and deaf in this very step."""
    for i in range(course.clock[LIVE]):
        k = course.live[i]
        p = cells.population[k]
        if not cells.graded[p]:
            course.y[k] = 1.0
        if cells.refractory[p]:
            _hold(cells, course, k, 1)
        if cells.refractory[p] == PERIOD:
            course.waiting[course.clock[WAITING]] = k
            course.clock[WAITING] += 1
        course.last[k] = course.clock[STEP]
        tape.event_step[course.clock[RECORDED]] = course.clock[STEP]
        tape.event_unit[course.clock[RECORDED]] = k
        course.clock[RECORDED] += 1


@inline
def _emit(fan: Fan, course: Course) -> None:
    """An event for each unit that spikes."""
    for i in range(course.clock[LIVE]):
        k = course.live[i]
        event = new_event(course, k, course.y[k], -1, fan.group[k])
        schedule(fan, course, event)


@jit
def _fetch_rows(fan: Fan, course: Course, event: int) -> None:
    """Rows of synapses lie anywhere in memory: all that are due are asked for at once."""
    while event >= 0:
        group = course.next_group[event]
        for e in range(fan.first[group], fan.first[group + 1], 8):
            fetch(fan.jump, e)
            if e % 16 < 8:
                fetch(fan.where, e)
        event = course.link[event]


@inline
def _deliver(fan: Fan, weave: Weave, course: Course) -> None:
    """All groups due in this step."""
    event = take_slot(fan, course)
    _fetch_rows(fan, course, event)
    while event >= 0:
        following = course.link[event]
        step = course.clock[STEP] - course.emitted[event]
        last = fan.group[course.source[event] + 1]
        while course.next_group[event] < last and fan.delay[course.next_group[event]] == step:
            _add(fan, weave, course, course.next_group[event], course.value[event])
            course.next_group[event] += 1
        schedule(fan, course, event)
        event = following


@jit
def _add(fan: Fan, weave: Weave, course: Course, group: int, y: float) -> None:
    """The arrivals of one group: h += gain w y, or a += gain w y."""
    if weave.of[group] >= 0:
        before_arrivals(fan, weave, course, group)
    low, high, where, jump = fan.first[group], fan.first[group + 1], fan.where, fan.jump
    if y == 0.0:
        return
    if fan.collects[group]:
        for e in range(low, high):
            course.a[where[e]] += jump[e] * y
    elif fan.careful[group]:
        for e in range(low, high):
            if not course.deaf[where[e]]:
                course.h[where[e]] += jump[e] * y
    else:
        for e in range(low, high):
            course.h[where[e]] += jump[e] * y


@inline
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
