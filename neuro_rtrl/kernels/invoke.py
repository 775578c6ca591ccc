"""Calling a generated C function by its address from inside a kernel.

The kernels are compiled once for all models; what a model adds are small C functions over one
population (`compile/native.py`), reached through their addresses. So a new model costs the
compilation of a few short functions, and the kernels stay free of models.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from neuro_rtrl.kernels import plain
from neuro_rtrl.kernels.plain import compiled_or


@compiled_or(plain.invoke)
def invoke(typingctx: Any, address: Any, arguments: Any) -> Any:
    """Call the C function at `address` with a tuple of 64-bit integers (numbers, addresses)."""
    count = len(arguments)

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        word = ir.IntType(64)
        function_type = ir.FunctionType(ir.VoidType(), [word] * count)
        pointer = builder.inttoptr(values[0], function_type.as_pointer())
        builder.call(pointer, cgutils.unpack_tuple(builder, values[1], count))
        return context.get_dummy_value()

    return types.void(types.int64, types.UniTuple(types.int64, count)), codegen


@compiled_or(plain.at)
def at(typingctx: Any, array: Any, offset: Any) -> Any:
    """Address of `array[offset]` of a flat array."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        given = context.make_array(signature.args[0])(context, builder, values[0])
        begin = builder.ptrtoint(given.data, ir.IntType(64))
        return builder.add(begin, builder.mul(values[1], given.itemsize))

    return types.int64(array, types.int64), codegen
