"""A named tuple of arrays, handed on by reference.

Numba passes a tuple by value: a function that takes five of ours would have a thousand arguments,
slow to compile and slow to call. `ref(t)` stores the tuple once, in the frame of the kernel that
Python called, and gives a reference with the same attributes; a part of a kernel takes references
and reads what it needs. A reference must not outlive that frame, which is why only entry points
(`@kernel`) make them.

Python may call a kernel with `Packed` tuples, or let a `Caller` do so. Then nothing is taken apart,
array by array, in front of each call, and the code for it, half a second to compile, need not be
there.
"""

from __future__ import annotations

from itertools import chain
from operator import is_not
from typing import Any

import numpy as np
from llvmlite import ir
from numba import typeof, types
from numba.core import cgutils
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    lower_getattr_generic,
    models,
    register_model,
    typeof_impl,
    unbox,
)

from neuro_rtrl.kernels.from_start import from_start, nothing_else
from neuro_rtrl.kernels.plain import PLAIN, compiled_or

_BYTES = ir.IntType(8).as_pointer()
_WORDS = 5  # of an array, besides its shape and strides: two owners, size, size of items, place
_KINDS: dict[tuple[Any, ...], Ref] = {}


class Ref(types.Type):
    """Type of a reference to a named tuple of type `target`."""

    def __init__(self, target: types.Type) -> None:
        self.target = target
        # Types of one name are one type: Numba's name of a tuple does not have those of its fields.
        super().__init__(name=f"Ref({target}: {', '.join(target.fields)})")


@register_model(Ref)
class _RefModel(models.PrimitiveModel):
    """An untyped pointer."""

    def __init__(self, manager: Any, fe_type: Ref) -> None:
        super().__init__(manager, fe_type, _BYTES)


@infer_getattr
class _RefAttributes(AttributeTemplate):
    """`reference.name` has the type of the tuple's field."""

    key = Ref

    def generic_resolve(self, kind: Ref, name: str) -> types.Type | None:
        fields = kind.target.fields
        return from_start(kind.target.types[fields.index(name)]) if name in fields else None


@lower_getattr_generic(Ref)
def _load_field(context: Any, builder: Any, kind: Ref, value: Any, name: str) -> Any:
    # By its place in bytes: the type of the whole tuple, a page of text, is not spelled each time.
    field = kind.target.fields.index(name)
    words = sum(_WORDS + 2 * array.ndim for array in kind.target.types[:field])
    place = builder.gep(value, [ir.IntType(64)(8 * words)], inbounds=True)
    array = context.get_value_type(kind.target.types[field])
    return nothing_else(builder, builder.load(builder.bitcast(place, array.as_pointer())), "array")


class Packed:
    """A named tuple of arrays as it lies in a kernel's memory; the arrays are shared, not copied.

    Args:
        named: the tuple.
        before: one of the same kind, whose descriptions of arrays that are the same are used again.

    Attributes:
        named: the tuple.
        kind: Numba's type of a reference to it.
        address: of its description: for each array its size, and where it is.

    >>> from collections import namedtuple
    >>> Pair = namedtuple("Pair", ["numbers", "flags"])
    >>> packed = Packed(Pair(np.zeros(3), np.zeros((2, 4), np.uint8)))
    >>> packed.kind.target.fields, packed.address > 0
    (('numbers', 'flags'), True)
    """

    __slots__ = ("_kinds", "_parts", "_words", "address", "kind", "named")

    def __init__(self, named: Any, before: Packed | None = None) -> None:
        self.named = named
        if before is None or type(before.named) is not type(named):
            self._kinds, self._parts = [*map(_kind_of, named)], [*map(_words, named)]
        else:
            self._kinds, self._parts = before._kinds.copy(), before._parts.copy()
            for i, (array, old) in enumerate(zip(named, before.named, strict=True)):
                if array is not old:
                    self._kinds[i], self._parts[i] = _kind_of(array), _words(array)
        self.kind = _reference_to(named, self._kinds)
        self._words = np.fromiter(chain.from_iterable(self._parts), np.int64)
        self.address = int(self._words.ctypes.data)


def _reference_to(named: Any, kinds: list[Any]) -> Ref:
    """Numba's type; asking Numba for it takes a millisecond."""
    key = (type(named), *kinds)
    if key not in _KINDS:
        _KINDS[key] = Ref(typeof(named))
    return _KINDS[key]


