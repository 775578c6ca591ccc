"""What NumPy's arrays have no words for: 64 flags at a glance, and asking for memory ahead."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from neuro_rtrl.kernels import plain
from neuro_rtrl.kernels.cells import CHUNK
from neuro_rtrl.kernels.jit import quick
from neuro_rtrl.kernels.plain import compiled_or

_BYTES = ir.IntType(8).as_pointer()


def spread(builder: Any, number: Any, lanes: int) -> Any:
    """A vector with the same number in all lanes, for code that is written out here."""
    nothing = ir.Constant(ir.VectorType(number.type, lanes), ir.Undefined)
    one = builder.insert_element(nothing, number, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
    return builder.shuffle_vector(one, nothing, zeros)


@compiled_or(plain.flags_of)
def flags_of(typingctx: Any, flags: Any, start: Any) -> Any:
    """Whether the 64 flags (or numbers) from `start` on are not 0, as the bits of one number.

    The first is the lowest bit.
    """

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind = signature.args[0]
        array = context.make_array(kind)(context, builder, values[0])
        wide = ir.VectorType(context.get_data_type(kind.dtype), CHUNK)
        place = cgutils.gep_inbounds(builder, array.data, values[1])
        aligned = kind.dtype.bitwidth // 8
        found = builder.load(builder.bitcast(place, wide.as_pointer()), align=aligned)
        zero = ir.Constant(wide, [0] * CHUNK)
        unlike = builder.icmp_unsigned
        if isinstance(kind.dtype, types.Float):
            unlike = builder.fcmp_unordered
        return builder.bitcast(unlike("!=", found, zero), ir.IntType(CHUNK))

    return types.uint64(flags, start), codegen


@compiled_or(plain.lowest)
def lowest(typingctx: Any, number: Any) -> Any:
    """Place of the lowest bit that is set; the number must not be 0."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.cttz(values[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), codegen


@compiled_or(plain.ones)
def ones(typingctx: Any, number: Any) -> Any:
    """How many bits are set."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.ctpop(values[0])

    return types.int64(types.uint64), codegen


@compiled_or(plain.nothing)
def fetch(typingctx: Any, array: Any, place: Any) -> Any:
    """Ask for the line of the cache with array[place]; it will be read soon."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, values[0]).data
        where = builder.bitcast(cgutils.gep_inbounds(builder, data, values[1]), _BYTES)
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [_BYTES, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [_BYTES], kind)
        # To be read; into all caches; data, not code.
        builder.call(function, [where, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, place), codegen


@quick
def list_flags(flags: np.ndarray, first: int, end: int, places: np.ndarray, count: int) -> int:
    """Places from `first` to `end` with a flag go to `places` from `count` on; the end of them."""
    for i in range(first, end, CHUNK):
        if i + CHUNK > flags.shape[0]:
            for k in range(i, end):
                places[count] = k
                count += flags[k]
            return count
        found = flags_of(flags, i)
        if end - i < CHUNK:
            found &= (np.uint64(1) << np.uint64(end - i)) - np.uint64(1)
        while found:
            places[count] = i + lowest(found)
            count += 1
            found &= found - np.uint64(1)
    return count
