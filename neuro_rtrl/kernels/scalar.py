"""Functions of one number that generated code may call."""

from __future__ import annotations

import math

from neuro_rtrl.kernels.jit import jit


@jit
def sigmoid(x: float) -> float:
    """1/(1 + exp(-x)) without overflow."""
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    small = math.exp(x)
    return small / (1.0 + small)


@jit
def sign(x: float) -> float:
    """-1, 0 or 1."""
    if x > 0.0:
        return 1.0
    return -1.0 if x < 0.0 else 0.0
