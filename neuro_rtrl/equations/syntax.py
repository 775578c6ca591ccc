"""Expressions of users as syntax trees: parsed, never evaluated."""

from __future__ import annotations

import ast
import warnings


def expression_tree(text: str) -> ast.expr:
    """The tree of one expression, without Python's own remarks on its style.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it is none, or too deep.

    >>> ast.dump(expression_tree(" v + 1"))
    "BinOp(left=Name(id='v', ctx=Load()), op=Add(), right=Constant(value=1))"
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        return ast.parse(text.strip(), mode="eval").body
