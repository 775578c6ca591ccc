"""Functions of a number that generated code may call."""

from __future__ import annotations

import math

from neuro_rtrl.kernels.exponential import expm1
from neuro_rtrl.kernels.jit import quick


@quick
def sigmoid(x: float) -> float:
    """1/(1 + exp(-x)) without overflow."""
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    small = math.exp(x)
    return small / (1.0 + small)


@quick
def exprel(x: float) -> float:
    """(exp(x) - 1)/x, and 1 at 0."""
    return 1.0 if x == 0.0 else expm1(x) / x


@quick
def phi_2(x: float) -> float:
    """(exprel(x) - 1)/x, and 1/2 at 0; by its series where the difference would cancel."""
    if abs(x) >= 0.5:
        return (exprel(x) - 1.0) / x
    # Horner's scheme of sum x^k/(k + 2)!
    total = 1.0
    for k in range(15, 2, -1):
        total = 1.0 + x * total / k
    return 0.5 * total


@quick
def above(x: float) -> float:
    """1 where x > 0, else 0."""
    return 1.0 if x > 0.0 else 0.0


@quick
def at_least(x: float) -> float:
    """1 where x >= 0, else 0."""
    return 1.0 if x >= 0.0 else 0.0


@quick
def sign(x: float) -> float:
    """-1, 0 or 1."""
    if x > 0.0:
        return 1.0
    return -1.0 if x < 0.0 else 0.0


@quick
def clip(x: float, low: float, high: float) -> float:
    """min(max(x, low), high)."""
    return min(max(x, low), high)
