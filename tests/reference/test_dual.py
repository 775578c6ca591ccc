"""Dual numbers differentiate: every operation and function against central differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuro_rtrl.equations.functions import NUMERIC, SYMBOLIC
from tests.reference.dual import FUNCTIONS, Dual, Number, variable

A, B = 1.3, 0.7
OPERATIONS: dict[str, Callable[[Number, Number], Number]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "mixed": lambda a, b: (3.0 - a) / (2.0 + b) * 2.0 - 1.0 / a + 2.0**b - (-a) + a**2.0,
}


def differences(f: Callable[..., Number], *point: float, step: float = 1e-6) -> np.ndarray:
    """Central differences of f at a point, one for each argument."""
    slopes = []
    for i in range(len(point)):
        above, below = (
            f(*(x + move * (j == i) for j, x in enumerate(point))) for move in (step, -step)
        )
        slopes.append((above - below) / (2 * step))
    return np.array(slopes)


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations(name: str) -> None:
    f = OPERATIONS[name]
    found = f(variable(A, 0, 2), variable(B, 1, 2))
    assert isinstance(found, Dual)
    assert found.value == pytest.approx(f(A, B), rel=1e-15)
    np.testing.assert_allclose(found.gradient, differences(f, A, B), rtol=1e-8)


@given(x=st.floats(0.1, 2.0), negative=st.booleans(), name=st.sampled_from(sorted(FUNCTIONS)))
def test_functions(x: float, negative: bool, name: str) -> None:
    f = FUNCTIONS[name]
    x = -x if negative and name not in ("log", "sqrt") else x
    found = f(variable(x, 0, 1))
    assert isinstance(found, Dual)
    assert found.value == pytest.approx(f(x), rel=1e-15)
    np.testing.assert_allclose(found.gradient, differences(f, x), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("x", [0.3, 1.7])
def test_values_are_those_of_the_package(name: str, x: float) -> None:
    assert FUNCTIONS[name](x) == pytest.approx(float(NUMERIC[name](x)), rel=1e-14)


def test_every_function_of_a_text_is_there() -> None:
    # The derivative of exprel, which no text can write and the twin has by hand; what only texts of
    # synapses may say, which nothing is derived from.
    assert set(FUNCTIONS) == set(NUMERIC) - {"phi_2", "clip"}
    # SymPy's derivative of Abs is sign; comparisons become steps.
    written = {name.replace("abs", "Abs") for name in SYMBOLIC}
    assert written == set(FUNCTIONS) - {"sign", "above", "at_least"}


def test_powers_at_zero_have_a_derivative() -> None:
    zero = variable(0.0, 0, 1)
    assert (zero**2.0).gradient[0] == 0.0
    assert (zero**1.0).gradient[0] == 1.0
    assert (zero**0.0).gradient[0] == 0.0


def test_a_wrong_derivative_is_seen() -> None:
    """The check above can fail: d(x^2)/dx is not x."""
    wrong = Dual(A * A, np.array([A]))
    assert not np.allclose(wrong.gradient, differences(lambda x: x * x, A), rtol=1e-3)
