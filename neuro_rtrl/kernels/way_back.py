"""The gradient of a window's program, from its end: no row is put together (program.py).

The last operation of a window, before what it leaves behind, is its gradient, a sum of slots and
rows of the base. What it owes to each row follows from the last operation to the first,

    x_o = sum_i c_i x_i + own_o:        owed_i += c_i owed_o,        g += owed_o own_o

a multiply-add for each source, whatever the number of columns; then one pass over the base from
which the window began. The rows that the window leaves behind are not there then: this is for
windows after which nobody asks for them (engine/replay.py).
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.jit import inline, kernel, leaf
from neuro_rtrl.kernels.layout import GRADIENT_ADDS, MULTIPLY_ADDS, Rows
from neuro_rtrl.kernels.program import OPERATIONS, TERMS, Program
from neuro_rtrl.kernels.refs import ref


@kernel
def way_back(
    program: Program,
    rows: Rows,
    began: int,
    row: int,
    slots: np.ndarray,
    base: np.ndarray,
    gradient: np.ndarray,
) -> None:
    """What is owed to slots and to rows of the base; own terms go to the gradient.

    Args:
        began: events under way when the window began, which became slots 0, 1, ...
        row: of the base, for the gradient; events under way have those behind it.
        slots: (slots,) <- owed; zero before.
        base: (rows,) <- owed; zero before.
    """
    _way_back(ref(program), ref(rows), began, row, slots, base, gradient)


@inline
def _way_back(
    program: Program,
    rows: Rows,
    began: int,
    row: int,
    slots: np.ndarray,
    base: np.ndarray,
    gradient: np.ndarray,
) -> None:
    last = program.clock[OPERATIONS] - 1
    for o in range(last, -1, -1):
        owed = 1.0 if o == last else slots[program.out[o]]
        if owed == 0.0:
            continue
        for i in range(program.first[o], program.first[o + 1]):
            source, part = program.source[i], owed * program.factor[i]
            if source >= 0:
                slots[source] += part
            else:
                base[~source] += part
        rows.counts[MULTIPLY_ADDS] += program.first[o + 1] - program.first[o]
    for i in range(program.clock[TERMS]):
        o, parameter = program.term[i], program.parameter[i]
        # None has a column that was never heard, though infinity times its zero is a term.
        if o < last and rows.column[parameter] >= 0:
            gradient[parameter] += slots[program.out[o]] * program.value[i]
            rows.counts[GRADIENT_ADDS] += 1
    for i in range(began):
        base[row + 1 + i] += slots[i]


@kernel
def read_base(base: np.ndarray, owed: np.ndarray, found: np.ndarray) -> None:
    """found (shards, columns) <- sum over rows of owed times base (shards, rows, columns)."""
    found[:, :] = 0
    for shard in range(base.shape[0]):
        for r in range(owed.shape[0]):
            if owed[r] != 0.0:
                _add(found[shard], base[shard, r], base.dtype.type(owed[r]))


@leaf
def _add(found: np.ndarray, row: np.ndarray, factor: float) -> None:
    for j in range(found.shape[0]):
        found[j] += factor * row[j]
