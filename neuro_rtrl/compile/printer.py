"""SymPy expressions -> lines of plain Python arithmetic, with shared parts computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sympy
from sympy.printing.pycode import PythonCodePrinter


class _Printer(PythonCodePrinter):
    """Function names without a module; small whole powers as products."""

    def __init__(self) -> None:
        super().__init__({"fully_qualified_modules": False, "user_functions": {}})

    def _print_Pow(self, expr: sympy.Pow, rational: bool = False) -> str:
        base, power = expr.args
        if power.is_Integer and 2 <= abs(int(power)) <= 4:
            product = "*".join([f"({self._print(base)})"] * abs(int(power)))
            return f"({product})" if int(power) > 0 else f"(1.0/({product}))"
        return str(super()._print_Pow(expr, rational=rational))

    def _print_Integer(self, expr: sympy.Integer) -> str:
        return f"{int(expr)}.0"

    def _print_Float(self, expr: sympy.Float) -> str:
        return repr(float(expr))

    def _print_Rational(self, expr: sympy.Rational) -> str:
        return repr(float(expr))

    def _own(self, expr: sympy.Function) -> str:
        return f"{type(expr).__name__}({self._print(expr.args[0])})"

    def _print_clip(self, expr: sympy.Function) -> str:
        return f"clip({', '.join(self._print(x) for x in expr.args)})"

    _print_sigmoid = _print_sign = _print_exprel = _print_phi_2 = _own
    _print_above = _print_at_least = _own


def assignments(
    targets: Sequence[str], expressions: Sequence[sympy.Expr], names: Mapping[str, str], mark: str
) -> list[str]:
    """Lines that assign `expressions` to `targets`.

    Args:
        targets: left-hand sides, as Python text.
        expressions: one for each target.
        names: symbol name -> Python text that reads its value.
        mark: prefix of the names of shared parts.

    >>> x = sympy.Symbol("x", real=True)
    >>> assignments(["y"], [x**2], {"x": "h_x"}, "s")
    ['y = (h_x)*(h_x)']
    """
    prefix = sympy.numbered_symbols(f"{mark}_", real=True)
    shared, plain = sympy.cse(list(expressions), symbols=prefix, order="none")
    known = dict(names) | {str(s): str(s) for s, _ in shared}
    printer = _Printer()

    def text(expression: sympy.Expr) -> str:
        renamed = {s: sympy.Symbol(known[s.name]) for s in expression.free_symbols}
        line = str(printer.doprint(expression.xreplace(renamed)))
        return line[1:-1] if _wrapped(line) else line

    lines = [f"{s} = {text(e)}" for s, e in shared]
    return lines + [f"{t} = {text(e)}" for t, e in zip(targets, plain, strict=True)]


def _wrapped(line: str) -> bool:
    """Whether one pair of parentheses holds the whole line."""
    depth = 0
    for i, letter in enumerate(line):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and i < len(line) - 1:
            return False
    return line.startswith("(")
