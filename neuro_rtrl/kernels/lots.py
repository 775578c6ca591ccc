"""Vector code over the units of a lot: LANES neighbouring numbers at once (diary_sums.py).

Numba unrolls so short a loop before it looks for vectors, and then finds none.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from neuro_rtrl.kernels import plain
from neuro_rtrl.kernels.diary import LANES
from neuro_rtrl.kernels.plain import compiled_or
from neuro_rtrl.kernels.wide import spread

_DOUBLES = ir.VectorType(ir.DoubleType(), LANES)
_FUSED = ("contract",)


def _lanes(context: Any, builder: Any, kind: Any, array: Any, place: Any) -> Any:
    """A pointer to LANES numbers of a contiguous array, from `place` on."""
    data = context.make_array(kind)(context, builder, array).data
    wide = ir.VectorType(context.get_data_type(kind.dtype), LANES)
    where = cgutils.gep_inbounds(builder, data, place)
    return builder.bitcast(where, wide.as_pointer()), kind.dtype.bitwidth // 8


@compiled_or(plain.fall)
def fall(typingctx: Any, worth: Any, place: Any, nu: Any, start: Any, tiny: Any) -> Any:
    """worth[place:] <- nu[start:], LANES of them; what is not above `tiny` has become zero."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kinds = signature.args
        into, into_align = _lanes(context, builder, kinds[0], values[0], values[1])
        of, align = _lanes(context, builder, kinds[2], values[2], values[3])
        number = builder.load(of, align=align)
        negative = builder.fneg(number)
        high = spread(builder, values[4], LANES)
        # Unordered: what is not a number stays.
        large = builder.or_(
            builder.fcmp_unordered(">", number, high), builder.fcmp_unordered(">", negative, high)
        )
        kept = builder.select(large, number, ir.Constant(_DOUBLES, [0.0] * LANES))
        builder.store(kept, of, align=align)
        if into.type.pointee != _DOUBLES:
            kept = builder.fptrunc(kept, into.type.pointee)
        builder.store(kept, into, align=into_align)
        return context.get_dummy_value()

    return types.void(worth, types.int64, nu, types.int64, types.float64), codegen


@compiled_or(plain.times)
def times(
    typingctx: Any, out: Any, place: Any, nu: Any, start: Any, by: Any, line: Any, more: Any
) -> Any:
    """out[place:] <- nu[start:] by[line:], LANES of each; added to it if `more`."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kinds = signature.args
        into, align = _lanes(context, builder, kinds[0], values[0], values[1])
        of, _ = _lanes(context, builder, kinds[2], values[2], values[3])
        factor, _ = _lanes(context, builder, kinds[4], values[4], values[5])
        product = builder.fmul(
            builder.load(of, align=align), builder.load(factor, align=align), flags=_FUSED
        )
        added = builder.fadd(builder.load(into, align=align), product, flags=_FUSED)
        flags = spread(builder, values[6], LANES)
        builder.store(builder.select(flags, added, product), into, align=align)
        return context.get_dummy_value()

    i = types.int64
    return types.void(out, i, nu, i, by, i, types.boolean), codegen


@compiled_or(plain.collect)
def collect(
    typingctx: Any,
    sums: Any,
    place: Any,
    low: Any,
    high: Any,
    step: Any,
    value: Any,
    worth: Any,
    first: Any,
) -> Any:
    """sums[place:] += sum over a in low..high of value[a] times row step[a] - first of worth."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kinds = signature.args
        into, align = _lanes(context, builder, kinds[0], values[0], values[1])
        total = cgutils.alloca_once(builder, into.type.pointee)
        builder.store(builder.load(into, align=align), total)
        steps = context.make_array(kinds[4])(context, builder, values[4]).data
        numbers = context.make_array(kinds[5])(context, builder, values[5]).data
        with cgutils.for_range_slice(builder, values[2], values[3], ir.IntType(64)(1)) as (a, _):
            when = builder.load(cgutils.gep_inbounds(builder, steps, a))
            row = builder.sub(builder.sext(when, ir.IntType(64)), values[7])
            at = builder.mul(row, ir.IntType(64)(LANES))
            line, _ = _lanes(context, builder, kinds[6], values[6], at)
            y = spread(builder, builder.load(cgutils.gep_inbounds(builder, numbers, a)), LANES)
            product = builder.fmul(y, builder.load(line, align=align), flags=_FUSED)
            builder.store(builder.fadd(builder.load(total), product, flags=_FUSED), total)
        builder.store(builder.load(total), into, align=align)
        return context.get_dummy_value()

    i = types.int64
    return types.void(sums, i, i, i, step, value, worth, i), codegen
