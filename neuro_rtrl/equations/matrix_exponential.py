"""e to the power of small matrices, in sums and products whose order is written here.

    e^A = (e^(A / 2^s))^(2^s),    e^X = I + X (I + X/2 (I + X/3 (...)))   for |X| <= 1/2

(scaling and squaring; Moler & Van Loan 2003, SIAM Review 45:3, method 3). Libraries do it faster,
and in another order with every version: a network would have other bits with each.
"""

from __future__ import annotations

import numpy as np

TERMS = 16  # (1/2)^17 / 17! is 2e-20


def expm(matrices: np.ndarray) -> np.ndarray:
    """The exponentials of matrices (..., n, n); each depends on its own matrix alone.

    >>> expm(np.array([[0.0, 1.0], [0.0, 0.0]])).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    size = np.abs(matrices).sum(axis=-2).max(axis=-1)
    # 2^(e - 1) <= size < 2^e
    halvings = np.where(np.isfinite(size), np.maximum(np.frexp(size)[1] + 1, 0), 0)
    small = np.ldexp(matrices, -halvings[..., None, None])
    identity = np.eye(matrices.shape[-1])
    power = np.broadcast_to(identity, matrices.shape)
    for k in range(TERMS, 0, -1):
        power = identity + product(small, power) / k
    for i in range(int(halvings.max(initial=0))):
        power = np.where((i < halvings)[..., None, None], product(power, power), power)
    return power


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Matrix products (..., n, n), summed from the first column on."""
    total = a[..., :, :1] * b[..., :1, :]
    for k in range(1, a.shape[-1]):
        total = total + a[..., :, k : k + 1] * b[..., k : k + 1, :]
    return total
