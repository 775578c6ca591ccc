"""Versions of the row of a unit with one state: transforms are numbers.

In populations that share traces (window_traces.py) all units decay alike, and D^n is looked up.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.catch_up import held_between
from neuro_rtrl.kernels.jit import inline, leaf
from neuro_rtrl.kernels.layout import STEP, Mask, Rows, Run, Units
from neuro_rtrl.kernels.program import (
    CAME,
    FIRST_STEP,
    LINK,
    SLOT,
    SOURCES,
    Program,
    close_operation,
    open_operation,
)
from neuro_rtrl.kernels.small import power
from neuro_rtrl.kernels.traces import Traces
from neuro_rtrl.kernels.window_traces import take_own


@inline
def bring_up_one(units: Units, run: Run, program: Program, k: int) -> None:
    """`pending` of unit k, and what has arrived since, as of this step."""
    step, at, through, upto = run.clock[STEP], program.head[k], 1.0, run.clock[STEP]
    first = program.clock[FIRST_STEP]
    if program.since[k] != step:
        program.pending[k, 0] *= _flow_one(units, run, program, k, program.since[k], step)
        program.since[k] = step
    while at >= 0:
        came = program.arrival[at, CAME] + first
        if came < upto:
            through *= _flow_one(units, run, program, k, came, upto)
            upto = came
        program.weight[at, 0] *= through
        program.arrival[at, CAME] = step - first
        at = program.arrival[at, LINK]


@inline
def _flow_one(units: Units, run: Run, program: Program, k: int, since: int, until: int) -> float:
    """The flow of one state from the end of step `since` to the end of step `until`."""
    p = units.population[k]
    steps, at = until - since, units.at_dd[p] + k - units.first[p]
    if program.decay[k] >= 0:
        return float(program.power[program.decay[k], steps])
    through = 1.0
    if units.refractory[p]:
        held = held_between(units, run, k, since, until)
        through = power(units.held_d[at], held)
        steps -= held
    return through * power(units.flow_d[at], steps)


@inline
def sum_up_one(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    traces: Traces,
    program: Program,
    k: int,
    out: int,
) -> None:
    """One state: everything in one pass over the list, and one over the own block."""
    step, at, source, factor = (
        run.clock[STEP],
        program.clock[SOURCES],
        program.source,
        program.factor,
    )
    open_operation(program, out)
    if program.version[k] >= 0 or program.filled[k]:
        scale = program.pending[k, 0] * _flow_one(units, run, program, k, program.since[k], step)
        if scale != 0.0:
            source[at] = program.version[k] if program.version[k] >= 0 else ~program.row[k]
            factor[at] = scale
            at += 1
    program.since[k] = step
    if program.decay[k] >= 0:
        at += _walk(
            program.head[k], program.arrival, program.weight, program.power[program.decay[k]],
            step - program.clock[FIRST_STEP], source[at:], factor[at:],
        )  # fmt: skip
    else:
        at = _sources_one(units, run, program, k, at)
    program.clock[SOURCES] = at
    if program.keeps[k]:
        take_own(mask, rows, traces, program, k)
    close_operation(program)


@leaf
def _walk(
    i: int,
    arrival: np.ndarray,
    weight: np.ndarray,
    power: np.ndarray,
    steps: int,
    source: np.ndarray,
    factor: np.ndarray,
) -> int:
    """What has arrived since, each through its power of the flow; the number of sources."""
    count = 0
    while i >= 0:
        scale = weight[i, 0] * power[steps - arrival[i, CAME]]
        source[count] = arrival[i, SLOT]
        factor[count] = scale
        count += scale != 0.0
        i = arrival[i, LINK]
    return count


@inline
def _sources_one(units: Units, run: Run, program: Program, k: int, at: int) -> int:
    """What has arrived at a unit with one state, each through the flow since; the end of it."""
    i, through, upto = program.head[k], 1.0, run.clock[STEP]
    arrival, first = program.arrival, program.clock[FIRST_STEP]
    while i >= 0:
        came = arrival[i, CAME] + first
        if came < upto:
            through *= _flow_one(units, run, program, k, came, upto)
            upto = came
        scale = program.weight[i, 0] * through
        if scale != 0.0:
            program.source[at] = arrival[i, SLOT]
            program.factor[at] = scale
            at += 1
        i = arrival[i, LINK]
    return at
