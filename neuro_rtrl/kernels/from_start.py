"""Arrays whose places are counted from the start: what kernels take from named tuples.

`x[-1]` is an array's last entry, in NumPy and in Numba. So every place that a program looks up is
compared with 0 first, and may be replaced by one that is counted from the end: ten instructions
for the compiler to read and to get rid of again, where the machine needs one. No kernel looks up
such a place, so arrays that come out of a `Ref` have a type of their own that has no end to count
from. In all else they are Numba's arrays.

With `NUMBA_BOUNDSCHECK=1` every place is looked at, by Numba's own code.
"""

from __future__ import annotations

import operator
from functools import cache
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import lower_builtin, lower_cast, models, register_model
from numba.np import arrayobj

_DATA, _SHAPE = 4, 5  # where an array has its address and its shape


class FromStart(types.Array):
    """Type of an array of which no place is counted from its end."""

    def __init__(self, array: types.Array) -> None:
        super().__init__(
            array.dtype, array.ndim, array.layout, readonly=not array.mutable,
            name=f"from_start({array})", aligned=array.aligned,
        )  # fmt: skip

    def copy(self, *changes: Any, **named: Any) -> types.Type:
        """With what is given here; a part of such an array is one, too."""
        return from_start(super().copy(*changes, **named))


register_model(FromStart)(models.ArrayModel)


@cache
def from_start(kind: types.Type) -> types.Type:
    """The type for an array in rows (others are as they are)."""
    if isinstance(kind, types.Array) and kind.layout == "C" and kind.ndim and kind.aligned:
        return FromStart(kind)
    return kind


@lower_cast(FromStart, types.Array)
def _as_array(context: Any, builder: Any, given: Any, wanted: Any, value: Any) -> Any:
    return value


@lower_builtin(operator.getitem, FromStart, types.Integer)
def _get(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    place = _address(context, builder, signature, values, signature.args[1:2], values[1:2])
    if place is None:
        return arrayobj.getitem_arraynd_intp(context, builder, signature, values)
    return _read(context, builder, signature.args[0].dtype, place)


@lower_builtin(operator.getitem, FromStart, types.BaseTuple)
def _get_at(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    kinds = signature.args[1].types
    places = cgutils.unpack_tuple(builder, values[1], len(kinds))
    place = _address(context, builder, signature, values, kinds, places)
    if place is None:
        return arrayobj.getitem_array_tuple(context, builder, signature, values)
    return _read(context, builder, signature.args[0].dtype, place)


@lower_builtin(operator.getitem, FromStart, types.SliceType)
def _part(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    """x[low:high]: no further than to the end."""
    array, index = signature.args
    if index.has_step or context.enable_boundscheck:
        return arrayobj.getitem_arraynd_intp(context, builder, signature, values)
    asked = context.make_helper(builder, index, value=values[1])
    given = context.make_array(array)(context, builder, value=values[0])
    length, *others = cgutils.unpack_tuple(builder, given.shape, array.ndim)
    end = _less(builder, asked.stop, length)
    size = builder.sub(end, _less(builder, asked.start, end))
    offset = asked.start
    for other in others:
        offset = builder.mul(offset, other)
    made = context.make_array(signature.return_type)(context, builder)
    arrayobj.populate_array(
        made, data=builder.gep(given.data, [offset], inbounds=True), shape=[size, *others],
        strides=given.strides, itemsize=given.itemsize, meminfo=given.meminfo, parent=given.parent,
    )  # fmt: skip
    return made._getvalue()


def _less(builder: Any, one: Any, other: Any) -> Any:
    return builder.select(builder.icmp_signed("<", one, other), one, other)


@lower_builtin(operator.setitem, FromStart, types.Any, types.Any)
def _set(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    array, index, given = signature.args
    kinds, places = (index,), values[1:2]
    if isinstance(index, types.BaseTuple):
        kinds, places = index.types, cgutils.unpack_tuple(builder, values[1], len(index))
    place = _address(context, builder, signature, values, kinds, places)
    if place is None:
        return arrayobj.setitem_array(context, builder, signature, values)
    value = context.cast(builder, values[2], given, array.dtype)
    stored = context.data_model_manager[array.dtype].as_data(builder, value)
    nothing_else(builder, builder.store(stored, place), str(array.dtype))
    return context.get_dummy_value()


def _read(context: Any, builder: Any, kind: types.Type, place: Any) -> Any:
    loaded = nothing_else(builder, builder.load(place), str(kind))
    return context.data_model_manager[kind].from_data(builder, loaded)


def nothing_else(builder: Any, access: Any, kind: str) -> Any:
    """Says that this place in memory holds what is of this kind, and nothing of another.

    So what is known of an array, or was read from it, is still known after an entry of another one
    was written.
    """
    module = builder.module
    text = ir.MetaDataString
    root = module.add_metadata([text(module, "kernels")])
    zero = ir.IntType(64)(0)
    of = module.add_metadata([text(module, kind), root, zero])
    access.set_metadata("tbaa", module.add_metadata([of, of, zero]))
    return access


def _address(
    context: Any, builder: Any, signature: Any, values: Any, kinds: Any, places: Any
) -> Any:
    """Address of one entry; None where Numba's own code is to look it up."""
    array, value = signature.args[0], values[0]
    whole = all(isinstance(kind, types.Integer) for kind in kinds)
    if not whole or len(kinds) != array.ndim or context.enable_boundscheck:
        return None
    total = None
    for axis, (kind, place) in enumerate(zip(kinds, places, strict=True)):
        word = context.cast(builder, place, kind, types.uint64 if not kind.signed else types.int64)
        length = builder.extract_value(value, (_SHAPE, axis))
        total = word if total is None else builder.add(builder.mul(total, length), word)
    data = builder.extract_value(value, _DATA)
    return builder.gep(data, [total], inbounds=True)
