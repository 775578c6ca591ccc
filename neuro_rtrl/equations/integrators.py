"""Differential equations -> one step of length dt, under Brian2's names for the methods.

exact               linear models: h <- E h + C, with [[E, C], [0, 1]] = expm([[A, b], [0, 0]] dt),
                    computed as numbers for each set of parameters: equal time constants
                    need no special case and nothing can overflow
exponential_euler   x <- x e^(A dt) + dt B exprel(A dt) for dx/dt = A x + B with the other
                    variables frozen; exprel(z) = (e^z - 1)/z has a value at A = 0, too
euler               x <- x + dt f(x); with noise, dx/dt = f + sum_j g_j xi_j (Euler & Maruyama, Ito)
                    x <- x + dt f(x) + sum_j g_j(x) sqrt(dt) N_j, N_j standard normal in each step
rk4                 the classical fourth order Runge-Kutta scheme

While a unit is refractory the variables marked "(unless refractory)" stand still; the others go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy

from neuro_rtrl.contracts import Model
from neuro_rtrl.equations.coefficients import DT, Coefficients
from neuro_rtrl.equations.evaluate import evaluate
from neuro_rtrl.equations.functions import Step, exprel
from neuro_rtrl.equations.matrix_exponential import expm
from neuro_rtrl.equations.parser import symbol
from neuro_rtrl.errors import BuildError

Rates = dict[str, sympy.Expr]
Flow = tuple[sympy.Expr, ...]


def flows(model: Model, theta: tuple[str, ...], made: Coefficients) -> tuple[Flow, Flow | None]:
    """(flow, flow while refractory or None if it is the same)."""
    if model.kind == "map":
        return tuple(model.rates.values()), None
    held = {s.name for s in model.states if s.held}
    free = _flow(model, model.rates, theta, made, "")
    if not held:
        return free, None
    zero = sympy.Integer(0)
    frozen = {n: zero if n in held else rate for n, rate in model.rates.items()}
    return free, _flow(model, frozen, theta, made, "held_")


def _flow(
    model: Model, rates: Rates, theta: tuple[str, ...], made: Coefficients, prefix: str
) -> Flow:
    channels = [symbol(n) for n in model.noise]
    if any(f.free_symbols & {*channels} for f in model.rates.values()):
        return _euler_maruyama(model, rates, channels)
    if model.method == "exact":
        return _exact(model, rates, theta, made, prefix)
    steps = {"euler": _euler, "rk4": _rk4, "exponential_euler": _exponential_euler}
    return steps[model.method](rates, model.name)


def _euler(rates: Rates, _: str) -> Flow:
    return tuple(symbol(n) + DT * f for n, f in rates.items())


def _euler_maruyama(model: Model, rates: Rates, channels: list[sympy.Symbol]) -> Flow:
    if model.method != "euler":
        raise _not_fit(model.name, "the noise", model.method, "noise with the method euler")
    flow = []
    for n, f in rates.items():
        terms = [symbol(n) + DT * f.subs(dict.fromkeys(channels, 0), simultaneous=True)]
        for xi in channels:
            strength = sympy.diff(f, xi)
            if strength.free_symbols & {*channels}:
                where = f"the equation of {n}"
                raise _not_fit(model.name, where, "euler", "noise in sums, as in f + g*xi")
            terms.append(strength * sympy.sqrt(DT) * xi)
        flow.append(sympy.Add(*terms))
    return tuple(flow)


def _rk4(rates: Rates, _: str) -> Flow:
    start = {symbol(n): symbol(n) for n in rates}

    def slope(point: dict[sympy.Symbol, sympy.Expr]) -> dict[sympy.Symbol, sympy.Expr]:
        return {symbol(n): f.subs(point, simultaneous=True) for n, f in rates.items()}

    half = sympy.Float(0.5)
    k1 = slope(start)
    k2 = slope({x: x + half * DT * k1[x] for x in start})
    k3 = slope({x: x + half * DT * k2[x] for x in start})
    k4 = slope({x: x + DT * k3[x] for x in start})
    return tuple(x + DT * (k1[x] + 2 * k2[x] + 2 * k3[x] + k4[x]) / 6 for x in start)


def _exponential_euler(rates: Rates, name: str) -> Flow:
    flow = []
    for n, rate in rates.items():
        x = symbol(n)
        slope = sympy.diff(sympy.expand(rate), x)
        if x in slope.free_symbols or _jumps(rate, [x]):
            raise _not_fit(
                name,
                f"the equation of {n}",
                "exponential_euler",
                "each equation linear in its variable",
            )
        rest = sympy.expand(rate).subs(x, 0)
        flow.append(x * sympy.exp(slope * DT) + DT * rest * _exprel(slope * DT))
    return tuple(flow)


def _jumps(rate: sympy.Expr, variables: list[sympy.Symbol]) -> bool:
    """Whether a condition in `rate` looks at the variables: of slope 0, and yet not linear."""
    return any(step.free_symbols & {*variables} for step in rate.atoms(Step))


def _exprel(z: sympy.Expr) -> sympy.Expr:
    return sympy.Integer(1) if z == 0 else exprel(z)


def _not_fit(model: str, variable: str, method: str, expected: str) -> BuildError:
    return BuildError(
        f"the method {method} does not fit {variable}",
        where=f"{model}: method",
        given=f'method = "{method}"',
        expected=expected,
        remedy='Use method = "euler".'
        if variable == "the noise"
        else 'Use method = "exponential_euler", "rk4" or "euler", or leave this parameter out'
        " of `learn`.",
    )


def _exact(
    model: Model, rates: Rates, theta: tuple[str, ...], made: Coefficients, prefix: str
) -> Flow:
    """h <- E h + C_1 + sum_j C_j theta_j, with E and C as coefficients."""
    names = list(rates)
    variables = [symbol(n) for n in names]
    learned = [symbol(n) for n in theta]
    matrix = [[sympy.diff(rates[n], x) for x in variables] for n in names]
    at_zero = [rates[n].subs(dict.fromkeys(variables, 0), simultaneous=True) for n in names]
    drive = [
        [f.subs(dict.fromkeys(learned, 0), simultaneous=True), *(sympy.diff(f, t) for t in learned)]
        for f in at_zero
    ]
    for n, row, terms in zip(names, matrix, drive, strict=True):
        used = set().union(*(e.free_symbols for e in (*row, *terms)))
        if used & {*variables, *learned} or _jumps(rates[n], [*variables, *learned]):
            raise _not_fit(
                model.name,
                f"the equation of {n}",
                "exact",
                "equations linear in the states, and in what learns",
            )
    return _linear_flow(names, theta, matrix, drive, made, prefix)


def _linear_flow(
    names: list[str],
    theta: tuple[str, ...],
    matrix: list[list[sympy.Expr]],
    drive: list[list[sympy.Expr]],
    made: Coefficients,
    prefix: str,
) -> Flow:
    reach = reachable(matrix)
    d, columns = len(names), ["1", *theta]
    entries: dict[str, tuple[int, int]] = {}
    flow = []
    for i, n in enumerate(names):
        terms = []
        for j, other in enumerate([*names, *columns]):
            linked = (
                reach[i][j]
                if j < d
                else any(reach[i][q] and drive[q][j - d] != 0 for q in range(d))
            )
            if not linked:
                continue
            key = f"{prefix}flow_{n}_{other}"
            entries[key] = (i, j)
            factor = sympy.Integer(1) if other == "1" else symbol(other)
            terms.append(symbol(key) * factor)
        flow.append(sympy.Add(*terms))

    def maker(parameters: Mapping[str, Any], dt: float) -> Mapping[str, Any]:
        exponential = expm(_generator(matrix, drive, parameters) * dt)
        return {key: exponential[..., i, j] for key, (i, j) in entries.items()}

    made.add(list(entries), maker)
    return tuple(flow)


def _generator(
    matrix: list[list[sympy.Expr]], drive: list[list[sympy.Expr]], parameters: Mapping[str, Any]
) -> np.ndarray:
    """[[A, b], [0, 0]] for every distinct unit: shape (..., d + 1 + m, d + 1 + m)."""
    rows = [[*a, *b] for a, b in zip(matrix, drive, strict=True)]
    values = [[np.asarray(evaluate(e, parameters), float) for e in row] for row in rows]
    shape = np.broadcast_shapes(*(v.shape for row in values for v in row))
    size = len(rows[0])
    generator = np.zeros((*shape, size, size))
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            generator[..., i, j] = value
    return generator


def reachable(matrix: list[list[sympy.Expr]]) -> list[list[bool]]:
    """Which entries of exp(A dt) can be non-zero: the transitive closure of A's pattern."""
    d = len(matrix)
    reach = [[i == j or matrix[i][j] != 0 for j in range(d)] for i in range(d)]
    for q in range(d):
        for i in range(d):
            for j in range(d):
                reach[i][j] = reach[i][j] or (reach[i][q] and reach[q][j])
    return reach
