"""Orthonormal bases of a few long vectors, sums of them, and singular values of small matrices.

    vectors_j = sum_{i<=j} R[i, j] q_i,   q orthonormal        (Gram & Schmidt, modified, run twice:
                                          Giraud, Langou & Rozloznik 2005, "twice is enough")

    M = sum_i s_i u_i w_i^T               (Hestenes 1958: pairs of columns are turned until all are
                                          orthogonal)

In one thread and in a fixed order, so that results depend neither on how a linear algebra library
shares its work nor on its version; for so few vectors its threads also cost more than they bring.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.jit import jit, kernel

# What is left of a vector in the span of those before it, over its length, is rounding below this.
SMALL = 1e-14
# Columns are orthogonal when their cosine is rounding; a few sweeps over all pairs do.
STRAIGHT, MOST_SWEEPS = 1e-15, 60


@jit
def dot(a: np.ndarray, b: np.ndarray) -> float:
    """Sum of a b, four sums side by side."""
    n = a.shape[0]
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    i = 0
    while i + 4 <= n:
        s0 += a[i] * b[i]
        s1 += a[i + 1] * b[i + 1]
        s2 += a[i + 2] * b[i + 2]
        s3 += a[i + 3] * b[i + 3]
        i += 4
    while i < n:
        s0 += a[i] * b[i]
        i += 1
    return (s0 + s1) + (s2 + s3)


@kernel
def orthonormalize(vectors: np.ndarray, R: np.ndarray) -> None:
    """vectors (k, n) <- q; R (k, k) <- their coefficients. A dependent vector becomes zero."""
    for j in range(vectors.shape[0]):
        q = vectors[j]
        length = np.sqrt(dot(q, q))
        for i in range(R.shape[0]):
            R[i, j] = 0.0
        for _ in range(2):
            for i in range(j):
                before = vectors[i]
                c = dot(before, q)
                R[i, j] += c
                for x in range(q.shape[0]):
                    q[x] -= c * before[x]
        left = np.sqrt(dot(q, q))
        R[j, j] = 0.0 if left <= SMALL * length else left
        scale = 0.0 if left <= SMALL * length else 1.0 / left
        for x in range(q.shape[0]):
            q[x] *= scale


@kernel
def sums(M: np.ndarray, vectors: np.ndarray, out: np.ndarray) -> None:
    """out (c, n) <- M (c, k) vectors (k, n)."""
    for i in range(M.shape[0]):
        row = out[i]
        for x in range(row.shape[0]):
            row[x] = 0.0
        for j in range(M.shape[1]):
            m, vector = M[i, j], vectors[j]
            for x in range(row.shape[0]):
                row[x] += m * vector[x]


@kernel
def singular(columns: np.ndarray, s: np.ndarray, W: np.ndarray) -> None:
    """columns (k, m), the columns m_i of M <- u_i; s (k,) descending; W (k, k) <- w_i.

    Where s is 0, u is.
    """
    k = columns.shape[0]
    for i in range(k):
        for j in range(k):
            W[i, j] = 1.0 if i == j else 0.0
    for _ in range(MOST_SWEEPS):
        if not _sweep(columns, W):
            break
    for i in range(k):
        s[i] = np.sqrt(dot(columns[i], columns[i]))
    for i in range(k):
        largest = i
        for j in range(i + 1, k):
            if s[j] > s[largest]:
                largest = j
        _swap(columns, W, s, i, largest)
        scale = 1.0 / s[i] if s[i] > 0.0 else 0.0
        for x in range(columns.shape[1]):
            columns[i, x] *= scale


@jit
def _sweep(columns: np.ndarray, W: np.ndarray) -> bool:
    """Each pair of columns is turned until it is orthogonal; whether any was not."""
    turned = False
    for i in range(columns.shape[0] - 1):
        for j in range(i + 1, columns.shape[0]):
            a, b = dot(columns[i], columns[i]), dot(columns[j], columns[j])
            c = dot(columns[i], columns[j])
            if abs(c) > STRAIGHT * np.sqrt(a * b):
                # tan(2 angle) = 2 c / (b - a), the smaller of the two angles
                zeta = (b - a) / (2.0 * c)
                sign = 1.0 if zeta >= 0.0 else -1.0
                tan = sign / (abs(zeta) + np.sqrt(1.0 + zeta * zeta))
                cos = 1.0 / np.sqrt(1.0 + tan * tan)
                _turn(columns[i], columns[j], cos, cos * tan)
                _turn(W[i], W[j], cos, cos * tan)
                turned = True
    return turned


@jit
def _turn(a: np.ndarray, b: np.ndarray, cos: float, sin: float) -> None:
    for x in range(a.shape[0]):
        before = a[x]
        a[x] = cos * before - sin * b[x]
        b[x] = sin * before + cos * b[x]


@jit
def _swap(columns: np.ndarray, W: np.ndarray, s: np.ndarray, i: int, j: int) -> None:
    if i == j:
        return
    s[i], s[j] = s[j], s[i]
    for x in range(columns.shape[1]):
        columns[i, x], columns[j, x] = columns[j, x], columns[i, x]
    for x in range(W.shape[1]):
        W[i, x], W[j, x] = W[j, x], W[i, x]
