"""What a window of steps does to influence rows, written down instead of done: a program.

While weights stand still, every row of a window is a linear combination of rows before it,

    x_o = sum_i c_i x_i + own_o                                    (one *operation*)

with numbers c that the forward pass knows and that are the same for all columns. So the forward
pass of a window is run once, writing operations; then the program is replayed on one narrow shard
of columns after the other, each of which stays in the cache for the whole window (replay.py).
Shards do not know of each other: they may be replayed in any order, by any number of threads.

A row that is read within the window is a *slot*; those from which the window starts, and which it
leaves behind, are the *base*. Sources i >= 0 are slots, i < 0 row ~i of the base. Arrivals are only
listed for their target, with the step in which they came; the list is summed when the unit is
next live, however many arrivals there were: one pass of reading for all of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuro_rtrl.kernels.jit import inline, jit

# Places in `Program.clock`.
OPERATIONS, SOURCES, SLOTS, TERMS, LISTED, DIRECT, FIRST_STEP, CARRIED = range(8)
CLOCK_SIZE = 8
# What is kept of an arrival, side by side: lists are walked at random.
LINK, SLOT, CAME = range(3)
ARRIVAL_SIZE = 4
NOWHERE = -1


class Program(NamedTuple):
    """Letters as in layout.py; O operations, S sources, X slots, L arrivals, K steps, R rows."""

    clock: np.ndarray  # how much of each of the following is in use
    room: np.ndarray  # (4,) slots, arrivals, own terms, steps after which a window ends
    out: np.ndarray  # (O,) slot, or ~row of the base
    first: np.ndarray  # (O + 1,) sources of each operation
    source: np.ndarray  # (S,) int32
    factor: np.ndarray  # (S,) in the precision of the rows
    term: np.ndarray  # (own terms,) operation, int32
    parameter: np.ndarray  # of the own terms, int32
    value: np.ndarray
    scale: np.ndarray  # (X,) an event's sensitivity is this times its slot
    credit: np.ndarray  # (X,) dL/d(slot) of the window's losses through readouts
    row: np.ndarray  # (N + 1,) first row of each unit in the base
    plain: np.ndarray  # (G,) all targets of the group have one state and share traces
    power: np.ndarray  # (C, K + 1) D^0, D^1, ... of populations that share traces
    decay: np.ndarray  # (N,) which of these a unit has, -1: none
    keeps: np.ndarray  # (N,) spiking: own parameters join the row when the unit is live
    filled: np.ndarray  # (N,) the row in the base is not zero
    version: np.ndarray  # (N,) first slot of its present row, -1: the base
    pending: np.ndarray  # (N, dm*dm) transform of that
    since: np.ndarray  # (N,) step to which `pending` holds
    head: np.ndarray  # (N,) last arrival that is not summed yet
    arrival: np.ndarray  # (L, ARRIVAL_SIZE) int32: the one before, slot, steps into the window
    weight: np.ndarray  # (L, dm) sum of w B, times the slot's scale
    direct_head: np.ndarray  # (N,) the same of what reaches a readout's own parameters
    direct_link: np.ndarray
    direct: np.ndarray  # parameter
    direct_came: np.ndarray
    direct_state: np.ndarray
    direct_value: np.ndarray
    slope: np.ndarray  # (K, outputs) dL/dy
    before: np.ndarray  # own entries of readouts as the window begins, as in `Rows.own`
    work: np.ndarray  # scratch (6, dm*dm)


@inline
def open_operation(program: Program, out: int) -> None:
    """An operation that writes slot `out` (or the base); its sources follow."""
    program.out[program.clock[OPERATIONS]] = out


@inline
def add_source(program: Program, source: int, factor: float) -> None:
    """One more source of the open operation; what is multiplied by zero is left out."""
    if factor != 0.0:
        at = program.clock[SOURCES]
        program.source[at] = source
        program.factor[at] = factor
        program.clock[SOURCES] = at + 1


@inline
def add_term(program: Program, parameter: int, value: float) -> None:
    """An own term of the open operation."""
    at = program.clock[TERMS]
    program.term[at] = program.clock[OPERATIONS]
    program.parameter[at] = parameter
    program.value[at] = value
    program.clock[TERMS] = at + 1


@inline
def close_operation(program: Program) -> None:
    """All sources are there."""
    program.clock[OPERATIONS] += 1
    program.first[program.clock[OPERATIONS]] = program.clock[SOURCES]


@inline
def new_slots(program: Program, count: int) -> int:
    """The first of `count` slots."""
    slot = program.clock[SLOTS]
    program.clock[SLOTS] = slot + count
    return int(slot)


@jit
def listed(program: Program, k: int, slot: int, step: int, d: int, weight: np.ndarray) -> None:
    """Slot `slot` times `weight` (d,) has arrived at unit k."""
    at, scale = program.clock[LISTED], program.scale[slot]
    program.arrival[at, LINK] = program.head[k]
    program.arrival[at, SLOT] = slot
    program.arrival[at, CAME] = step - program.clock[FIRST_STEP]
    program.head[k] = at
    for v in range(d):
        program.weight[at, v] = weight[v] * scale
    program.clock[LISTED] = at + 1


@jit
def listed_direct(
    program: Program, k: int, parameter: int, step: int, state: int, value: float
) -> None:
    """State `state` of readout k has got `value` for each unit of its own parameter."""
    at = program.clock[DIRECT]
    program.direct_link[at] = program.direct_head[k]
    program.direct_head[k] = at
    program.direct[at] = parameter
    program.direct_came[at] = step
    program.direct_state[at] = state
    program.direct_value[at] = value
    program.clock[DIRECT] = at + 1
