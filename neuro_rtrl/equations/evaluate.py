"""Numbers for expressions: a walk over the tree, without generating or evaluating any code.

Works for whatever `+ * **` and a table of functions work for: NumPy arrays, and the dual numbers of
the readable twin in `tests/reference`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy

from neuro_rtrl.equations.functions import NUMERIC


def evaluate(
    expression: sympy.Expr,
    values: Mapping[str, Any],
    functions: Mapping[str, Callable[[Any], Any]] = NUMERIC,
) -> Any:
    """Value of `expression` with symbols replaced from `values`.

    >>> x = sympy.Symbol("x", real=True)
    >>> float(evaluate(2 * x + x**2, {"x": 3.0}))
    15.0
    """
    if expression.is_Symbol:
        return values[expression.name]
    if expression.is_Number or expression.is_NumberSymbol:
        return float(expression)
    parts = [evaluate(argument, values, functions) for argument in expression.args]
    if expression.is_Add:
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total
    if expression.is_Mul:
        product = parts[0]
        for part in parts[1:]:
            product = product * part
        return product
    if expression.is_Pow:
        return parts[0] ** parts[1]
    return functions[type(expression).__name__](*parts)
