"""The functions that a model's text may call, for SymPy, for numbers and for generated code.

`sigmoid` is a function of its own, because 1/(1 + exp(-x)) has a derivative that overflows; so is
`Abs`, because everything here is real and SymPy cannot know that.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy


class sigmoid(sympy.Function):  # noqa: N801  (SymPy prints the class's name)
    """1/(1 + exp(-x)), with d sigmoid/dx = sigmoid (1 - sigmoid)."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        """Derivative with respect to the only argument."""
        return self * (1 - self)


class Abs(sympy.Function):
    """|x| of a real x. SymPy's own allows complex numbers; its derivative may need re and im."""

    nargs = 1

    @classmethod
    def eval(cls, x: sympy.Expr) -> sympy.Expr | None:
        """The value for a plain number; None (unevaluated) otherwise."""
        return sympy.Abs(x) if x.is_number else None

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        """Derivative with respect to the only argument."""
        return sympy.sign(self.args[0])


SYMBOLIC: dict[str, Any] = {
    "exp": sympy.exp,
    "log": sympy.log,
    "sqrt": sympy.sqrt,
    "tanh": sympy.tanh,
    "sinh": sympy.sinh,
    "cosh": sympy.cosh,
    "sin": sympy.sin,
    "cos": sympy.cos,
    "abs": Abs,
    "sigmoid": sigmoid,
}


def stable_sigmoid(x: Any) -> Any:
    """1/(1 + exp(-x)) without overflow.

    >>> float(stable_sigmoid(0.0)), float(stable_sigmoid(-1000.0))
    (0.5, 0.0)
    """
    small = np.exp(-np.abs(x))
    return np.where(np.asarray(x) >= 0, 1.0 / (1.0 + small), small / (1.0 + small))


NUMERIC: dict[str, Callable[[Any], Any]] = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "sin": np.sin,
    "cos": np.cos,
    "Abs": np.abs,
    "sign": np.sign,
    "sigmoid": stable_sigmoid,
}

_PLAIN: dict[str, Callable[[float], float]] = {
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "tanh": math.tanh,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "sin": math.sin,
    "cos": math.cos,
    "abs": abs,
    "sigmoid": lambda x: float(stable_sigmoid(x)),
}


def fold(name: str, x: float) -> float:
    """A function of a plain number, with ValueError or OverflowError where it has no value."""
    return _PLAIN[name](x)
