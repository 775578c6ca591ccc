"""Every shipped neuron model: what its text must say, and that its Jacobians are right.

The models are found by looking into the folder: a new file is checked without an edit here.
"""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from neuro_rtrl.contracts import Model
from neuro_rtrl.equations.derive import Derived, derive
from neuro_rtrl.equations.evaluate import evaluate
from neuro_rtrl.equations.library import model_files
from neuro_rtrl.equations.model_text import load_model
from neuro_rtrl.equations.parser import Term, parse, symbol
from neuro_rtrl.equations.units import unit
from tests.reference.networks import learnable

MODELS = tuple(model_files())
DT = 1e-3


def random_point(derived: Derived, rng: np.random.Generator) -> dict[str, float]:
    """Values of all symbols: coefficients, and states, inputs and theta at random."""
    parameters = {k: p.value for k, p in derived.model.parameters.items()}
    values = {k: float(v) for k, v in derived.values(parameters, 1, DT).items()}
    size = sizes(derived.model)
    free = {name: size.get(name, 1.0) * rng.normal() for name in (*derived.states, *derived.inputs)}
    for state in derived.model.states:
        if state.dimension:  # near rest: an exponential is not looked at a volt above it
            start = parse(state.start, symbols(derived.model)).expression if state.start else None
            rest = state.initial if start is None else evaluate(start, parameters)
            free[state.name] = rest + 5 * free[state.name]
        elif derived.model.states[0].dimension:  # gates and conductances beside a membrane in mV
            free[state.name] = rng.uniform()
    theta = {
        k: parameters[k] * rng.uniform(0.7, 1.3) + 0.1 * size[k] * rng.normal()
        for k in derived.theta
    }
    return values | free | theta


def symbols(model: Model) -> dict[str, Term]:
    """The parameters, for initial values that are expressions."""
    return {k: Term(symbol(k), p.dimension) for k, p in model.parameters.items()}


def sizes(model: Model) -> dict[str, float]:
    """What states and parameters with a unit are measured in, in SI units; 1 for the others."""
    named = (*model.states, *model.parameters.values())
    return {x.name: unit(x.unit)[0] if x.dimension else 1.0 for x in named}


def differences(
    expression: sympy.Expr, names: tuple[str, ...], at: dict[str, float], size: dict[str, float]
) -> np.ndarray:
    """Central differences of an expression by `names`."""
    step = {name: 1e-5 * size[name] if size.get(name, 1.0) != 1.0 else 1e-6 for name in names}
    ends = [
        [evaluate(expression, at | {name: at[name] + s}) for s in (step[name], -step[name])]
        for name in names
    ]
    both = zip(names, ends, strict=True)
    return np.array([(above - below) / (2 * step[name]) for name, (above, below) in both])


def assert_slopes(
    row: tuple[sympy.Expr, ...],
    expression: sympy.Expr,
    names: tuple[str, ...],
    at: dict[str, float],
    size: dict[str, float],
    own: float,
) -> None:
    """Derivatives against differences, in the units in which the model is written."""
    scale = np.array([size.get(name, 1.0) for name in names]) / own
    found = np.array([float(evaluate(e, at)) for e in row]) * scale
    wanted = differences(expression, names, at, size) * scale
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-8)


def test_models_are_found() -> None:
    """A folder that is not read would make every test below pass."""
    assert {"alif", "egru", "leaky_readout", "lif", "lif_current", "threshold_rnn"} <= set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_the_text_says_what_it_must(name: str) -> None:
    model = load_model(name)
    assert len(model.summary) > 20
    assert any(
        year.isdigit() and len(year) == 4 for year in model.reference.replace(",", " ").split()
    )
    for parameter in model.parameters.values():
        assert len(parameter.meaning) > 5, parameter.name
        assert unit(parameter.unit)[1] == parameter.dimension
    for state in model.states:
        assert len(state.meaning) > 3, state.name
        assert unit(state.unit)[1] == state.dimension
    assert model.ports, "nothing could be connected to it"
    assert (model.readout is not None) or (model.threshold is not None)


@pytest.mark.parametrize("name", MODELS)
def test_jacobians_are_the_slopes(name: str, rng: np.random.Generator) -> None:
    model = load_model(name)
    derived = derive(model, tuple(learnable(model)))
    columns = (*derived.states, *derived.inputs, *derived.theta)
    held = derived.held_flow if derived.held_flow is not None else derived.flow
    size, names = sizes(model), (*derived.states, *derived.theta)
    for _ in range(4):
        at = random_point(derived, rng)
        for i, (state, free) in enumerate(zip(derived.states, derived.flow, strict=True)):
            row = (*derived.flow_h[i], *derived.flow_a[i], *derived.flow_theta[i])
            assert_slopes(row, free, columns, at, size, size[state])
            row = (*derived.held_flow_h[i], *derived.held_flow_theta[i])
            assert_slopes(row, held[i], names, at, size, size[state])


@pytest.mark.parametrize("name", [m for m in MODELS if load_model(m).threshold is not None])
def test_what_happens_at_a_spike_has_the_right_slopes(name: str, rng: np.random.Generator) -> None:
    model = load_model(name)
    derived = derive(model, tuple(learnable(model)))
    assert derived.threshold is not None and model.threshold is not None
    columns, size = (*derived.states, *derived.theta), sizes(model)
    tested = next((size[s.name] for s in model.threshold.free_symbols if s.name in size), 1.0)
    rows = [(derived.threshold, (*derived.threshold_h, *derived.threshold_theta), tested)]
    if derived.output is not None:
        rows.append((derived.output, (*derived.output_h, *derived.output_theta), 1.0))
    for i, (state, after) in enumerate(zip(derived.states, derived.reset, strict=True)):
        rows.append((after, (*derived.reset_h[i], *derived.reset_theta[i]), size[state]))
    at = random_point(derived, rng)
    for expression, row, own in rows:
        assert_slopes(row, expression, columns, at, size, own)


@pytest.mark.parametrize("name", MODELS)
def test_constant_means_the_same_everywhere(name: str, rng: np.random.Generator) -> None:
    derived = derive(load_model(name))
    points = [random_point(derived, rng) for _ in range(2)]
    D = [[[float(evaluate(e, at)) for e in row] for row in derived.flow_h] for at in points]
    assert derived.constant is bool(np.array_equal(D[0], D[1]))
