"""Orthonormal bases: they span what they were made of, also where it is dependent."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.kernels.orthogonal import orthonormalize, sums


@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (5, 103), (7, 3)])
def test_bases(shape: tuple[int, int], rng: np.random.Generator) -> None:
    vectors, R = rng.standard_normal(shape), np.full((shape[0],) * 2, 7.0)
    q = vectors.copy()
    orthonormalize(q, R)
    np.testing.assert_allclose(R.T @ q, vectors, rtol=0, atol=1e-13)
    rank = min(shape)
    np.testing.assert_allclose(q[:rank] @ q[:rank].T, np.eye(rank), atol=1e-14)
    assert not q[rank:].any() and not np.tril(R, -1).any()


def test_nearly_dependent_vectors_are_orthogonal_all_the_same(rng: np.random.Generator) -> None:
    base = rng.standard_normal((1, 50))
    vectors = np.concatenate([base, base + 1e-9 * rng.standard_normal((3, 50)), 0 * base, -base])
    q, R = vectors.copy(), np.zeros((6, 6))
    orthonormalize(q, R)
    np.testing.assert_allclose(q[:4] @ q[:4].T, np.eye(4), atol=1e-13)
    assert not q[4:].any()
    np.testing.assert_allclose(R.T @ q, vectors, atol=1e-13)


def test_sums(rng: np.random.Generator) -> None:
    M, vectors, out = rng.standard_normal((3, 4)), rng.standard_normal((4, 9)), np.full((3, 9), 5.0)
    sums(M, vectors, out)
    np.testing.assert_allclose(out, M @ vectors, atol=1e-14)