def _kind_of(value: Any) -> Any:
    """What Numba's type of an array or a number follows from."""
    if isinstance(value, np.ndarray):
        return value.dtype, value.ndim, value.flags.num
    return type(value)


def _words(array: np.ndarray) -> tuple[int, ...]:
    """An array as Numba lays it out: no owners, items, their size, place, shape, strides."""
    place = array.__array_interface__["data"][0]
    return (0, 0, array.size, array.itemsize, place, *array.shape, *array.strides)


class Caller:
    """A kernel that is called again and again with the same named tuples.

    Numba looks at the types of all arrays at every call: 50 us for ours, in front of steps that
    take less. Here tuples are packed, and looked at again only where one is another object.

    Args:
        kernel: whose first arguments are named tuples, and whose others are arrays or numbers.
        after: one that is called with the same tuples before; what it has packed is used again.

    >>> from collections import namedtuple
    >>> from numba import njit
    >>> Pair = namedtuple("Pair", ["numbers", "flags"])
    >>> add = Caller(njit(lambda pair, x: ref(pair).numbers.sum() + x))
    >>> add((Pair(np.ones(3), np.zeros(2)),), 2.0)
    5.0
    """

    __slots__ = ("_after", "_compiled", "_entry", "_kernel", "_kinds", "_named", "_packed")

    def __init__(self, kernel: Any, after: Caller | None = None) -> None:
        self._kernel, self._entry, self._after = kernel, kernel, after
        self._named: tuple[Any, ...] = ()
        self._packed: tuple[Packed, ...] = ()
        self._kinds: list[Any] = []
        self._compiled: tuple[list[Ref], list[Any]] | None = None

    def __call__(self, named: tuple[Any, ...], *others: Any) -> Any:
        """Calls the kernel with these tuples, and what comes behind them."""
        same = len(named) == len(self._named) and not any(map(is_not, named, self._named))
        if not same or [*map(_kind_of, others)] != self._kinds:
            self._settle(named, others)
        return self._entry(*self._packed, *others)

    def _settle(self, named: tuple[Any, ...], others: tuple[Any, ...]) -> None:
        packed_there = () if self._after is None else self._after._packed
        before = {id(packed.named): packed for packed in (*self._packed, *packed_there)}
        old = self._packed if len(self._packed) == len(named) else (None,) * len(named)
        self._packed = tuple(
            before.get(id(one)) or Packed(one, like) for one, like in zip(named, old, strict=True)
        )
        self._named, self._kinds = named, [*map(_kind_of, others)]
        tables = [packed.kind for packed in self._packed]
        if not PLAIN and (tables, self._kinds) != self._compiled:
            kinds = (from_start(typeof(other)) for other in others)
            self._entry = self._kernel.compile((*tables, *kinds))
            self._compiled = tables, self._kinds


@typeof_impl.register(Packed)
def _kind(value: Packed, context: Any) -> Ref:
    return value.kind


@unbox(Ref)
def _address(kind: Ref, packed: Any, context: Any) -> NativeValue:
    number = context.pyapi.object_getattr_string(packed, "address")
    place = context.unbox(types.intp, number).value
    context.pyapi.decref(number)
    return NativeValue(context.builder.inttoptr(place, _BYTES))


def _as_it_is(given: Any) -> Any:
    """Where kernels are plain Python a reference to a tuple is the tuple."""
    return given.named if isinstance(given, Packed) else given


@compiled_or(_as_it_is)
def ref(typingctx: Any, named: Any) -> Any:
    """A reference to a named tuple, packed or not; good until the calling kernel returns."""
    packed = isinstance(named, Ref)
    kind = named if packed else Ref(named)

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        if not packed:
            stored = cgutils.alloca_once_value(builder, values[0])
            return builder.bitcast(stored, _BYTES)
        # A copy of its own: the compiler sees that nothing written to an array changes it.
        struct = context.get_value_type(kind.target)
        stored = builder.bitcast(cgutils.alloca_once(builder, struct), _BYTES)
        size = context.get_constant(types.intp, context.get_abi_sizeof(struct))
        cgutils.raw_memcpy(builder, stored, values[0], size, 1)
        return stored

    return kind(named), codegen
