"""What is rounded together is said by the text."""

from __future__ import annotations

import pytest

from neuro_rtrl.compile.contraction import contracted


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("y = a + b*c", "y = fma(b, c, a)"),
        ("y = a*b + c*d", "y = fma(a, b, c * d)"),
        ("y = a*b - c*d", "y = fma(a, b, -(c * d))"),
        ("y = a - b*c", "y = fma(-b, c, a)"),
        ("y = a*b*c + d", "y = fma(a * b, c, d)"),
        ("y = -a*b + c", "y = fma(-a, b, c)"),
        ("y = a + b + c*d", "y = fma(c, d, a + b)"),
        ("y = f(a + b*c)/d", "y = f(fma(b, c, a)) / d"),
        ("y = a/b + c", "y = a / b + c"),
        ("h[1*n + i] = h[2*n + i] + x", "h[1 * n + i] = h[2 * n + i] + x"),
        ("if a*b + c > 0.0:\n    y = 1", "if fma(a, b, c) > 0.0:\n    y = 1"),
    ],
)
def test_each_kind_of_sum(given: str, wanted: str) -> None:
    assert contracted(given) == wanted
