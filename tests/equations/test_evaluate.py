"""Numbers for expressions: against SymPy's own arithmetic."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy

from neuro_rtrl.equations.evaluate import evaluate
from neuro_rtrl.equations.functions import (
    NUMERIC,
    SYMBOLIC,
    fold,
    stable_exprel,
    stable_phi_2,
    stable_sigmoid,
)
from neuro_rtrl.equations.parser import Term, parse, symbol

X, Y = symbol("x"), symbol("y")
NAMES = {"x": Term(X, ()), "y": Term(Y, ())}
TEXTS = [
    "x + y*2 - 1",
    "x**2/(y + 3)",
    "exp(-x)*sin(y) + cos(x*y)",
    "tanh(x) - sinh(y)/cosh(x)",
    "sqrt(x**2 + 1) + log(y**2 + 1)",
    "abs(x - y) + abs(y - x)*x",
    "2**x + x**-3",
    "exprel(x)*y + exprel(x*y)",
    "x*int(y < x and x <= 0.9) + y*int(not x > y or y >= 5)",
]
AT = {"x": 0.7, "y": -1.3}


def by_hand(text: str) -> float:
    """Python's own arithmetic."""
    own = {"exprel": lambda x: math.expm1(x) / x, "abs": abs, "int": int}
    return float(eval(text, vars(math) | own | AT))


@pytest.mark.parametrize("text", TEXTS)
def test_numbers(text: str) -> None:
    expression = parse(text, NAMES).expression
    found = evaluate(expression, AT)
    assert found == pytest.approx(by_hand(text), rel=1e-13)
    slope = sympy.diff(expression, X)
    moved = [evaluate(expression, AT | {"x": AT["x"] + h}) for h in (1e-6, -1e-6)]
    assert evaluate(slope, AT) == pytest.approx((moved[0] - moved[1]) / 2e-6, rel=1e-7)


@pytest.mark.parametrize("text", TEXTS)
def test_arrays_unit_by_unit(text: str) -> None:
    expression = parse(text, NAMES).expression
    x, y = np.array([0.1, 0.5, 2.0]), np.array([-1.0, 3.0, 0.5])
    together = evaluate(expression, {"x": x, "y": y})
    one_by_one = [evaluate(expression, {"x": a, "y": b}) for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(together, one_by_one, rtol=1e-14)


def test_the_table_of_functions_is_used() -> None:
    expression = parse("exp(x)", NAMES).expression
    assert evaluate(expression, {"x": "word"}, {"exp": lambda x: x * 2}) == "wordword"


def test_the_sigmoid_has_no_overflow() -> None:
    np.testing.assert_array_equal(stable_sigmoid(np.array([-1e4, 0, 1e4])), [0, 0.5, 1])
    x = np.linspace(-30, 30, 61)
    np.testing.assert_allclose(stable_sigmoid(x), 1 / (1 + np.exp(-x)), rtol=1e-14)


@pytest.mark.parametrize("name", sorted(set(NUMERIC) & set(SYMBOLIC)))
def test_plain_numbers_are_folded_alike(name: str) -> None:
    assert fold(name, 0.7) == pytest.approx(float(NUMERIC[name](0.7)), rel=1e-15)


@pytest.mark.parametrize("x", [-700.0, -3.0, -0.5, -1e-3, -1e-9, 0.0, 1e-12, 1e-4, 0.49, 0.5, 2.0])
def test_exprel_has_no_hole_at_zero(x: float) -> None:
    """Against 60 digits of SymPy's arithmetic."""
    z = sympy.Rational(x)
    phi_1 = sympy.Integer(1) if x == 0 else (sympy.exp(z) - 1) / z
    phi_2 = sympy.Rational(1, 2) if x == 0 else (phi_1 - 1) / z
    assert stable_exprel(x) == pytest.approx(float(phi_1.evalf(60)), rel=1e-15)
    assert stable_phi_2(x) == pytest.approx(float(phi_2.evalf(60)), rel=1e-14)
    slope = 0.5 if x == 0 else float(((sympy.exp(z) * (z - 1) + 1) / z**2).evalf(60))
    derivative = sympy.diff(parse("exprel(x)", NAMES).expression, X)
    # phi_1 - phi_2 cancels where both are -1/x
    assert evaluate(derivative, {"x": x}) == pytest.approx(slope, rel=1e-14 * max(1.0, abs(x)))
