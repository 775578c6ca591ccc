"""A program replayed on one shard of columns (see program.py).

The sum over the sources of an operation is kept in registers while they are read one after the
other: four bytes a multiply-add, out of a working set (base and slots of one shard) that stays in
the second cache for the whole window. The sum over sources is in the order of the program, so
results depend neither on the order of the shards nor on the number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from neuro_rtrl.kernels.jit import inline, kernel
from neuro_rtrl.kernels.plain import compiled_or
from neuro_rtrl.kernels.program import OPERATIONS
from neuro_rtrl.kernels.wide import fetch, spread

SHARD_BYTES = 256  # of one row
VECTORS = 4
_FUSED = ("contract",)


def _weave_plain(
    source: np.ndarray,
    factor: np.ndarray,
    first: int,
    last: int,
    base: np.ndarray,
    slots: np.ndarray,
    out: int,
) -> None:
    total = np.zeros(base.shape[1], base.dtype)
    for i in range(first, last):
        total += factor[i] * (slots[source[i]] if source[i] >= 0 else base[~source[i]])
    (slots if out >= 0 else base)[out if out >= 0 else ~out] = total


@compiled_or(_weave_plain)
def weave(
    typingctx: Any,
    source: Any,
    factor: Any,
    first: Any,
    last: Any,
    base: Any,
    slots: Any,
    out: Any,
) -> Any:
    """Row `out` <- sum over i in first..last-1 of factor[i] * row source[i].

    Rows >= 0 are in `slots`, rows < 0 are row ~i of `base`: (rows, SHARD_BYTES / itemsize) both.
    """

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> None:
        data = [
            context.make_array(kind)(context, builder, values[i]).data
            for i, kind in ((0, signature.args[0]), (1, signature.args[1]),
                            (4, signature.args[4]), (5, signature.args[5]))
        ]  # fmt: skip
        number = context.get_data_type(signature.args[1].dtype)
        _weave(builder, number, data, values[2], values[3], values[6])
        return context.get_dummy_value()

    return types.void(source, factor, first, last, base, slots, out), codegen


def _weave(builder: Any, number: Any, data: list[Any], first: Any, last: Any, out: Any) -> None:
    """The loop over sources, with VECTORS vectors of sums."""
    size = 4 if isinstance(number, ir.FloatType) else 8
    lanes = SHARD_BYTES // VECTORS // size
    vector = ir.VectorType(number, lanes)
    source, factor, base, slots = data
    zero = ir.Constant(vector, [0.0] * lanes)
    sums = [cgutils.alloca_once_value(builder, zero) for _ in range(VECTORS)]
    for total in sums:
        builder.store(zero, total)
    with cgutils.for_range_slice(builder, first, last, first.type(1)) as (i, _):
        row = _row(builder, vector, base, slots, builder.load(builder.gep(source, [i])))
        wide = spread(builder, builder.load(builder.gep(factor, [i])), lanes)
        for v, total in enumerate(sums):
            part = builder.load(builder.gep(row, [ir.IntType(64)(v)]), align=size)
            product = builder.fmul(wide, part, flags=_FUSED)
            builder.store(builder.fadd(builder.load(total), product, flags=_FUSED), total)
    place = _row(builder, vector, base, slots, out)
    for v, total in enumerate(sums):
        builder.store(
            builder.load(total),
            builder.gep(place, [ir.IntType(64)(v)]),
            align=size,
        )


def _row(builder: Any, vector: Any, base: Any, slots: Any, number: Any) -> Any:
    """Pointer to the vectors of a row."""
    wide = ir.IntType(64)
    if number.type != wide:
        number = builder.sext(number, wide)
    inside = builder.icmp_signed("<", number, wide(0))
    place = builder.select(inside, builder.not_(number), number)
    start = builder.select(inside, base, slots)
    rows = builder.bitcast(start, vector.as_pointer())
    return builder.gep(rows, [builder.mul(place, wide(VECTORS))])


@kernel
def replay(
    clock: np.ndarray,
    out: np.ndarray,
    first: np.ndarray,
    source: np.ndarray,
    factor: np.ndarray,
    pointer: np.ndarray,
    term: np.ndarray,
    column: np.ndarray,
    value: np.ndarray,
    begin: tuple[int, int],
    chosen: tuple[int, int, int],
    rows: np.ndarray,
    base: np.ndarray,
    slots: np.ndarray,
) -> None:
    """Bring some shards from the beginning of the window to its end.

    Args:
        clock, out, first, source, factor: of the window's program.
        pointer, term, column, value: own terms, those of shard i from pointer[i] on: operation,
            column within the shard, value.
        begin: events under way when the window began, which become slots 0, 1, ...; the row of the
            base that the first of them has.
        chosen: first shard, the one after the last, and the number of the first within `base`.
        rows: of the base that are not zero: they are fetched.
        base: (shards, rows, columns).
        slots: (slots, columns) scratch.
    """
    for shard in range(chosen[0], chosen[1]):
        number = shard - chosen[2]
        following = min(number + 1, base.shape[0] - 1)  # whoever takes it
        _replay(
            clock, out, first, source, factor, pointer[shard], pointer[shard + 1], term, column,
            value, begin, rows, base[number], base[following], slots,
        )  # fmt: skip


@inline
def _replay(
    clock: np.ndarray,
    out: np.ndarray,
    first: np.ndarray,
    source: np.ndarray,
    factor: np.ndarray,
    at: int,
    end: int,
    term: np.ndarray,
    column: np.ndarray,
    value: np.ndarray,
    begin: tuple[int, int],
    rows: np.ndarray,
    base: np.ndarray,
    following: np.ndarray,
    slots: np.ndarray,
) -> None:
    """One shard; meanwhile the next one is fetched into the cache, row by row."""
    fetched, operations = 0, clock[OPERATIONS]
    for i in range(begin[0]):
        for j in range(base.shape[1]):
            slots[i, j] = base[begin[1] + i, j]
    for o in range(operations):
        while fetched * operations < o * rows.shape[0]:
            for line in range(0, base.shape[1], base.shape[1] // VECTORS):
                fetch(following, rows[fetched] * base.shape[1] + line)
            fetched += 1
        weave(source, factor, first[o], first[o + 1], base, slots, out[o])
        while at < end and term[at] == o:
            if out[o] >= 0:
                slots[out[o], column[at]] += value[at]
            else:
                base[~out[o], column[at]] += value[at]
            at += 1
