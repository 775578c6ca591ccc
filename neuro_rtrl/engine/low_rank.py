"""Singular values of a sum of a few products of long vectors."""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.orthogonal import orthonormalize, sums


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
    U, s, W = np.linalg.svd(R_l @ R_r.T)
    return U, s, W, float(np.linalg.norm(R_l, axis=0) @ np.linalg.norm(R_r, axis=0))


def combine(M: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """M (c, k) times vectors (k, n)."""
    out = np.zeros((M.shape[0], vectors.shape[1]))
    sums(np.ascontiguousarray(M), vectors, out)
    return out


def length(x: np.ndarray) -> float:
    """The 2-norm of all entries."""
    return float(np.sqrt(np.square(x).sum()))
