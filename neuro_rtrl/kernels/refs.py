"""A named tuple of arrays, handed on by reference.

Numba passes a tuple by value: a function that takes five of ours would have a thousand arguments,
slow to compile and slow to call. `ref(t)` stores the tuple once, in the frame of the kernel that
Python called, and gives a reference with the same attributes; a part of a kernel takes references
and reads what it needs. A reference must not outlive that frame, which is why only entry points
(`@kernel`) make them.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, lower_getattr_generic, models, register_model

from neuro_rtrl.kernels import plain
from neuro_rtrl.kernels.plain import compiled_or


class Ref(types.Type):
    """Type of a reference to a named tuple of type `target`."""

    def __init__(self, target: types.Type) -> None:
        self.target = target
        super().__init__(name=f"Ref({target})")


@register_model(Ref)
class _RefModel(models.PrimitiveModel):
    """An untyped pointer."""

    def __init__(self, manager: Any, fe_type: Ref) -> None:
        super().__init__(manager, fe_type, ir.IntType(8).as_pointer())


@infer_getattr
class _RefAttributes(AttributeTemplate):
    """`reference.name` has the type of the tuple's field."""

    key = Ref

    def generic_resolve(self, kind: Ref, name: str) -> types.Type | None:
        fields = kind.target.fields
        return kind.target.types[fields.index(name)] if name in fields else None


@lower_getattr_generic(Ref)
def _load_field(context: Any, builder: Any, kind: Ref, value: Any, name: str) -> Any:
    struct = context.get_value_type(kind.target)
    pointer = builder.bitcast(value, struct.as_pointer())
    place = kind.target.fields.index(name)
    return builder.load(cgutils.gep_inbounds(builder, pointer, 0, place))


@compiled_or(plain.same)
def ref(typingctx: Any, named: Any) -> Any:
    """A reference to a named tuple; good until the calling kernel returns."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        stored = cgutils.alloca_once_value(builder, values[0])
        return builder.bitcast(stored, ir.IntType(8).as_pointer())

    return Ref(named)(named), codegen
