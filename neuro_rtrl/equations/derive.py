"""From a model's expressions to everything the step and the influence recursion need.

Symbols: `h` the states, `a` the inputs of a map model, `theta` the unit parameters that learn, and
`c` coefficients: constants of a run, one value per unit (the remaining parameters, whatever can be
computed from them beforehand, and the entries of the exact flow).

    flow        h <- Phi(h, a; theta, c)
    D = dPhi/dh     (d, d)      local Jacobian of the flow
    F = dPhi/da     (d, inputs) how collected arrivals enter
    U = dPhi/dtheta (d, m)      immediate part of the unit's own learned parameters

The surrogate stands for dH/dg in the sensitivities of the event, with g the threshold function:

    spike  s = H(g):     ds = psi (dg/dh . P + dg/dtheta)
    event  y = s f(h):   dy = s df + f ds

`constant` says that D depends on nothing but coefficients: then a row of the influence matrix can
wait, and catch up in closed form. `steady` says that learned parameters are in it besides: rows
wait until the next update. Both are found here, from the expressions, never declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from neuro_rtrl.contracts import Model
from neuro_rtrl.equations import integrators
from neuro_rtrl.equations.coefficients import Coefficients
from neuro_rtrl.equations.parser import symbol
from neuro_rtrl.errors import BuildError, unknown

Matrix = tuple[tuple[sympy.Expr, ...], ...]


@dataclass(frozen=True)
class Derived:
    """What follows from a model's text once it is known which unit parameters learn.

    Attributes:
        states, inputs, theta: names, in the order of rows and columns. Random channels are
            inputs, too, behind those that collect arrivals.
        flow, held_flow: Phi for each state, free and while refractory (None: the same).
        flow_h, flow_a, flow_theta: D, F and U; `held_*` while refractory.
        threshold, output: g and f, or None.
        refractory_while: 1 for as long as a refractory unit stays so, else 0; or None.
        threshold_h, threshold_theta, output_h, output_theta: their derivatives.
        reset: R for each state; `reset_h`, `reset_theta` its derivatives.
        entry: port name -> (index of its state or input, gain expression).
        constant: D is constant, so rows may wait.
        steady: D changes with learned parameters only, so rows may wait between updates.
        coefficients: names and values of the coefficients.
    """

    model: Model
    states: tuple[str, ...]
    inputs: tuple[str, ...]
    theta: tuple[str, ...]
    flow: tuple[sympy.Expr, ...]
    held_flow: tuple[sympy.Expr, ...] | None
    flow_h: Matrix
    flow_a: Matrix
    flow_theta: Matrix
    held_flow_h: Matrix
    held_flow_theta: Matrix
    threshold: sympy.Expr | None
    refractory_while: sympy.Expr | None
    threshold_h: tuple[sympy.Expr, ...]
    threshold_theta: tuple[sympy.Expr, ...]
    output: sympy.Expr | None
    output_h: tuple[sympy.Expr, ...]
    output_theta: tuple[sympy.Expr, ...]
    reset: tuple[sympy.Expr, ...]
    reset_h: Matrix
    reset_theta: Matrix
    constant: bool
    steady: bool
    coefficients: Coefficients

    @property
    def size(self) -> tuple[int, int, int]:
        """Number of states, inputs and learned unit parameters."""
        return len(self.states), len(self.inputs), len(self.theta)

    def values(self, parameters: Mapping[str, Any], n: int, dt: float) -> dict[str, np.ndarray]:
        """Every coefficient for `n` units: name -> (n,) float64, or () where all units agree."""
        return self.coefficients.values(parameters, n, dt)


def derive(model: Model, learn: tuple[str, ...] = ()) -> Derived:
    """All expressions of `model`, with the unit parameters `learn` kept as learned variables.

    >>> from neuro_rtrl.equations.model_text import load_model
    >>> derive(load_model("lif")).constant, derive(load_model("egru")).constant
    (True, False)
    """
    _check_learned(model, learn)
    theta = tuple(dict.fromkeys(learn))
    coefficients = Coefficients(model, theta)
    flow, held_flow = integrators.flows(model, theta, coefficients)
    flow = tuple(coefficients.hoist(e) for e in flow)
    held_flow = tuple(coefficients.hoist(e) for e in held_flow) if held_flow else None
    states, inputs = tuple(s.name for s in model.states), (*model.inputs, *model.noise)
    reset = tuple(coefficients.hoist(model.reset.get(s, symbol(s))) for s in states)
    events = (model.threshold, model.output, model.refractory_while)
    threshold, output, gate = (None if e is None else coefficients.hoist(e) for e in events)
    flow_h = _jacobian(flow, states)
    held_h = _jacobian(held_flow, states) if held_flow else flow_h
    held_theta = _jacobian(held_flow if held_flow else flow, theta)
    return Derived(
        model=model,
        states=states,
        inputs=inputs,
        theta=theta,
        flow=flow,
        held_flow=held_flow,
        flow_h=flow_h,
        flow_a=_jacobian(flow, inputs),
        flow_theta=_jacobian(flow, theta),
        held_flow_h=held_h,
        held_flow_theta=held_theta,
        threshold=threshold,
        refractory_while=gate,
        threshold_h=_gradient(threshold, states),
        threshold_theta=_gradient(threshold, theta),
        output=output,
        output_h=_gradient(output, states),
        output_theta=_gradient(output, theta),
        reset=reset,
        reset_h=_jacobian(reset, states),
        reset_theta=_jacobian(reset, theta),
        # A refractory period that a state ends cannot be looked up afterwards.
        constant=gate is None and _is_constant((*flow_h, *held_h), {*states, *inputs, *theta}),
        steady=gate is None and _is_constant((*flow_h, *held_h), {*states, *inputs}),
        coefficients=coefficients,
    )


def _check_learned(model: Model, theta: tuple[str, ...]) -> None:
    """Parameters that other things than the unit's own dynamics depend on cannot learn."""
    for name in theta:
        if name not in model.parameters:
            raise unknown("unit parameter", name, model.parameters, where=f"{model.name}: learn")
    ends = (model.refractory, model.refractory_while)
    fixed = {s for end in ends if end is not None for s in end.free_symbols}
    for port in model.ports.values():
        fixed |= port.gain.free_symbols
    for name in theta:
        if symbol(name) in fixed:
            raise BuildError(
                f"{name} cannot learn: it sets the refractory period or scales the arrivals",
                where=f"{model.name}: learn",
                given=name,
                expected="a parameter of the dynamics, the threshold or the reset",
            )


def _gradient(expression: sympy.Expr | None, names: tuple[str, ...]) -> tuple[sympy.Expr, ...]:
    if expression is None:
        return tuple(sympy.Integer(0) for _ in names)
    return tuple(sympy.diff(expression, symbol(name)) for name in names)


def _jacobian(expressions: tuple[sympy.Expr, ...], names: tuple[str, ...]) -> Matrix:
    return tuple(_gradient(expression, names) for expression in expressions)


def _is_constant(matrix: Matrix, variables: set[str]) -> bool:
    symbols = {symbol(name) for name in variables}
    return not any(entry.free_symbols & symbols for row in matrix for entry in row)
