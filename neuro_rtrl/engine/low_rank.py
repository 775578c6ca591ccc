"""Singular values of a sum of a few products of long vectors.

Everything that is summed here is summed by kernels, in their own order: what NumPy hands to a
library of linear algebra has other last digits with every version of it.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.orthogonal import orthonormalize, singular, sums


def decompose(
    left: np.ndarray, right: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """U, s, W and a size, with  sum_j left_j right_j^T = (U^T q_l)^T diag(s) (W q_r).

    Args:
        left: (k, m); becomes the orthonormal q_l, in place.
        right: (k, n); becomes q_r, in place.

    Returns:
        U (k, k), s (k,) descending, W (k, k), and the sum of the lengths |left_j| |right_j|, to
        measure rounding by.

    >>> a, b = np.array([[3.0, 0.0], [0.0, 4.0]]), np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    >>> decompose(a, b)[1].tolist()
    [4.0, 3.0]
    """
    k = left.shape[0]
    R_l, R_r = np.zeros((k, k)), np.zeros((k, k))
    orthonormalize(left, R_l)
    orthonormalize(right, R_r)
    # The columns of R_l R_r^T are the sums of those of R_l by the rows of R_r.
    columns, s, W = combine(R_r, R_l.T), np.zeros(k), np.zeros((k, k))
    singular(columns, s, W)
    lengths = np.sqrt(np.square(R_l).sum(axis=0)) * np.sqrt(np.square(R_r).sum(axis=0))
    return columns.T, s, W, float(lengths.sum())


def combine(M: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """M (c, k) times vectors (k, n)."""
    out = np.zeros((M.shape[0], vectors.shape[1]))
    sums(np.ascontiguousarray(M), np.ascontiguousarray(vectors), out)
    return out


def length(x: np.ndarray) -> float:
    """The 2-norm of all entries."""
    return float(np.sqrt(np.square(x).sum()))


def beside(z: np.ndarray) -> np.ndarray:
    """(n, n - 1) an orthonormal basis of all that is orthogonal to the unit vector z (n,).

    The columns but the first of 1 - v v^T / (1 + |z_0|), v = z + sign(z_0) e_0 (Householder).

    >>> beside(np.array([0.0, 1.0])).round(6).tolist()
    [[-1.0], [0.0]]
    """
    v = z.copy()
    v[0] += 1.0 if z[0] >= 0.0 else -1.0
    made: np.ndarray = np.eye(z.size)[:, 1:] - v[:, None] * v[1:] / (1.0 + abs(z[0]))
    return made
