"""Orthonormal bases: they span what they were made of, also where it is dependent."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.kernels.orthogonal import orthonormalize, singular, sums


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


@pytest.mark.parametrize("k", [1, 2, 5, 12])
def test_singular_values(k: int, rng: np.random.Generator) -> None:
    M = rng.standard_normal((k, k)) * 10.0 ** rng.integers(-6, 6, (1, k))
    columns, s, W = M.T.copy(), np.full(k, 7.0), np.full((k, k), 7.0)
    singular(columns, s, W)
    dense = np.linalg.svd(M, compute_uv=False)
    np.testing.assert_allclose(s, dense, rtol=0, atol=1e-14 * s[0])
    np.testing.assert_allclose(columns.T @ np.diag(s) @ W, M, rtol=0, atol=1e-14 * s[0] * k)
    np.testing.assert_allclose(columns @ columns.T, np.eye(k), atol=1e-13)
    np.testing.assert_allclose(W @ W.T, np.eye(k), atol=1e-13)
    assert (np.diff(s) <= 0).all()


def test_singular_values_that_are_none() -> None:
    a, b = np.array([[3.0, 4.0, 0.0]]), np.array([[0.0, 2.0, 1.0]])
    columns, s, W = (b.T @ a).copy(), np.ones(3), np.ones((3, 3))
    singular(columns, s, W)
    np.testing.assert_allclose(s, [5.0 * np.sqrt(5.0), 0.0, 0.0], atol=1e-15)
    np.testing.assert_allclose(W @ W.T, np.eye(3), atol=1e-15)
    assert not columns[s == 0.0].any()
    columns, s = np.zeros((3, 3)), np.ones(3)
    singular(columns, s, W)
    assert not s.any() and not columns.any()


def test_numbers_that_are_not_finite_do_not_hang() -> None:
    columns, s, W = np.full((3, 3), np.nan), np.ones(3), np.ones((3, 3))
    singular(columns, s, W)
    assert np.isnan(s).all()
