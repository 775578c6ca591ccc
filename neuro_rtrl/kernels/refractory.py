"""Which units of a simulation are refractory: a wheel of slots, so that only changes cost time.

A unit is put into the slot of the step in which its period ends. The wheel may be shorter than the
longest period: then a unit is looked at once in a turn until its time has come.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.cells import Cells, Course
from neuro_rtrl.kernels.invoke import at, invoke
from neuro_rtrl.kernels.jit import quick
from neuro_rtrl.kernels.layout import CONDITION, GATE, LIVE, PERIOD, STEP

# Of one type: for each plain number that it is called with Numba would compile `_hold` once more.
OFF, ON = np.uint8(0), np.uint8(1)


@quick
def _hold(cells: Cells, course: Course, k: int, on: np.uint8) -> None:
    """Unit k is refractory, or is so no more."""
    p = cells.population[k]
    course.held[k] = on
    for v in range(cells.d[p]):
        if cells.blind[p, v]:
            course.deaf[cells.at_h[p] + v * cells.size[p] + k - cells.first[p]] = on


@quick
def release(cells: Cells, course: Course) -> None:
    """Units whose refractoriness ends before this step."""
    slot = course.clock[STEP] % course.wheel.shape[0]
    k = course.wheel[slot]
    course.wheel[slot] = -1
    while k >= 0:
        following = course.following[k]
        if course.clock[STEP] - course.last[k] < cells.hold[k]:
            course.following[k] = course.wheel[slot]
            course.wheel[slot] = k
        else:
            _hold(cells, course, k, OFF)
        k = following


@quick
def ask_conditions(cells: Cells, course: Course) -> None:
    """Whether units that are refractory as long as a condition holds stay so."""
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


@quick
def hold_spiking(cells: Cells, course: Course) -> None:
    """From its spike on a unit is refractory, and deaf in this very step."""
    for i in range(course.clock[LIVE]):
        k = course.live[i]
        p = cells.population[k]
        course.last[k] = course.clock[STEP]
        if not cells.refractory[p]:
            continue
        _hold(cells, course, k, ON)
        if cells.refractory[p] == PERIOD:
            hold = cells.hold[k] if cells.hold[k] > 1 else 1
            slot = (course.clock[STEP] + hold) % course.wheel.shape[0]
            course.following[k] = course.wheel[slot]
            course.wheel[slot] = k
