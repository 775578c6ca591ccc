"""How events of a simulation reach their targets, without a gradient: along rows of synapses.

An event whose first synapses have no delay goes straight to them. The others wait in the calendar
(queue.py). Either way the order of summation is that of forward.py: what waited, in the order in
which it was put there; then the spikes of this step, in the order of the units.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.cells import Course, Fan, Tape
from neuro_rtrl.kernels.exponential import fma, from_bits
from neuro_rtrl.kernels.jit import quick
from neuro_rtrl.kernels.layout import DONE, FREE, HEARD, STEP
from neuro_rtrl.kernels.plastic import Weave, before_arrivals, fetch_variables
from neuro_rtrl.kernels.queue import new_event, schedule, take_slot
from neuro_rtrl.kernels.wide import fetch

LINE = 64  # bytes of a line of the cache


@quick
def inject(fan: Fan, weave: Weave | None, course: Course, tape: Tape) -> None:
    """Events used up can be used again; then the external ones of this step."""
    t = course.clock[STEP] - tape.begin[0]
    for i in range(course.clock[DONE]):
        course.free[course.clock[FREE]] = course.done[i]
        course.clock[FREE] += 1
    course.clock[DONE] = 0
    for i in range(tape.pointer[t], tape.pointer[t + 1]):
        source = course.y.shape[0] + tape.input[i]
        event = new_event(course, source, tape.value[i], -1, fan.group[source])
        last = fan.group[source + 1]
        while course.next_group[event] < last and fan.delay[course.next_group[event]] < 0:
            _add(fan, weave, course, course.next_group[event], tape.value[i])
            course.next_group[event] += 1
        schedule(fan, course, event)


@quick
def send_later(fan: Fan, course: Course) -> None:
    """Spikes whose first synapses have a delay go to the calendar."""
    if fan.ring[0] == 1:
        return
    for i in range(course.clock[HEARD]):
        k = course.heard[i]
        group = fan.group[k]
        if group < fan.group[k + 1] and fan.delay[group] > 0:
            schedule(fan, course, new_event(course, k, course.y[k], -1, group))


@quick
def deliver(fan: Fan, weave: Weave | None, course: Course) -> None:
    """All that was in the calendar for this step."""
    event = take_slot(fan, course)
    ahead = event
    while ahead >= 0:
        _fetch_row(fan, weave, course.next_group[ahead])
        ahead = course.link[ahead]
    while event >= 0:
        following = course.link[event]
        step = course.clock[STEP] - course.emitted[event]
        last = fan.group[course.source[event] + 1]
        while course.next_group[event] < last and fan.delay[course.next_group[event]] == step:
            _add(fan, weave, course, course.next_group[event], course.value[event])
            course.next_group[event] += 1
        schedule(fan, course, event)
        event = following


@quick
def send_now(
    fan: Fan, waiting: Fan | None, weave: Weave | None, course: Course, first: int, end: int
) -> None:
    """Spikes whose first synapses have no delay; what is left of them goes to the calendar.

    Those from `first` to `end` in the list of what is heard in this step.
    """
    for i in range(first, end):
        k = course.heard[i]
        if fan.straight[k, 1]:
            jump = from_bits(fan.straight[k, 2])
            _add_even(fan, course, fan.straight[k, 0], fan.straight[k, 1], jump, course.y[k])
            continue
        group, last = fan.group[k], fan.group[k + 1]
        if group == last or fan.delay[group] > 0:
            continue
        while group < last and fan.delay[group] == 0:
            _add(fan, weave, course, group, course.y[k])
            group += 1
        if waiting is not None and group < last:
            schedule(waiting, course, new_event(course, k, course.y[k], -1, group))


@quick
def fetch_rows(fan: Fan, weave: Weave | None, course: Course) -> None:
    """Asks for the synapses that spikes reach at once."""
    for i in range(course.clock[HEARD]):
        fetch_first(fan, weave, course.heard[i])


@quick
def fetch_first(fan: Fan, weave: Weave | None, k: int) -> None:
    """The synapses that source k reaches at once."""
    if fan.straight[k, 1]:
        for e in range(fan.straight[k, 0], fan.straight[k, 1], LINE // 4):
            fetch(fan.where, e)
    elif fan.group[k] < fan.group[k + 1] and fan.delay[fan.group[k]] == 0:
        _fetch_row(fan, weave, fan.group[k])


@quick
def _fetch_row(fan: Fan, weave: Weave | None, group: int) -> None:
    """Rows of synapses lie anywhere in memory: all that are due are asked for at once."""
    low, high = fan.first[group], fan.first[group + 1]
    for e in range(low, high, LINE // 4):
        fetch(fan.where, e)
    # Where all jumps are the same only the first is read.
    for e in range(low, low + 1 if fan.even[group] else high, LINE // 8):
        fetch(fan.jump, e)
    if weave is not None and weave.of[group] >= 0:
        fetch_variables(weave, group, high - low)


@quick
def _add(fan: Fan, weave: Weave | None, course: Course, group: int, y: float) -> None:
    """The arrivals of one group: h += gain w y, or a += gain w y."""
    if fan.even[group]:
        first, end = fan.first[group], fan.first[group + 1]
        if first < end:
            _add_even(fan, course, first, end, fan.jump[first], y)
        return
    if weave is not None and weave.of[group] >= 0:
        before_arrivals(fan, weave, course, group)
    if y == 0.0:
        return
    h, where, jump = course.h, fan.where, fan.jump
    # Numbers without a sign need no test for places counted from the end.
    low, high = np.uint64(fan.first[group]), np.uint64(fan.first[group + 1])
    if fan.collects[group]:
        for e in range(low, high):
            course.a[where[e]] += jump[e] * y
    elif fan.careful[group]:
        for e in range(low, high):
            if not course.deaf[where[e]]:
                h[where[e]] += jump[e] * y
    else:
        for e in range(low, high):
            h[where[e]] += jump[e] * y


@quick
def _add_even(fan: Fan, course: Course, first: int, end: int, jump: float, y: float) -> None:
    """Arrivals that are all the same, at states that are not deaf."""
    if y == 0.0:
        return
    h, where = course.h, fan.where
    for e in range(np.uint64(first), np.uint64(end)):
        h[where[e]] = fma(jump, y, h[where[e]])
