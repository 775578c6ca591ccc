"""The exponential against exact arithmetic, and where it ends."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest

from neuro_rtrl.kernels import exponential
from neuro_rtrl.kernels.jit import kernel
from neuro_rtrl.kernels.plain import PLAIN


@kernel
def fill(x: np.ndarray, power: np.ndarray, less: np.ndarray) -> None:
    for i in range(x.shape[0]):
        power[i] = exponential.exp(x[i])
        less[i] = exponential.expm1(x[i])


def both(x: list[float] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    array = np.asarray(x, float)
    power, less = np.empty_like(array), np.empty_like(array)
    # Plain Python, in which this may run, warns of what the ends are about.
    with np.errstate(all="ignore"):
        fill(array, power, less)
    return power, less


def ulps(found: float, exact: Decimal) -> float:
    return float(abs(Decimal(found) - exact) / Decimal(math.ulp(float(exact))))


@pytest.mark.parametrize("size", [1e-9, 1e-3, 0.1, 1.0, 30.0, 700.0])
def test_errors_are_as_small_as_said(size: float, rng: np.random.Generator) -> None:
    x = rng.uniform(-size, size, 300)
    power, less = both(x)
    with localcontext() as context:
        context.prec = 60
        exact = [Decimal(v).exp() for v in x]
        assert max(ulps(f, e) for f, e in zip(power, exact, strict=True)) < 0.9
        assert max(ulps(f, e - 1) for f, e in zip(less, exact, strict=True)) < 1.5


def test_many_agree_with_numpy(rng: np.random.Generator) -> None:
    count = 1000 if PLAIN else 100_000
    x = np.concatenate([rng.uniform(-s, s, count) for s in (1.0, 700.0)])
    power, less = both(x)
    np.testing.assert_allclose(power, np.exp(x), rtol=3e-16)
    np.testing.assert_allclose(less, np.expm1(x), rtol=5e-16)


def test_the_ends() -> None:
    x = [0.0, np.inf, -np.inf, np.nan, 709.782712893384, 709.7827128933841, -745.13, -745.2, 1e-320]
    power, less = both(x)
    np.testing.assert_array_equal(np.isinf(power), [0, 1, 0, 0, 0, 1, 0, 0, 0])
    np.testing.assert_array_equal(np.isinf(less), [0, 1, 0, 0, 0, 1, 0, 0, 0])
    assert np.isnan(power[3]) and np.isnan(less[3])
    assert power[0] == 1.0 and less[0] == 0.0 and less[8] == 1e-320
    assert power[2] == 0.0 == power[7] and power[6] == 5e-324
    np.testing.assert_array_equal(less[[2, 6, 7]], -1.0)
    assert power[4] == pytest.approx(1.797693134862e308)


def test_subnormal_results() -> None:
    power, _ = both([-708.5, -720.0, -740.0])
    np.testing.assert_allclose(power, np.exp([-708.5, -720.0, -740.0]), atol=1e-323, rtol=1e-15)
