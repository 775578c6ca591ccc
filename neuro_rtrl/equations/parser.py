"""Text of an expression -> SymPy, with every dimension checked. Parsed, never evaluated.

Python's own parser makes the tree; a white list of nodes is walked and everything else is refused.
Operations on plain numbers are done in float arithmetic at once, so that no text can make SymPy
compute with giant integers.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass

import sympy

from neuro_rtrl.contracts import DIMENSIONLESS, Dimension
from neuro_rtrl.equations import units
from neuro_rtrl.equations.conditions import CLIP, clipped, condition, difference, is_condition
from neuro_rtrl.equations.functions import SYMBOLIC, fold
from neuro_rtrl.equations.syntax import expression_tree
from neuro_rtrl.errors import DescriptionError, nearest, unknown

LONGEST, DEEPEST, LARGEST = 2000, 40, 1e300
# Keys of `names` that say what randomness an expression may use, as Brian2 writes it: white noise
# `xi` (or several, xi_1 and xi_2), and a number drawn anew at each `rand()` or `randn()`.
NOISE, DRAWS = "xi", ("rand", "randn")
NOISE_UNIT: Dimension = (("second", -0.5),)


@dataclass(frozen=True)
class Term:
    """An expression with its dimension."""

    expression: sympy.Expr
    dimension: Dimension


def symbol(name: str) -> sympy.Symbol:
    """The symbol that stands for `name` in all expressions of the package."""
    return sympy.Symbol(name, real=True)


def parse(text: str, names: Mapping[str, Term]) -> Term:
    """The term that `text` means, where `names` are the known names.

    >>> v = Term(symbol("v"), units.unit("volt")[1])
    >>> parse("(v + 60*mV)/(20*ms)", {"v": v}).dimension == units.unit("volt/second")[1]
    True
    """
    return _Walk(text, names).term(_tree(text), 0)


def parse_comparison(text: str, names: Mapping[str, Term]) -> tuple[sympy.Expr, bool]:
    """`left > right` or `left >= right` as (left - right, strict); `<` and `<=` the other way."""
    tree = _tree(text)
    if not isinstance(tree, ast.Compare):
        raise DescriptionError(
            "this is not a threshold",
            given=repr(text),
            expected='a comparison with > or >=, as in "v > v_th"',
        )
    return difference(_Walk(text, names), tree, 0)


def parse_condition(text: str, names: Mapping[str, Term]) -> sympy.Expr | None:
    """A condition as an expression that is 1 or 0; None if the text is no condition.

    >>> v = Term(symbol("v"), units.unit("volt")[1])
    >>> parse_condition("v > -40*mV and v < 0*mV", {"v": v})
    above(-v)*above(v + 0.04)
    """
    tree = _tree(text)
    return condition(_Walk(text, names), tree, 0) if is_condition(tree) else None


def _tree(text: str) -> ast.expr:
    if len(text) > LONGEST:
        raise DescriptionError(
            "this expression is too long",
            given=f"{len(text)} characters",
            expected=f"at most {LONGEST}",
        )
    try:
        return expression_tree(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise DescriptionError(
            "this is not an expression",
            given=repr(text),
            expected='arithmetic with + - * / ** and functions, as in "(bias - v)/tau_m"',
        ) from error


class _Walk:
    """One pass over one expression."""

    def __init__(self, text: str, names: Mapping[str, Term]) -> None:
        self.text, self.names, self.drawn = text, names, 0

    def term(self, node: ast.expr, depth: int) -> Term:
        if depth > DEEPEST:
            raise self.error("nested too deeply", expected=f"at most {DEEPEST} levels")
        if isinstance(node, ast.Constant):
            return self.number(node.value)
        if isinstance(node, ast.Name):
            return self.name(node.id)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd | ast.USub):
            inner = self.term(node.operand, depth + 1)
            negative = isinstance(node.op, ast.USub)
            return Term(-inner.expression, inner.dimension) if negative else inner
        if isinstance(node, ast.BinOp):
            return self.operation(node, depth)
        if isinstance(node, ast.Call):
            return self.call(node, depth)
        raise self.error(
            f"{type(node).__name__} is not allowed in an expression",
            expected="names, numbers, + - * / ** and functions",
        )

    def number(self, value: object) -> Term:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error("not a number", given=repr(value), expected="a number")
        if abs(value) > LARGEST or not math.isfinite(value):
            raise self.error("a number out of range", expected="a number below 1e300")
        exact = sympy.Integer(value) if isinstance(value, int) and abs(value) < 2**53 else None
        return Term(exact if exact is not None else sympy.Float(float(value)), DIMENSIONLESS)

    def name(self, name: str) -> Term:
        if name == NOISE or name.startswith(f"{NOISE}_"):
            return self.noise(name)
        if name in self.names and name not in DRAWS:
            return self.names[name]
        if name in units.EQUATION_UNITS:
            factor, dimension = units.unit(name)
            return Term(sympy.Float(factor), dimension)
        if name == "pi":
            return Term(sympy.Float(math.pi), DIMENSIONLESS)
        raise unknown("name", name, self.names, where=f"in {self.text!r}")

    def noise(self, name: str) -> Term:
        if NOISE not in self.names:
            raise self.error(
                "white noise has no place here",
                given=name,
                expected="xi in a differential equation",
            )
        return Term(symbol(name), NOISE_UNIT)

    def draw(self, name: str) -> Term:
        if name not in self.names:
            raise self.error(
                "a random number has no place here",
                given=f"{name}()",
                expected="rand() in a threshold; rand() and randn() in values of parameters",
                remedy="Noise in a differential equation is called xi.",
            )
        self.drawn += 1
        return Term(symbol(f"{name}_{self.drawn}"), DIMENSIONLESS)

    def operation(self, node: ast.BinOp, depth: int) -> Term:
        left, right = self.term(node.left, depth + 1), self.term(node.right, depth + 1)
        a, b = left.expression, right.expression
        if isinstance(node.op, ast.Add | ast.Sub):
            self.same(left, right, "the two sides of a sum")
            total = a + b if isinstance(node.op, ast.Add) else a - b
            return Term(self.plain(total), left.dimension)
        if isinstance(node.op, ast.Mult):
            return Term(self.plain(a * b), units.multiply(left.dimension, right.dimension))
        if isinstance(node.op, ast.Div):
            if b.is_number and float(b) == 0:
                raise self.error("division by zero", expected="a divisor that is not 0")
            dimension = units.multiply(left.dimension, right.dimension, -1)
            return Term(self.plain(a / b), dimension)
        if isinstance(node.op, ast.Pow):
            return self.power(left, right)
        raise self.error(
            f"the operator {type(node.op).__name__} is not allowed", expected="+ - * / **"
        )

    def power(self, base: Term, exponent: Term) -> Term:
        self.dimensionless(exponent, "an exponent")
        number = exponent.expression
        if not number.is_number:
            self.dimensionless(base, "the base of a variable power")
            if base.expression.is_number and float(base.expression) <= 0:
                raise self.error("a variable power of no real value", expected="a base above 0")
            return Term(base.expression**number, DIMENSIONLESS)
        if abs(float(number)) > 16:
            raise self.error("an exponent out of range", expected="an exponent from -16 to 16")
        if base.dimension and 2 * float(number) != int(2 * number):
            raise self.error(
                "a fractional power of a quantity with units",
                expected="an integer, or a half as in tau**-0.5",
            )
        if base.expression.is_number:
            try:
                value = float(base.expression) ** float(number)
            except (ZeroDivisionError, OverflowError) as error:
                raise self.error("a power without a value", expected="a finite power") from error
            if isinstance(value, complex):
                raise self.error("a power that is not real", expected="a real power")
            return Term(sympy.Float(value), self.raised(base, number))
        whole = sympy.Integer(int(number)) if float(number) == int(number) else number
        return Term(self.plain(base.expression**whole), self.raised(base, number))

    def raised(self, base: Term, number: sympy.Expr) -> Dimension:
        return units.multiply((), base.dimension, float(number)) if base.dimension else ()

    def call(self, node: ast.Call, depth: int) -> Term:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in DRAWS and not node.args and not node.keywords:
            return self.draw(name)
        if name == "clip" and CLIP in self.names:
            expression, inner = clipped(self, node, depth)
            return Term(expression, inner.dimension)
        if not name or node.keywords or len(node.args) != 1:
            raise self.error("this is not a call of one of the functions", expected="as in exp(x)")
        if name == "int":
            return Term(condition(self, node.args[0], depth + 1), DIMENSIONLESS)
        if name not in SYMBOLIC:
            raise unknown("function", name, SYMBOLIC, where=f"in {self.text!r}")
        inner = self.term(node.args[0], depth + 1)
        if name == "sqrt" and inner.dimension:
            return self.power(inner, Term(sympy.Float(0.5), DIMENSIONLESS))
        if name == "abs":
            return Term(SYMBOLIC["abs"](inner.expression), inner.dimension)
        self.dimensionless(inner, f"the argument of {name}")
        if not inner.expression.is_number:
            return Term(SYMBOLIC[name](inner.expression), DIMENSIONLESS)
        try:
            return Term(sympy.Float(fold(name, float(inner.expression))), DIMENSIONLESS)
        except (ValueError, OverflowError) as error:
            raise self.error(f"{name} has no value there", expected="a finite value") from error

    def plain(self, expression: sympy.Expr) -> sympy.Expr:
        """Plain numbers stay floats or small integers: no giant integers, no fractions, no inf."""
        for number in expression.atoms(sympy.Number, sympy.zoo):
            if not number.is_finite or abs(number) > LARGEST:
                raise self.error("a number out of range", expected="numbers below 1e300")
        factor, rest = expression.as_coeff_Mul()
        if expression.is_number:
            factor, rest = expression, sympy.Integer(1)
        if factor.is_Integer and abs(int(factor)) < 2**53:
            return expression
        return sympy.Float(float(factor)) * rest

    def same(self, left: Term, right: Term, what: str) -> None:
        if left.dimension != right.dimension:
            raise self.error(
                f"{what} have different units",
                given=f"{units.unit_name(left.dimension)} and {units.unit_name(right.dimension)}",
                expected="the same unit on both sides",
            )

    def dimensionless(self, term: Term, what: str) -> None:
        if term.dimension:
            raise self.error(
                f"{what} carries a unit",
                given=units.unit_name(term.dimension),
                expected="a pure number",
                remedy="Divide by a parameter with the same unit.",
            )

    def error(
        self, problem: str, *, expected: str, given: object = None, remedy: str = ""
    ) -> DescriptionError:
        return DescriptionError(
            problem,
            where=f"in {self.text!r}",
            given=given if given is not None else repr(self.text),
            expected=expected,
            remedy=remedy,
        )


def check_name(name: str) -> None:
    """Refuse names that mean something else already.

    >>> check_name("tau_m")
    """
    reserved = {"t", "dt", "xi", "w", "N", "i", "lastspike", "not_refractory", "pi", "inf"}
    reserved |= {"int", *DRAWS}
    taken = reserved | set(SYMBOLIC) | set(units.EQUATION_UNITS)
    if not name.isidentifier() or name.startswith("_") or len(name) > 40:
        raise DescriptionError(
            "this is not a usable name",
            given=repr(name),
            expected="letters, digits and _, beginning with a letter, at most 40 characters",
        )
    if name in taken or name.startswith((f"{NOISE}_", *(f"{draw}_" for draw in DRAWS))):
        raise DescriptionError(
            "this name is taken",
            given=repr(name),
            expected="a name that is not a function, a unit or one of t, dt, w, xi, xi_..., rand",
            remedy=f"Call it {name}_0, say. {nearest(name, taken)}",
        )
