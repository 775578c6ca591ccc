"""Rows of a window as linear combinations: when a unit is live, and at the window's end.

Between two live steps of unit k its row is  M x + sum_a T_a c_a x_a,  with x the version before,
M what is pending, x_a the sensitivities that have arrived and T_a = D^(t - t_a) what the flow has
done to them since. Resets happen in live steps only, and there a new version is made first: so
the list is empty when a reset's transform is put into M.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.catch_up import catch_up_own, flow_between
from neuro_rtrl.kernels.columns import theta_parameter, theta_slope
from neuro_rtrl.kernels.jit import inline, jit
from neuro_rtrl.kernels.layout import STEP, Mask, Rows, Run, Units
from neuro_rtrl.kernels.program import (
    CAME,
    FIRST_STEP,
    LINK,
    NOWHERE,
    SLOT,
    Program,
    add_source,
    add_term,
    close_operation,
    new_slots,
    open_operation,
)
from neuro_rtrl.kernels.small import identity, multiply_into
from neuro_rtrl.kernels.traces import Traces
from neuro_rtrl.kernels.versions_one import bring_up_one, sum_up_one


@jit
def bring_up(units: Units, run: Run, program: Program, k: int) -> None:
    """`pending` of unit k, and what has arrived since, as of this step."""
    if units.d[units.population[k]] == 1:
        bring_up_one(units, run, program, k)
    else:
        _bring_up_some(units, run, program, k)


@inline
def _bring_up_some(units: Units, run: Run, program: Program, k: int) -> None:
    step, d = run.clock[STEP], units.d[units.population[k]]
    work, through, between = program.work[:3], program.work[3], program.work[4]
    flow_between(units, run, k, program.since[k], step, program.pending[k], work)
    program.since[k] = step
    identity(d, through)
    first = program.clock[FIRST_STEP]
    upto, at = step, program.head[k]
    while at >= 0:
        came = program.arrival[at, CAME] + first
        if came < upto:
            _before(units, run, k, came, upto, through, between, work)
            upto = came
        _apply(d, through, program.weight[at], program.work[5])
        program.arrival[at, CAME] = step - first
        at = program.arrival[at, LINK]


@inline
def _before(
    units: Units,
    run: Run,
    k: int,
    since: int,
    until: int,
    through: np.ndarray,
    between: np.ndarray,
    work: np.ndarray,
) -> None:
    """through <- through . (flow from `since` to `until`)."""
    d = units.d[units.population[k]]
    identity(d, between)
    flow_between(units, run, k, since, until, between, work)
    multiply_into(d, through, between, work[0])
    for i in range(d * d):
        through[i] = between[i]


@jit
def _apply(d: int, matrix: np.ndarray, vector: np.ndarray, work: np.ndarray) -> None:
    """vector <- matrix . vector."""
    for v in range(d):
        work[v] = 0.0
        for u in range(d):
            work[v] += matrix[v * d + u] * vector[u]
    for v in range(d):
        vector[v] = work[v]


@jit
def sum_up(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    traces: Traces,
    program: Program,
    k: int,
    out: int,
) -> None:
    """d operations: the row of unit k goes to slots `out`, ...; or to the base (out < 0).

    The list is empty then, and the own block has gone into the row as far as it has columns.
    """
    d = units.d[units.population[k]]
    if program.keeps[k]:
        catch_up_own(units, run, rows, k)
    if d == 1:
        sum_up_one(units, mask, run, rows, traces, program, k, out)
    else:
        _sum_up_some(units, mask, run, rows, program, k, out)
    program.head[k] = NOWHERE
    identity(d, program.pending[k])


@inline
def _sum_up_some(
    units: Units, mask: Mask, run: Run, rows: Rows, program: Program, k: int, out: int
) -> None:
    d = units.d[units.population[k]]
    bring_up(units, run, program, k)
    for v in range(d):
        open_operation(program, out + v if out >= 0 else out - v)
        _sources(program, d, k, v)
        if program.keeps[k]:
            _own_terms(mask, rows, program, d, k, v)
        close_operation(program)
    if program.keeps[k]:
        _empty_own(mask, rows, d, k)


@inline
def _sources(program: Program, d: int, k: int, v: int) -> None:
    if program.version[k] >= 0 or program.filled[k]:
        for u in range(d):
            before = program.version[k] + u if program.version[k] >= 0 else ~(program.row[k] + u)
            add_source(program, before, program.pending[k, v * d + u])
    at = program.head[k]
    while at >= 0:
        add_source(program, program.arrival[at, SLOT], program.weight[at, v])
        at = program.arrival[at, LINK]


@inline
def _own_terms(mask: Mask, rows: Rows, program: Program, d: int, k: int, v: int) -> None:
    start, size, at = mask.own[k], mask.own[k + 1] - mask.own[k], mask.own_at[k]
    for j in range(size):
        total = 0.0
        for u in range(d):
            total += rows.own_pending[k, v * d + u] * rows.own[at + u * size + j]
        if total != 0.0 and rows.column[mask.own_parameter[start + j]] >= 0:
            add_term(program, mask.own_parameter[start + j], total)


@inline
def _empty_own(mask: Mask, rows: Rows, d: int, k: int) -> None:
    start, size, at = mask.own[k], mask.own[k + 1] - mask.own[k], mask.own_at[k]
    for j in range(size):
        for u in range(d):
            i = at + u * size + j
            if rows.own[i] != 0.0 and rows.column[mask.own_parameter[start + j]] >= 0:
                rows.own[i] = 0


@inline
def new_version(
    units: Units, mask: Mask, run: Run, rows: Rows, traces: Traces, program: Program, k: int
) -> None:
    """The row of live unit k becomes slots, from which others may read."""
    d = units.d[units.population[k]]
    out = new_slots(program, d)
    sum_up(units, mask, run, rows, traces, program, k, out)
    program.version[k] = out
    for v in range(d):
        program.scale[out + v] = 1.0


@inline
def sensitivity(units: Units, run: Run, rows: Rows, program: Program, k: int) -> int:
    """Slot of q = dy/dh . P + dy/dtheta; often that of the row itself, with another scale.

    A unit's own parameters keep what they do to its states apart from the row (`Rows.theta`).
    """
    p = units.population[k]
    d = units.d[p]
    start = units.at_h[p] + (k - units.first[p]) * d
    version = program.version[k]
    if d == 1 and units.m[p] == 0:
        program.scale[version] = run.dy[start]
        return int(version)
    slot = new_slots(program, 1)
    program.scale[slot] = 1.0
    open_operation(program, slot)
    for v in range(d):
        add_source(program, version + v, run.dy[start + v])
    _theta_terms(units, run, rows, program, k, run.dy[start : start + d])
    close_operation(program)
    return slot


@inline
def _theta_terms(
    units: Units, run: Run, rows: Rows, program: Program, k: int, slope: np.ndarray
) -> None:
    """Own terms of the open operation: dy/dh . theta + dy/dtheta."""
    for j in range(units.m[units.population[k]]):
        total = theta_slope(units, run, rows, k, j, slope)
        if total != 0.0:
            add_term(program, theta_parameter(units, k, j), total)
