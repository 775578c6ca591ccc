"""exp(x) and exp(x) - 1 without branches, tables or calls: loops over units become vector code.

    x = k ln 2 + r,  |r| <= ln(2)/2          (Cody & Waite 1980, Software Manual, chapter 6)
    q = exp(r) - 1 = r + r^2 (1/2! + r/3! + ... + r^11/13!)
    exp(x) = 2^k + 2^k q,    exp(x) - 1 = (2^k - 1) + 2^k q

The largest error is 0.9 ulp for exp, and 1.5 ulp for expm1, where results are not subnormal. On
machines that multiply and add with one rounding results do not depend on the C library.
"""

from __future__ import annotations

from math import factorial
from typing import Any

from llvmlite import ir
from numba import types

from neuro_rtrl.kernels import plain
from neuro_rtrl.kernels.jit import quick
from neuro_rtrl.kernels.plain import compiled_or

PER_LN2 = float.fromhex("0x1.71547652b82fep0")
# ln 2 in two parts; a multiple of the first by k has no rounding.
LN2_HIGH, LN2_LOW = float.fromhex("-0x1.62e42fefa0000p-1"), float.fromhex("-0x1.cf79abc9e3b39p-40")
# Adding it rounds to a whole number, which is then in the lowest bits.
SHIFT = float.fromhex("0x1.8p52")
# Beyond these, exp is infinite, or 0; beyond HUGE, 1 is nothing beside it.
LARGEST, SMALLEST, HUGE = 710.0, -746.0, 700.0
# Bits of a float64 that hold its exponent.
EXPONENT = 0x7FF0000000000000
C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C13 = (1.0 / factorial(n) for n in range(2, 14))


@compiled_or(plain.bits)
def bits(typingctx: Any, x: Any) -> Any:
    """The bits of a float64 as a whole number."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.bitcast(values[0], ir.IntType(64))

    return types.int64(types.float64), codegen


@compiled_or(plain.from_bits)
def from_bits(typingctx: Any, x: Any) -> Any:
    """The float64 with these bits."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.bitcast(values[0], ir.DoubleType())

    return types.float64(types.int64), codegen


@compiled_or(plain.fma)
def fma(typingctx: Any, x: Any, y: Any, z: Any) -> Any:
    """x y + z, rounded once where the machine can."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        number = ir.DoubleType()
        kind = ir.FunctionType(number, [number] * 3)
        function = builder.module.declare_intrinsic("llvm.fmuladd", [number], kind)
        return builder.call(function, values)

    return types.float64(types.float64, types.float64, types.float64), codegen


@quick
def _rest(r: float) -> float:
    """exp(r) - 1."""
    p = fma(r, C13, C12)
    p = fma(r, p, C11)
    p = fma(r, p, C10)
    p = fma(r, p, C9)
    p = fma(r, p, C8)
    p = fma(r, p, C7)
    p = fma(r, p, C6)
    p = fma(r, p, C5)
    p = fma(r, p, C4)
    p = fma(r, p, C3)
    p = fma(r, p, C2)
    return float(fma(r * r, p, r))


@quick
def _parts(given: float) -> tuple[float, float, float]:
    """A, B and q of exp(x) = A B (1 + q): two powers of two, as 2^1024 cannot be stored."""
    x = LARGEST if given > LARGEST else given
    x = SMALLEST if x < SMALLEST else x
    shifted = fma(PER_LN2, x, SHIFT)
    r = fma(shifted - SHIFT, LN2_LOW, fma(shifted - SHIFT, LN2_HIGH, x))
    # What SHIFT has above the whole number goes when it is shifted to the left.
    k = (bits(shifted) << 13) >> 13
    half = k >> 1
    return from_bits((half + 1023) << 52), from_bits((k - half + 1023) << 52), _rest(r)


@quick
def exp(x: float) -> float:
    """e to the power of x."""
    scale, power, q = _parts(x)
    return float(fma(scale, q, scale) * power)


@quick
def expm1(x: float) -> float:
    """exp(x) - 1, without cancellation."""
    scale, power, q = _parts(x)
    both = scale * power
    return float(fma(scale, q, scale) * power if x > HUGE else fma(both, q, both - 1.0))
