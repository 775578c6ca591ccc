"""Singular values of sums of products, against the dense decomposition."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.engine.low_rank import beside, combine, decompose, length


@pytest.mark.parametrize(("k", "m", "n"), [(3, 20, 30), (4, 2, 9), (1, 5, 5)])
def test_decomposition(k: int, m: int, n: int, rng: np.random.Generator) -> None:
    left, right = rng.standard_normal((k, m)), rng.standard_normal((k, n))
    wanted = left.T @ right
    q_l, q_r = left.copy(), right.copy()
    U, s, W, size = decompose(q_l, q_r)
    dense = np.linalg.svd(wanted, compute_uv=False)
    np.testing.assert_allclose(s[: min(k, m, n)], dense[:k], atol=1e-13)
    found = combine(U.T, q_l).T @ np.diag(s) @ combine(W, q_r)
    np.testing.assert_allclose(found, wanted, atol=1e-13)
    lengths = np.linalg.norm(left, axis=1) @ np.linalg.norm(right, axis=1)
    assert size == pytest.approx(lengths) and s[0] <= size * (1 + 1e-12)


def test_length() -> None:
    assert length(np.array([[3.0, 0.0], [0.0, 4.0]])) == 5.0


@pytest.mark.parametrize("first", [0.6, -0.6, 0.0, 1.0])
def test_what_a_unit_vector_leaves(first: float, rng: np.random.Generator) -> None:
    rest = rng.standard_normal(4)
    z = np.concatenate([[first], rest / np.linalg.norm(rest) * np.sqrt(1.0 - first**2)])
    Z = beside(z)
    np.testing.assert_allclose(Z.T @ Z, np.eye(4), atol=1e-14)
    np.testing.assert_allclose(z @ Z, 0.0, atol=1e-14)
