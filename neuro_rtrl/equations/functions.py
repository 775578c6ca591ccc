"""The functions that a model's text may call, for SymPy, for numbers and for generated code.

`sigmoid` is a function of its own, because 1/(1 + exp(-x)) has a derivative that overflows; so is
`Abs`, because everything here is real and SymPy cannot know that. `exprel` has no singularity where
(exp(x) - 1)/x is 0/0:

    phi_1 = (exp(x) - 1)/x    phi_2 = (phi_1 - 1)/x    phi_1' = phi_1 - phi_2
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


class exprel(sympy.Function):  # noqa: N801
    """(exp(x) - 1)/x, and 1 at x = 0."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        """phi_1' = phi_1 - phi_2."""
        return self - phi_2(self.args[0])


class phi_2(sympy.Function):  # noqa: N801
    """(exprel(x) - 1)/x, and 1/2 at x = 0."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        """phi_2' = (phi_1 - 2 phi_2)/x."""
        return (exprel(self.args[0]) - 2 * self) / self.args[0]


class Step(sympy.Function):
    """A step of its argument: its derivative is 0 wherever it has one."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        """0."""
        return sympy.Integer(0)


class above(Step):  # noqa: N801
    """1 where x > 0, else 0: what `int(a > b)` becomes."""


class at_least(Step):  # noqa: N801
    """1 where x >= 0, else 0."""


class clip(sympy.Function):  # noqa: N801
    """x between two limits: min(max(x, low), high). Statements of synapses alone may use it."""

    nargs = 3


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
    "exprel": exprel,
}


def stable_sigmoid(x: Any) -> Any:
    """1/(1 + exp(-x)) without overflow.

    >>> float(stable_sigmoid(0.0)), float(stable_sigmoid(-1000.0))
    (0.5, 0.0)
    """
    small = np.exp(-np.abs(x))
    return np.where(np.asarray(x) >= 0, 1.0 / (1.0 + small), small / (1.0 + small))


def stable_exprel(x: Any) -> Any:
    """(exp(x) - 1)/x without 0/0.

    >>> float(stable_exprel(0.0)), round(float(stable_exprel(1.0)), 9)
    (1.0, 1.718281828)
    """
    x = np.asarray(x, float)
    safe = np.where(x == 0, 1.0, x)
    return np.where(x == 0, 1.0, np.expm1(safe) / safe)


def stable_phi_2(x: Any) -> Any:
    """(exprel(x) - 1)/x; its Taylor series where the difference would cancel.

    >>> float(stable_phi_2(0.0))
    0.5
    """
    x = np.asarray(x, float)
    series = np.polynomial.polynomial.polyval(x, [1 / math.factorial(k + 2) for k in range(14)])
    safe = np.where(abs(x) < 0.5, 1.0, x)
    return np.where(abs(x) < 0.5, series, (stable_exprel(safe) - 1.0) / safe)


NUMERIC: dict[str, Callable[..., Any]] = {
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
    "exprel": stable_exprel,
    "phi_2": stable_phi_2,
    "above": lambda x: np.where(np.asarray(x) > 0, 1.0, 0.0),
    "at_least": lambda x: np.where(np.asarray(x) >= 0, 1.0, 0.0),
    "clip": np.clip,
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
    "exprel": lambda x: float(stable_exprel(x)),
}


def fold(name: str, x: float) -> float:
    """A function of a plain number, with ValueError or OverflowError where it has no value."""
    return _PLAIN[name](x)
