"""Orthonormal bases of a few long vectors, and sums of them.

    vectors_j = sum_{i<=j} R[i, j] q_i,   q orthonormal        (Gram & Schmidt, modified, run twice:
                                          Giraud, Langou & Rozloznik 2005, "twice is enough")

In one thread and in a fixed order, so that results do not depend on how a linear algebra library
shares its work; for so few vectors its threads also cost more than they bring.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.jit import jit, kernel

# What is left of a vector in the span of those before it, over its length, is rounding below this.
SMALL = 1e-14


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
