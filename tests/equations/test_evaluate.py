"""Numbers for expressions: against SymPy's own arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from neuro_rtrl.equations.evaluate import evaluate
from neuro_rtrl.equations.functions import NUMERIC, fold, stable_sigmoid
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
]
AT = {"x": 0.7, "y": -1.3}


@pytest.mark.parametrize("text", TEXTS)
def test_numbers(text: str) -> None:
    expression = parse(text, NAMES).expression
    found = evaluate(expression, AT)
    assert found == pytest.approx(float(expression.subs({X: 0.7, Y: -1.3})), rel=1e-13)
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


@pytest.mark.parametrize("name", sorted(set(NUMERIC) - {"sign", "Abs"}))
def test_plain_numbers_are_folded_alike(name: str) -> None:
    assert fold(name, 0.7) == pytest.approx(float(NUMERIC[name](0.7)), rel=1e-15)
