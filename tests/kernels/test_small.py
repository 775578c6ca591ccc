"""Small matrices against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.kernels import small
from neuro_rtrl.kernels.jit import kernel


@kernel
def identity(d: int, out: np.ndarray) -> None:
    small.identity(d, out)


@kernel
def is_zero(d: int, a: np.ndarray) -> bool:
    return small.is_zero(d, a)


@kernel
def is_identity(d: int, a: np.ndarray) -> bool:
    return small.is_identity(d, a)


@kernel
def multiply_into(d: int, a: np.ndarray, b: np.ndarray, work: np.ndarray) -> None:
    small.multiply_into(d, a, b, work)


@kernel
def power_into(d: int, a: np.ndarray, steps: int, b: np.ndarray, matrix: np.ndarray) -> None:
    small.power_into(d, a, steps, b, matrix)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_identity_and_zero(d: int) -> None:
    out = np.full(d * d + 1, 7.0)  # what lies behind the matrix is not looked at
    identity(d, out)
    np.testing.assert_array_equal(out[:-1].reshape(d, d), np.eye(d))
    assert out[-1] == 7.0
    assert is_identity(d, out) and not is_zero(d, out)
    out[d * d - 1] = 0.5
    assert not is_identity(d, out)
    out[:-1] = 0.0
    assert is_zero(d, out) and not is_identity(d, out)


def test_entries_beside_the_diagonal_count() -> None:
    assert not is_identity(2, np.array([1.0, 0.0, 1e-300, 1.0]))
    assert not is_zero(2, np.array([0.0, 1e-300, 0.0, 0.0]))


@pytest.mark.parametrize("d", [1, 2, 3])
def test_products(d: int, rng: np.random.Generator) -> None:
    a, b = rng.standard_normal((2, d, d))
    found = b.ravel().copy()
    multiply_into(d, a.ravel(), found, np.zeros(d * d))
    np.testing.assert_allclose(found.reshape(d, d), a @ b, rtol=1e-14)


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("steps", [-3, 0, 1, 2, 3, 7, 12, 13])
def test_powers(d: int, steps: int, rng: np.random.Generator) -> None:
    """What is multiplied need not commute with the matrix."""
    a, b = rng.standard_normal((2, d, d))
    found = b.ravel().copy()
    power_into(d, a.ravel(), steps, found, np.zeros((3, d * d)))
    wanted = np.linalg.matrix_power(a, max(steps, 0)) @ b
    np.testing.assert_allclose(found.reshape(d, d), wanted, rtol=1e-10, atol=1e-10)


@kernel
def powers(base: float, out: np.ndarray) -> None:
    for exponent in range(out.shape[0]):
        out[exponent] = small.power(base, exponent)


@pytest.mark.parametrize("base", [0.0, 1.0, -0.5, 0.97])
def test_powers_of_a_number(base: float) -> None:
    out = np.full(200, np.nan)
    powers(base, out)
    np.testing.assert_allclose(out, base ** np.arange(200), rtol=1e-14, atol=0)
