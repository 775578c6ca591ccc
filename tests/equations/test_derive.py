"""Jacobians are derived, and so is the fact that one of them is constant."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from neuro_rtrl.equations.derive import Derived, derive
from neuro_rtrl.equations.evaluate import evaluate
from neuro_rtrl.equations.model_text import load_model, model_from_text, with_changes
from neuro_rtrl.equations.parser import symbol
from neuro_rtrl.errors import BuildError, DescriptionError

RICH = """
equations = '''
a = exp(-v**2)*gain : 1
dv/dt = (a*x - abs(v) + bias)/tau : 1 (unless refractory)
dx/dt = (-x + scale*v)/tau : 1
'''
method = "rk4"
threshold = "v*scale > v_th + 0.1*x**2"
output = "tanh(v) + scale*x"
reset = "v -= v_th*scale; x += v**2"
refractory = "t_ref"
[synapses]
fast = "x += w*strength"
[parameters]
tau = { value = 10, unit = "ms", meaning = "time constant" }
gain = { value = 1.5, unit = "1", meaning = "gain" }
scale = { value = 0.8, unit = "1", meaning = "scale" }
bias = { value = 0.3, unit = "1", meaning = "drive" }
v_th = { value = 1, unit = "1", meaning = "threshold" }
strength = { value = 2, unit = "1", meaning = "gain of arrivals" }
t_ref = { value = 3, unit = "ms", meaning = "refractory period" }
"""
LEARN = ("scale", "bias", "v_th")


def known(derived: Derived, rng: np.random.Generator) -> dict[str, float]:
    """A random point: states, inputs, learned parameters, and the coefficients there."""
    parameters = {k: p.value for k, p in derived.model.parameters.items()}
    values = {k: float(v) for k, v in derived.values(parameters, 1, 1e-3).items()}
    point = {name: float(rng.normal()) for name in (*derived.states, *derived.inputs)}
    return values | point | {name: parameters[name] + 0.1 * rng.normal() for name in derived.theta}


def slope(expression: sympy.Expr, name: str, at: dict[str, float], step: float = 1e-6) -> float:
    """Central difference of an expression by one of its symbols."""
    above, below = (evaluate(expression, at | {name: at[name] + s}) for s in (step, -step))
    return float((above - below) / (2 * step))


def test_every_jacobian(rng: np.random.Generator) -> None:
    derived = derive(model_from_text(RICH), LEARN)
    assert derived.held_flow is not None
    by_state = [
        (derived.flow, derived.flow_h, derived.flow_theta),
        (derived.held_flow, derived.held_flow_h, derived.held_flow_theta),
        (derived.reset, derived.reset_h, derived.reset_theta),
        ((derived.threshold,), (derived.threshold_h,), (derived.threshold_theta,)),
        ((derived.output,), (derived.output_h,), (derived.output_theta,)),
    ]
    for _ in range(5):
        at = known(derived, rng)
        for functions, by_h, by_theta in by_state:
            for f, row_h, row_theta in zip(functions, by_h, by_theta, strict=True):
                found = [float(evaluate(e, at)) for e in (*row_h, *row_theta)]
                wanted = [slope(f, name, at) for name in (*derived.states, *derived.theta)]
                np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-8)


def test_every_symbol_has_a_value() -> None:
    for method in ("rk4", "euler"):
        for learn in ((), LEARN, ("tau",)):
            derived = derive(with_changes(model_from_text(RICH), {"method": method}), learn)
            names = {*derived.states, *derived.theta, *derived.coefficients.names}
            parts = [derived.flow, *derived.flow_h, *derived.flow_theta, derived.reset]
            used = {s.name for row in parts for e in row for s in e.free_symbols}
            assert used <= names


def test_inputs_have_a_jacobian_too() -> None:
    derived = derive(load_model("threshold_rnn"), ("bias",))
    assert derived.size == (1, 1, 1)
    assert derived.flow_a == ((1,),)
    assert derived.flow_theta == ((1,),)
    assert derived.flow_h == ((0,),)


def test_the_reset_is_the_identity_where_it_says_nothing() -> None:
    derived = derive(load_model("lif_current"))
    assert derived.reset == (symbol("v_reset"), symbol("current"))
    assert derived.reset_h == ((0, 0), (0, 1))


@pytest.mark.parametrize(
    ("model", "learn", "constant"),
    [
        ("lif", (), True),
        ("lif", ("bias", "v_th"), True),
        ("alif", ("beta",), True),
        ("egru", (), False),
        ("threshold_rnn", ("bias",), True),
    ],
)
def test_a_constant_jacobian_is_found(model: str, learn: tuple[str, ...], constant: bool) -> None:
    assert derive(load_model(model), learn).constant is constant


def test_the_jacobian_is_constant_as_long_as_the_decay_does_not_learn() -> None:
    model = with_changes(load_model("lif"), {"method": "exponential_euler"})
    assert derive(model).constant
    assert not derive(model, ("tau_m",)).constant


def test_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(DescriptionError, match="Did you mean 'bias'"):
        derive(load_model("lif"), ("bia",))


@pytest.mark.parametrize("name", ["strength", "t_ref"])
def test_what_cannot_learn_is_refused(name: str) -> None:
    with pytest.raises(BuildError, match=f"{name} cannot learn"):
        derive(model_from_text(RICH), (name,))
