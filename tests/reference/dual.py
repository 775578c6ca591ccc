"""Dual numbers: a value with its gradient, so that a simulation carries its own derivative.

    f(x + e dx) = f(x) + f'(x) e dx     (forward-mode automatic differentiation)

`FUNCTIONS` has the names of `neuro_rtrl.equations.functions.NUMERIC`, so that `evaluate` can walk
the same expressions. Derivatives are written here once more, by hand: nothing is taken from the
Jacobians that the package derives.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Dual:
    """A number `value` with its `gradient` (p,) by the p independent variables."""

    value: float
    gradient: np.ndarray

    def __add__(self, other: Number) -> Dual:
        return Dual(self.value + value(other), self.gradient + gradient(other))

    def __radd__(self, other: Number) -> Dual:
        return self + other

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.gradient)

    def __sub__(self, other: Number) -> Dual:
        return Dual(self.value - value(other), self.gradient - gradient(other))

    def __rsub__(self, other: Number) -> Dual:
        return -self + other

    def __mul__(self, other: Number) -> Dual:
        a, b = self.value, value(other)
        return Dual(a * b, self.gradient * b + a * gradient(other))

    def __rmul__(self, other: Number) -> Dual:
        return self * other

    def __truediv__(self, other: Number) -> Dual:
        a, b = self.value, value(other)
        return Dual(a / b, self.gradient / b - a / b**2 * gradient(other))

    def __rtruediv__(self, other: Number) -> Dual:
        a, b = value(other), self.value
        return Dual(a / b, gradient(other) / b - a / b**2 * self.gradient)

    def __pow__(self, other: Number) -> Dual:
        a, b = self.value, value(other)
        by_base = b * a ** (b - 1) * self.gradient if b != 0 else 0.0 * self.gradient
        if not isinstance(other, Dual):
            return Dual(a**b, by_base)
        return Dual(a**b, by_base + a**b * math.log(a) * other.gradient)

    def __rpow__(self, other: float) -> Dual:
        power = other**self.value
        return Dual(power, power * math.log(other) * self.gradient)


Number = Dual | float


def value(x: Number) -> float:
    """The value of a dual number; a plain number as it is."""
    return x.value if isinstance(x, Dual) else x


def gradient(x: Number) -> np.ndarray | float:
    """The gradient of a dual number; 0 for a plain number."""
    return x.gradient if isinstance(x, Dual) else 0.0


def variable(x: float, index: int, p: int) -> Dual:
    """Independent variable number `index` of `p`.

    >>> variable(2.0, 1, 3).gradient
    array([0., 1., 0.])
    """
    unit = np.zeros(p)
    unit[index] = 1.0
    return Dual(float(x), unit)


def sigmoid(x: float) -> float:
    """1/(1 + exp(-x)) without overflow.

    >>> sigmoid(0.0), sigmoid(-1e4)
    (0.5, 0.0)
    """
    small = math.exp(-abs(x))
    return 1.0 / (1.0 + small) if x >= 0 else small / (1.0 + small)


def sign(x: float) -> float:
    """-1, 0 or 1.

    >>> sign(-3.0), sign(0.0)
    (-1.0, 0.0)
    """
    return float((x > 0) - (x < 0))


def exprel(x: float) -> float:
    """(exp(x) - 1)/x.

    >>> exprel(0.0)
    1.0
    """
    return math.expm1(x) / x if x != 0 else 1.0


def exprel_slope(x: float) -> float:
    """Its derivative (exp(x) (x - 1) + 1)/x^2 = sum (k + 1) x^k/(k + 2)!.

    >>> exprel_slope(0.0)
    0.5
    """
    if abs(x) > 1.0:
        return (math.exp(x) * (x - 1.0) + 1.0) / x**2
    return sum((k + 1) * x**k / math.factorial(k + 2) for k in range(25))


def lift(
    f: Callable[[float], float], slope: Callable[[float], float]
) -> Callable[[Number], Number]:
    """f for dual numbers, from f and its derivative for plain ones."""

    def lifted(x: Number) -> Number:
        if not isinstance(x, Dual):
            return f(x)
        return Dual(f(x.value), slope(x.value) * x.gradient)

    return lifted


FUNCTIONS: dict[str, Callable[[Number], Number]] = {
    "exp": lift(math.exp, math.exp),
    "log": lift(math.log, lambda x: 1.0 / x),
    "sqrt": lift(math.sqrt, lambda x: 0.5 / math.sqrt(x)),
    "tanh": lift(math.tanh, lambda x: 1.0 - math.tanh(x) ** 2),
    "sinh": lift(math.sinh, math.cosh),
    "cosh": lift(math.cosh, math.sinh),
    "sin": lift(math.sin, math.cos),
    "cos": lift(math.cos, lambda x: -math.sin(x)),
    "Abs": lift(abs, sign),
    "sign": lift(sign, lambda x: 0.0),
    "sigmoid": lift(sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),
    "exprel": lift(exprel, exprel_slope),
    "above": lift(lambda x: float(x > 0), lambda x: 0.0),
    "at_least": lift(lambda x: float(x >= 0), lambda x: 0.0),
}
