"""Expressions of users as syntax trees: parsed, never evaluated."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Container
from typing import Any


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


def computed_tree(value: Any, whole: Container[str]) -> ast.expr | None:
    """The tree of a text that computes; None for what is no expression.

    Args:
        value: anything; only texts have a tree.
        whole: functions whose call, alone, is not taken for a computation (distributions).

    >>> computed_tree("normal(0, 1)", {"normal"}), computed_tree("2 ms", ()), computed_tree(3, ())
    (None, None, None)
    """
    if not isinstance(value, str):
        return None
    try:
        tree = expression_tree(value)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    alone = isinstance(tree, ast.Call) and ast.unparse(tree.func) in whole
    return None if alone else tree
