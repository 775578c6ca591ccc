"""Events among the numbers of a table: those that are not 0, found 64 at a time."""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.cells import CHUNK
from neuro_rtrl.kernels.jit import quick_inline, quick_kernel
from neuro_rtrl.kernels.wide import flags_of, lowest


@quick_kernel
def mark(table: np.ndarray, found: np.ndarray) -> int:
    """Bits of `found` (numbers/64, rounded up) <- where a flat table is not 0; how many these are.

    NaN is not 0.
    """
    count = 0
    for word in range(found.shape[0]):
        first = word * CHUNK
        bits = np.uint64(0)
        if first + CHUNK <= table.shape[0]:
            bits = flags_of(table, first)
        else:
            for i in range(first, table.shape[0]):
                bits |= np.uint64(table[i] != 0.0) << np.uint64(i - first)
        found[word] = bits
        while bits:
            bits &= bits - np.uint64(1)
            count += 1
    return count


@quick_kernel
def enumerate_marked(
    found: np.ndarray, table: np.ndarray, pointer: np.ndarray, index: np.ndarray, value: np.ndarray
) -> None:
    """Of each bit its column and its number; `pointer` <- the first of each row, and their end."""
    rows = pointer.shape[0] - 1
    width = table.shape[0] // max(rows, 1)
    row, end, count = 0, width, 0
    pointer[0] = 0
    for word in range(found.shape[0]):
        bits = found[word]
        while bits:
            place = word * CHUNK + lowest(bits)
            bits &= bits - np.uint64(1)
            row, end = _open_rows(pointer, row, end, width, place, count)
            index[count] = place - (end - width)
            value[count] = table[place]
            count += 1
    while row < rows:
        row += 1
        pointer[row] = count


@quick_inline
def _open_rows(
    pointer: np.ndarray, row: int, end: int, width: int, place: int, count: int
) -> tuple[int, int]:
    """The row of a place, and where it ends; those before it are done."""
    while place >= end:
        row += 1
        pointer[row] = count
        end += width
    return row, end
