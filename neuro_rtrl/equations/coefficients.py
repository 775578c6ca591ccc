"""Coefficients: what stays the same for a unit during a run and is computed once, with NumPy.

Three kinds: the parameters that do not learn, maximal subexpressions of them (`hoist`), and the
entries of the exact flow of a linear model (added by `integrators`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy

from neuro_rtrl.contracts import Model
from neuro_rtrl.equations.evaluate import evaluate
from neuro_rtrl.equations.parser import symbol
from neuro_rtrl.errors import DescriptionError

DT = symbol("dt")
Maker = Callable[[Mapping[str, Any], float], Mapping[str, Any]]


class Coefficients:
    """The coefficients of one model; filled while expressions are derived."""

    def __init__(self, model: Model, theta: tuple[str, ...]) -> None:
        self.model = model
        self._constants = {symbol(p) for p in model.parameters if p not in theta} | {DT}
        self._hoisted: dict[sympy.Expr, sympy.Symbol] = {}
        self._makers: list[Maker] = []
        self._made: list[str] = []
        self._needs_dt = False

    def hoist(self, expression: sympy.Expr) -> sympy.Expr:
        """The expression with each maximal subexpression of constants as one new symbol."""
        if not expression.free_symbols or expression.is_Symbol:
            self._needs_dt |= expression == DT
            return expression
        if expression.free_symbols <= self._constants:
            return self._name(expression)
        if expression.is_Add or expression.is_Mul:
            fixed = [a for a in expression.args if a.free_symbols <= self._constants]
            if len(fixed) > 1 and any(a.free_symbols for a in fixed):
                rest = [self.hoist(a) for a in expression.args if a not in fixed]
                return expression.func(self._name(expression.func(*fixed)), *rest)
        return expression.func(*(self.hoist(a) for a in expression.args))

    def _name(self, expression: sympy.Expr) -> sympy.Symbol:
        if expression not in self._hoisted:
            self._hoisted[expression] = symbol(f"k_{len(self._hoisted)}")
        return self._hoisted[expression]

    def add(self, names: list[str], maker: Maker) -> None:
        """Coefficients called `names`, computed together by `maker(parameters, dt)`."""
        self._made += names
        self._makers.append(maker)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all coefficients, in a fixed order."""
        constants = sorted(s.name for s in self._constants if s != DT or self._needs_dt)
        return (*constants, *(s.name for s in self._hoisted.values()), *self._made)

    def values(self, parameters: Mapping[str, Any], n: int, dt: float) -> dict[str, np.ndarray]:
        """Name -> float64 array of shape (n,), or () where all units agree."""
        known: dict[str, Any] = {k: np.asarray(v, float) for k, v in parameters.items()}
        known["dt"] = dt
        made: dict[str, Any] = {s.name: known[s.name] for s in self._constants}
        with np.errstate(all="ignore"):
            for expression, name in self._hoisted.items():
                made[name.name] = evaluate(expression, known)
            for maker in self._makers:
                made |= maker(known, dt)
        return {name: self._checked(name, made[name], n) for name in self.names}

    def _checked(self, name: str, value: Any, n: int) -> np.ndarray:
        array = np.asarray(value, float)
        if not np.isfinite(array).all():
            raise DescriptionError(
                f"a coefficient of {self.model.name} is not finite",
                where=f"{self.model.name}: parameters",
                given=f"{name} = {array.ravel()[~np.isfinite(array.ravel())][0]}",
                expected="parameters that give every expression a value (no time constant of 0)",
            )
        if array.ndim and array.size and np.all(array == array.flat[0]):
            return np.asarray(array.flat[0])
        return array
