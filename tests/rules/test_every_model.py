"""Every shipped neuron model: what its text must say, and that its Jacobians are right.

The models are found by looking into the folder: a new file is checked without an edit here.
"""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from neuro_rtrl.equations.derive import Derived, derive
from neuro_rtrl.equations.evaluate import evaluate
from neuro_rtrl.equations.library import model_files
from neuro_rtrl.equations.model_text import load_model
from neuro_rtrl.equations.units import unit
from tests.reference.networks import learnable

MODELS = tuple(model_files())
DT = 1e-3


def random_point(derived: Derived, rng: np.random.Generator) -> dict[str, float]:
    """Values of all symbols: coefficients, and states, inputs and theta at random."""
    parameters = {k: p.value for k, p in derived.model.parameters.items()}
    values = {k: float(v) for k, v in derived.values(parameters, 1, DT).items()}
    free = {name: float(rng.normal()) for name in (*derived.states, *derived.inputs)}
    theta = {k: parameters[k] * rng.uniform(0.7, 1.3) + 0.1 * rng.normal() for k in derived.theta}
    return values | free | theta


def differences(expression: sympy.Expr, names: tuple[str, ...], at: dict[str, float]) -> np.ndarray:
    """Central differences of an expression by `names`."""
    step = 1e-6
    ends = [
        [evaluate(expression, at | {name: at[name] + s}) for s in (step, -step)] for name in names
    ]
    return np.array([(above - below) / (2 * step) for above, below in ends])


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
    for _ in range(4):
        at = random_point(derived, rng)
        for i, free in enumerate(derived.flow):
            row = (*derived.flow_h[i], *derived.flow_a[i], *derived.flow_theta[i])
            found = [float(evaluate(e, at)) for e in row]
            np.testing.assert_allclose(found, differences(free, columns, at), rtol=1e-6, atol=1e-8)
            row = (*derived.held_flow_h[i], *derived.held_flow_theta[i])
            found = [float(evaluate(e, at)) for e in row]
            names = (*derived.states, *derived.theta)
            wanted = differences(held[i], names, at)
            np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", [m for m in MODELS if load_model(m).threshold is not None])
def test_what_happens_at_a_spike_has_the_right_slopes(name: str, rng: np.random.Generator) -> None:
    model = load_model(name)
    derived = derive(model, tuple(learnable(model)))
    assert derived.threshold is not None
    columns = (*derived.states, *derived.theta)
    rows = [(derived.threshold, (*derived.threshold_h, *derived.threshold_theta))]
    if derived.output is not None:
        rows.append((derived.output, (*derived.output_h, *derived.output_theta)))
    for i, after in enumerate(derived.reset):
        rows.append((after, (*derived.reset_h[i], *derived.reset_theta[i])))
    at = random_point(derived, rng)
    for expression, row in rows:
        found = [float(evaluate(e, at)) for e in row]
        wanted = differences(expression, columns, at)
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", MODELS)
def test_constant_means_the_same_everywhere(name: str, rng: np.random.Generator) -> None:
    derived = derive(load_model(name))
    points = [random_point(derived, rng) for _ in range(2)]
    D = [[[float(evaluate(e, at)) for e in row] for row in derived.flow_h] for at in points]
    assert derived.constant is bool(np.array_equal(D[0], D[1]))
