"""Conditions in a model's text -> expressions that are 1 where they hold and 0 elsewhere.

    a > b      above(a - b)            x and y    x y
    a >= b     at_least(a - b)         x or y     1 - (1 - x)(1 - y)
    a < b      above(b - a)            not x      1 - x

They stand in `int(...)` and in a refractory condition; their derivative is 0. Here is also
`clip(x, low, high)`, which statements of synapses may use.
"""

from __future__ import annotations

import ast
from typing import Any, Protocol

import sympy

from neuro_rtrl.equations.functions import above, at_least, clip

# The key of `names` that allows clip(x, low, high), as Brian2 writes it. It is no identifier, so
# that nothing else can be called so.
CLIP = "clip()"


class Walk(Protocol):
    """What a condition needs of the parser's pass over an expression."""

    def term(self, node: ast.expr, depth: int) -> Any:
        """The arithmetic below a node."""
        ...

    def same(self, left: Any, right: Any, what: str) -> None:
        """Refuses terms of different units."""
        ...

    def error(self, problem: str, *, expected: str) -> Exception:
        """An error that quotes the text."""
        ...


# Comparison -> (whether its sides change places, the step function).
_TESTS = {
    ast.Gt: (False, above),
    ast.GtE: (False, at_least),
    ast.Lt: (True, above),
    ast.LtE: (True, at_least),
}


def is_condition(node: ast.expr) -> bool:
    """Whether a tree is a truth value, by its outermost operation."""
    negated = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    return negated or isinstance(node, ast.Compare | ast.BoolOp)


def difference(walk: Walk, node: ast.expr, depth: int) -> tuple[sympy.Expr, bool]:
    """A comparison as (larger side - smaller side, whether equality fails it)."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _TESTS:
        left, right = walk.term(node.left, depth + 1), walk.term(node.comparators[0], depth + 1)
        walk.same(left, right, "the two sides of the comparison")
        swapped, step = _TESTS[type(node.ops[0])]
        gap = left.expression - right.expression
        return (-gap if swapped else gap), step is above
    raise walk.error("this is not a comparison", expected='one of > >= < <=, as in "v > v_th"')


def condition(walk: Walk, node: ast.expr, depth: int) -> sympy.Expr:
    """1 where the condition holds, else 0."""
    if isinstance(node, ast.BoolOp):
        parts = [condition(walk, value, depth + 1) for value in node.values]
        if isinstance(node.op, ast.And):
            return sympy.Mul(*parts)
        return 1 - sympy.Mul(*(1 - part for part in parts))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return 1 - condition(walk, node.operand, depth + 1)
    gap, strict = difference(walk, node, depth)
    if gap.is_number:
        return sympy.Integer(int(gap > 0 if strict else gap >= 0))
    return above(gap) if strict else at_least(gap)


def clipped(walk: Walk, node: ast.Call, depth: int) -> tuple[sympy.Expr, Any]:
    """`clip(x, low, high)` and the term of x, whose unit it has."""
    if len(node.args) != 3 or node.keywords:
        raise walk.error("clip has three arguments", expected="as in clip(w, 0, w_max)")
    terms = [walk.term(argument, depth + 1) for argument in node.args]
    for end in terms[1:]:
        # A plain 0 is 0 in every unit, as in Brian2.
        if end.expression != 0:
            walk.same(terms[0], end, "a value and its limits")
    return clip(*(term.expression for term in terms)), terms[0]
