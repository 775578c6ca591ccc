"""Exponentials of matrices against exact arithmetic, and that each stands alone."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from neuro_rtrl.equations.matrix_exponential import expm, product


def exact(matrix: np.ndarray) -> np.ndarray:
    with mpmath.workdps(60):
        found = mpmath.expm(mpmath.matrix(matrix.tolist()), method="taylor")
        return np.array(found.tolist(), float)


def generators(rng: np.random.Generator, size: float) -> np.ndarray:
    """As those of membranes: decays, couplings upwards, constants in the last column."""
    made = np.triu(rng.standard_normal((6, 4, 4))) * size
    made[:, range(4), range(4)] = -np.abs(made[:, range(4), range(4)])
    made[:, 3] = 0.0
    return made


@pytest.mark.parametrize("size", [1e-6, 0.01, 0.3, 1.0, 5.0])
def test_errors_are_some_roundings(size: float, rng: np.random.Generator) -> None:
    matrices = generators(rng, size)
    found = expm(matrices)
    for one, matrix in zip(found, matrices, strict=True):
        wanted = exact(matrix)
        np.testing.assert_allclose(one, wanted, rtol=3e-14, atol=3e-15 * np.abs(wanted).max())
        np.testing.assert_array_equal(one[np.tril_indices(4, -1)], 0.0)


def test_a_membrane_is_its_formula() -> None:
    tau = np.array([0.5, 1.0, 20.0, 1e4])
    matrices = np.zeros((4, 2, 2))
    matrices[:, 0, 0], matrices[:, 0, 1] = -1 / tau, 0.7 / tau
    found = expm(matrices)
    np.testing.assert_allclose(found[:, 0, 0], np.exp(-1 / tau), rtol=4e-16)
    np.testing.assert_allclose(found[:, 0, 1], -0.7 * np.expm1(-1 / tau), rtol=6e-16)


def test_each_stands_alone(rng: np.random.Generator) -> None:
    matrices = np.concatenate([generators(rng, size) for size in (0.01, 3.0)])
    found = expm(matrices)
    for one, matrix in zip(found, matrices, strict=True):
        np.testing.assert_array_equal(expm(matrix), one)


def test_large_decays_end_at_zero() -> None:
    found = expm(np.array([[-1e6, 2e6], [0.0, 0.0]]))
    np.testing.assert_allclose(found, [[0.0, 2.0], [0.0, 1.0]], rtol=1e-13)


def test_products(rng: np.random.Generator) -> None:
    a, b = rng.standard_normal((2, 5, 3, 3))
    np.testing.assert_allclose(product(a, b), a @ b, rtol=1e-13, atol=1e-15)
