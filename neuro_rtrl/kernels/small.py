"""Small matrices (d x d, stored row by row in flat arrays)."""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.jit import inline, jit


@jit
def identity(d: int, out: np.ndarray) -> None:
    """out <- 1."""
    for i in range(d * d):
        out[i] = 0.0
    for i in range(d):
        out[i * d + i] = 1.0


@jit
def is_zero(d: int, a: np.ndarray) -> bool:
    """Whether every entry is zero."""
    for i in range(d * d):
        if a[i] != 0.0:
            return False
    return True


@jit
def is_identity(d: int, a: np.ndarray) -> bool:
    """Whether it changes nothing."""
    for i in range(d):
        for j in range(d):
            if a[i * d + j] != (1.0 if i == j else 0.0):
                return False
    return True


@jit
def multiply_into(d: int, a: np.ndarray, b: np.ndarray, work: np.ndarray) -> None:
    """b <- a b."""
    for i in range(d):
        for j in range(d):
            total = 0.0
            for q in range(d):
                total += a[i * d + q] * b[q * d + j]
            work[i * d + j] = total
    for i in range(d * d):
        b[i] = work[i]


@inline
def power(base: float, exponent: int) -> float:
    """base^exponent by repeated squaring, for exponents >= 0; no branch looks at its bits."""
    found, square, left = 1.0, base, exponent
    while left > 0:
        found *= square if left & 1 else 1.0
        square *= square
        left >>= 1
    return found


@inline
def power_into(d: int, a: np.ndarray, steps: int, b: np.ndarray, matrix: np.ndarray) -> None:
    """b <- a^steps b, by repeated squaring; `matrix` (3, d*d) is scratch."""
    if steps <= 0:
        return
    if d == 1:
        b[0] *= power(a[0], steps)
    else:
        _squares(d, a, steps, b, matrix)


@jit
def _squares(d: int, a: np.ndarray, steps: int, b: np.ndarray, matrix: np.ndarray) -> None:
    square, work = matrix[0], matrix[1]
    for i in range(d * d):
        square[i] = a[i]
    left = steps
    while left > 0:
        if left % 2 == 1:  # powers of one matrix commute, so the order does not matter
            multiply_into(d, square, b, work)
        left //= 2
        if left > 0:
            for i in range(d * d):
                matrix[2, i] = square[i]
            multiply_into(d, matrix[2], square, work)
