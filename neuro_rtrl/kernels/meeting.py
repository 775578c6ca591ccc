"""Threads that simulate one network together: each has some of the units, and all hear all spikes.

In every step each thread tells the others which of its units spike, and waits until they have told
theirs. There are two pages to write on, for even and odd steps: nobody writes on a page again
before all others have told of the step after it, and so have read it. All hear the spikes in the
order of the units, so that sums are those of one thread, bit for bit.
"""

from __future__ import annotations

import os
import platform
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from neuro_rtrl.kernels import plain
from neuro_rtrl.kernels.cells import Cells, Course, Fan
from neuro_rtrl.kernels.jit import quick, quick_inline
from neuro_rtrl.kernels.layout import HEARD, LIVE, STEP
from neuro_rtrl.kernels.plain import compiled_or
from neuro_rtrl.kernels.plastic import Weave
from neuro_rtrl.kernels.spread import fetch_first

APART = 8  # numbers of 8 bytes in a line of the cache, so that no two threads share one
PATIENCE = 100  # looks before a thread lets others have its core
ENDED = 2**62  # told by a thread that has stopped for good
TOLD, COUNT, UNITS = range(3)  # places on a page
_YIELD = "SwitchToThread" if os.name == "nt" else "sched_yield"
_INTEL = platform.machine().lower() in ("x86_64", "amd64")


class Meeting(NamedTuple):
    """Where the threads (T of them) meet. N: units of the whole network."""

    me: np.ndarray  # (1,) number of this thread
    # (2 T, UNITS + N or more) pages, those for even steps first: the number of the step plus 1 once
    # all is written, the number of spikes, and the units that spike, in order
    page: np.ndarray
    value: np.ndarray  # (2 T, N) values of their events; no columns where all are 1
    taken: np.ndarray  # (T,) scratch of this thread


@compiled_or(plain.tell)
def _tell(typingctx: Any, array: Any, place: Any, value: Any) -> Any:
    """array[place] = value; who reads it also finds all that was written before."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, values[0]).data
        where = cgutils.gep_inbounds(builder, data, values[1])
        builder.store_atomic(values[2], where, "release", 8)
        return context.get_dummy_value()

    return types.void(array, types.int64, types.int64), codegen


@compiled_or(plain.look)
def _look(typingctx: Any, array: Any, place: Any) -> Any:
    """array[place] as others have left it, with all that they wrote before."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, values[0]).data
        where = cgutils.gep_inbounds(builder, data, values[1])
        return builder.load_atomic(where, "acquire", 8)

    return types.int64(array, types.int64), codegen


@compiled_or(plain.nothing)
def _let_others(typingctx: Any) -> Any:
    """Another thread that waits for a core may have this one."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind = ir.FunctionType(ir.IntType(32), [])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, _YIELD), [])
        return context.get_dummy_value()

    return types.void(), codegen


@compiled_or(plain.nothing)
def _pause(typingctx: Any) -> Any:
    """Between two looks: a core that runs two threads lets the other go first."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        if _INTEL:
            kind = ir.FunctionType(ir.VoidType(), [])
            name = "llvm.x86.sse2.pause"
            builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [])
        return context.get_dummy_value()

    return types.void(), codegen


@quick_inline
def alone(meeting: Meeting) -> bool:
    """Whether there is one thread only."""
    return meeting.taken.shape[0] == 1


@quick_inline
def leave(meeting: Meeting) -> None:
    """Tell the others not to wait any more."""
    threads, width = meeting.taken.shape[0], meeting.page.shape[1]
    _tell(meeting.page, meeting.me[0] * width, ENDED)
    _tell(meeting.page, (threads + meeting.me[0]) * width, ENDED)


@quick_inline
def open_page(meeting: Meeting, course: Course) -> None:
    """Takes this step's page into this thread's cache early: nobody reads it until it is told."""
    mine = _first_page(meeting, course) + meeting.me[0]
    meeting.page[mine, COUNT] = 0
    if meeting.page.shape[1] > APART:
        meeting.page[mine, APART] = 0


@quick_inline
def _first_page(meeting: Meeting, course: Course) -> int:
    """Where the pages of this step begin."""
    return course.clock[STEP] % 2 * meeting.taken.shape[0]


@quick
def tell_others(meeting: Meeting, course: Course) -> None:
    """The spikes of this thread in this step."""
    mine = _first_page(meeting, course) + meeting.me[0]
    meeting.page[mine, COUNT] = course.clock[HEARD]
    for i in range(course.clock[HEARD]):
        meeting.page[mine, UNITS + i] = course.heard[i]
        if meeting.value.shape[1]:
            meeting.value[mine, i] = course.y[course.heard[i]]
    _tell(meeting.page, mine * meeting.page.shape[1] + TOLD, course.clock[STEP] + 1)


@quick
def foremost(meeting: Meeting, cells: Cells, course: Course) -> int:
    """How many of this thread's spikes, the first ones, come before those of all other threads.

    They need not wait for the others, so that a thread does something while messages are under way;
    threads that have none begin their steps later by as much, and wait no longer than one message.
    """
    count = 0
    if meeting.me[0] == 0:
        while count < course.clock[LIVE] and course.live[count] < cells.size[0]:
            count += 1
    return count


@quick
def hear_others(meeting: Meeting, fan: Fan, weave: Weave | None, course: Course) -> bool:
    """`heard` <- the spikes of all threads in this step; False if one of them has stopped.

    Synapses that the spikes of others reach at once are asked for; those of its own have been.
    """
    threads, width = meeting.taken.shape[0], meeting.page.shape[1]
    first = _first_page(meeting, course)
    for other in range(threads):
        looks, told = 0, _look(meeting.page, (first + other) * width + TOLD)
        while told <= course.clock[STEP]:
            looks += 1
            if looks % PATIENCE == 0:
                _let_others()
            _pause()
            told = _look(meeting.page, (first + other) * width + TOLD)
        if told == ENDED:
            return False
    _merge(meeting, fan, weave, course, first)
    return True


@quick_inline
def _merge(meeting: Meeting, fan: Fan, weave: Weave | None, course: Course, page: int) -> None:
    """The lists of all threads, each in order, in one list in order.

    A thread's units are neighbours, in each population: what comes next mostly comes from the same
    list as what came before.
    """
    threads, count = meeting.taken.shape[0], 0
    meeting.taken[:] = 0
    while True:
        first, least, bound = -1, np.int64(ENDED), np.int64(ENDED)
        for t in range(threads):
            if meeting.taken[t] < meeting.page[page + t, COUNT]:
                k = meeting.page[page + t, UNITS + meeting.taken[t]]
                if k < least:
                    first, least, bound = t, k, least
                elif k < bound:
                    bound = k
        if first < 0:
            break
        count = _take(meeting, fan, weave, course, page + first, first, bound, count)
    course.clock[HEARD] = count


@quick_inline
def _take(
    meeting: Meeting,
    fan: Fan,
    weave: Weave | None,
    course: Course,
    page: int,
    thread: int,
    bound: int,
    count: int,
) -> int:
    """Units of one list, up to `bound`, go to `heard` from `count` on; the end of them."""
    taken = meeting.taken[thread]
    while taken < meeting.page[page, COUNT]:
        k = meeting.page[page, UNITS + taken]
        if k >= bound:
            break
        course.heard[count] = k
        if thread != meeting.me[0]:
            fetch_first(fan, weave, k)
        if meeting.value.shape[1]:
            course.y[k] = meeting.value[page, taken]
        taken += 1
        count += 1
    meeting.taken[thread] = taken
    return count
