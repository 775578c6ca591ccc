"""The two ends of a window: what a program starts from, and what it leaves behind.

The gradient of the window's losses needs no rows of readouts step by step. With B_t the derivative
of all losses from step t on by a readout's state,

    B_t = dL_t/dh + B_{t+1} D,        g = sum_a B_{t_a} c_a x_a + B_0 D P_0

so each slot gets a number (its *credit*), and the gradient is one operation. Own parameters of
readouts: the same with what reached them directly.

At the end everything that is listed or pending is applied, as of the last step that was finished:
the base then is the influence matrix, but for own parameters that have no column yet.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.catch_up import settle_own
from neuro_rtrl.kernels.emit import through
from neuro_rtrl.kernels.jit import inline, jit, kernel
from neuro_rtrl.kernels.layout import (
    BYTES,
    ENTRIES_NOW,
    GRADIENT_ADDS,
    LEAST_ADDS,
    MULTIPLY_ADDS,
    ROWS_TOUCHED,
    STEP,
    Mask,
    Rows,
    Run,
    Units,
)
from neuro_rtrl.kernels.program import (
    CAME,
    CARRIED,
    FIRST_STEP,
    LINK,
    LISTED,
    NOWHERE,
    OPERATIONS,
    SLOT,
    SLOTS,
    SOURCES,
    TERMS,
    Program,
    add_source,
    close_operation,
    new_slots,
    open_operation,
)
from neuro_rtrl.kernels.refs import ref
from neuro_rtrl.kernels.small import identity
from neuro_rtrl.kernels.stream import Stream
from neuro_rtrl.kernels.traces import Traces, restart_traces
from neuro_rtrl.kernels.versions import sum_up
from neuro_rtrl.kernels.window_traces import put_back


@kernel
def open_window(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    traces: Traces,
    program: Program,
    carried: int,
) -> None:
    """Nothing is written yet; `carried` events are under way with a sensitivity."""
    restart_traces(ref(traces))
    _open(ref(units), ref(mask), ref(run), ref(rows), ref(program), carried)


@inline
def _open(units: Units, mask: Mask, run: Run, rows: Rows, program: Program, carried: int) -> None:
    clock = program.clock
    clock[:] = 0
    clock[SLOTS] = carried
    clock[FIRST_STEP] = run.clock[STEP]
    program.scale[:] = 1.0
    program.credit[:] = 0.0
    run.clock[STEP] -= 1
    for k in range(units.population.shape[0]):
        program.version[k] = NOWHERE
        program.head[k] = NOWHERE
        program.direct_head[k] = NOWHERE
        program.since[k] = run.clock[STEP]
        identity(units.d[units.population[k]], program.pending[k])
        if not program.keeps[k]:
            settle_own(units, mask, run, rows, k)
            for i in range(mask.own_at[k], mask.own_at[k + 1]):
                program.before[i] = rows.own[i]
    run.clock[STEP] += 1


@kernel
def close_window(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    traces: Traces,
    program: Program,
    stream: Stream,
    gradient: np.ndarray,
) -> None:
    """The window's gradient is the last operation; the readouts' own goes to `gradient`."""
    run.clock[STEP] -= 1
    _close(
        ref(units), ref(mask), ref(run), ref(rows), ref(traces), ref(program), ref(stream),
        gradient,
    )  # fmt: skip
    run.clock[STEP] += 1


@inline
def _close(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    traces: Traces,
    program: Program,
    stream: Stream,
    gradient: np.ndarray,
) -> None:
    put_back(units, mask, run, rows, traces)
    first_row = program.row[units.population.shape[0]]
    slots = program.clock[SLOTS]
    # Base rows that the gradient reads are its first sources; credits of slots follow.
    open_operation(program, ~first_row)
    for o in range(stream.outputs.shape[0]):
        _look_back(units, mask, run, rows, program, stream, gradient, o)
    for slot in range(slots):
        add_source(program, slot, program.credit[slot])
    close_operation(program)


@kernel
def leave_window(
    units: Units, mask: Mask, run: Run, rows: Rows, traces: Traces, program: Program
) -> None:
    """Behind its gradient: rows as the window leaves them, events under way."""
    run.clock[STEP] -= 1
    _leave_all(ref(units), ref(mask), ref(run), ref(rows), ref(traces), ref(program))
    run.clock[STEP] += 1


@inline
def _leave_all(
    units: Units, mask: Mask, run: Run, rows: Rows, traces: Traces, program: Program
) -> None:
    rows.counts[GRADIENT_ADDS] += program.clock[SOURCES] * rows.live[0]
    spare = new_slots(program, program.work.shape[1])
    for k in range(units.population.shape[0]):
        if program.filled[k] or program.version[k] >= 0 or program.head[k] >= 0:
            _leave(units, mask, run, rows, traces, program, k, spare)
    _carry(run, program, program.row[units.population.shape[0]] + 1)
    _count(units, rows, program)


@inline
def _look_back(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    program: Program,
    stream: Stream,
    gradient: np.ndarray,
    o: int,
) -> None:
    """From the last step of the window to the first, through readout number o."""
    k, first = stream.outputs[o], program.clock[FIRST_STEP]
    p = units.population[k]
    d, local = units.d[p], units.at_dd[p] + (k - units.first[p]) * units.d[p] * units.d[p]
    back, flow = program.work[0], units.flow_d[local : local + d * d]
    back[:] = 0.0
    at, direct = program.head[k], program.direct_head[k]
    for step in range(run.clock[STEP], first - 1, -1):
        back[stream.readout[o]] += program.slope[step - first, o]
        while at >= 0 and program.arrival[at, CAME] == step - first:
            for v in range(d):
                program.credit[program.arrival[at, SLOT]] += back[v] * program.weight[at, v]
            at = program.arrival[at, LINK]
        while direct >= 0 and program.direct_came[direct] == step:
            slope = back[program.direct_state[direct]] * program.direct_value[direct]
            gradient[program.direct[direct]] += slope
            direct = program.direct_link[direct]
        through(d, back, flow, program.work[1])
        for v in range(d):
            back[v] = program.work[1, v]
    size, own = mask.own[k + 1] - mask.own[k], mask.own_at[k]
    for v in range(d):
        if back[v] != 0.0:
            for j in range(size):
                slope = back[v] * program.before[own + v * size + j]
                gradient[mask.own_parameter[mask.own[k] + j]] += slope
            if program.filled[k]:
                add_source(program, ~(program.row[k] + v), back[v])
    rows.counts[GRADIENT_ADDS] += size * d


@inline
def _leave(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    traces: Traces,
    program: Program,
    k: int,
    spare: int,
) -> None:
    """The row of unit k at the window's end goes to the base.

    Several states read each other's rows of the base, so these are put together elsewhere first.
    """
    d = units.d[units.population[k]]
    if d == 1:
        sum_up(units, mask, run, rows, traces, program, k, ~program.row[k])
    else:
        sum_up(units, mask, run, rows, traces, program, k, spare)
        for v in range(d):
            open_operation(program, ~(program.row[k] + v))
            add_source(program, spare + v, 1.0)
            close_operation(program)
    program.filled[k] = 1


@jit
def _carry(run: Run, program: Program, row: int) -> None:
    """Sensitivities of events under way go to the rows of the base from `row` on."""
    count = 0
    for due in range(run.head.shape[0]):
        event = run.head[due]
        while event >= 0:
            if run.row[event] >= 0:
                open_operation(program, ~(row + count))
                add_source(program, run.row[event], program.scale[run.row[event]])
                close_operation(program)
                run.row[event] = count
                count += 1
            event = run.link[event]
    program.clock[CARRIED] = count


@inline
def _count(units: Units, rows: Rows, program: Program) -> None:
    """The ledger: all columns in use take part in each operation."""
    live, sources = rows.live[0], program.clock[SOURCES]
    filled = 0
    for k in range(units.population.shape[0]):
        filled += program.filled[k] * units.d[units.population[k]]
    rows.counts[ENTRIES_NOW] = filled * live
    rows.counts[MULTIPLY_ADDS] += sources * live + program.clock[TERMS]
    rows.counts[LEAST_ADDS] += (program.clock[LISTED]) * live
    rows.counts[ROWS_TOUCHED] += program.clock[OPERATIONS]
    rows.counts[BYTES] += (sources + program.clock[OPERATIONS]) * live * rows.P.itemsize


@kernel
def sort_terms(
    program: Program,
    column: np.ndarray,
    width: int,
    pointer: np.ndarray,
    term: np.ndarray,
    within: np.ndarray,
    value: np.ndarray,
) -> None:
    """Own terms by shard (of `width` columns), those of one shard in the order of the program.

    Args:
        pointer: (shards + 1,) <- where those of each shard begin.
        term, within, value: (terms,) <- operation, column within the shard, value.
    """
    pointer[:] = 0
    for i in range(program.clock[TERMS]):
        place = column[program.parameter[i]]
        if place >= 0:  # none has what was never heard, though infinity times its zero is a term
            pointer[place // width + 1] += 1
    for shard in range(pointer.shape[0] - 1):
        pointer[shard + 1] += pointer[shard]
    for i in range(program.clock[TERMS]):
        place = column[program.parameter[i]]
        if place < 0:
            continue
        at = pointer[place // width]
        term[at] = program.term[i]
        within[at] = place % width
        value[at] = program.value[i]
        pointer[place // width] = at + 1
    for shard in range(pointer.shape[0] - 1, 0, -1):
        pointer[shard] = pointer[shard - 1]
    pointer[0] = 0
