"""Closed solutions between events, against the matrix exponential over many short steps."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import sympy

from neuro_rtrl.equations.evaluate import evaluate
from neuro_rtrl.equations.library import synapse_files
from neuro_rtrl.equations.synapse_flow import GAP, solve
from neuro_rtrl.equations.synapse_inline import make_synapse
from neuro_rtrl.equations.synapse_text import load_synapse
from neuro_rtrl.errors import BuildError

DT = 1e-3


def after(synapse: object, parameters: dict[str, float], start: dict[str, float], gap: int) -> dict:
    flow = solve(synapse)
    known = start | flow.values(parameters, DT) | {GAP.name: float(gap)}
    return {name: float(evaluate(e, known)) for name, e in flow.after.items()}


def step_by_step(synapse: object, parameters: dict, start: dict[str, float], gap: int) -> dict:
    names = list(synapse.rates)
    zero = parameters | start | dict.fromkeys(names, 0.0)
    matrix = np.zeros((len(names) + 1, len(names) + 1))
    for i, rate in enumerate(synapse.rates.values()):
        matrix[i, -1] = evaluate(rate, zero)
        for j, name in enumerate(names):
            matrix[i, j] = evaluate(sympy.diff(rate, sympy.Symbol(name, real=True)), zero)
    one = scipy.linalg.expm(matrix * DT)
    x = np.array([*(start[k] for k in names), 1.0])
    for _ in range(gap):
        x = one @ x
    return dict(zip(names, x.tolist(), strict=False))


@pytest.mark.parametrize("name", synapse_files())
@pytest.mark.parametrize("gap", [0, 1, 7, 500])
def test_a_gap_at_once_is_the_gap_step_by_step(name: str, gap: int) -> None:
    synapse = load_synapse(name)
    parameters = {k: p.value for k, p in synapse.parameters.items()}
    start = {s.name: 0.3 + 0.1 * i for i, s in enumerate(synapse.states)}
    expected = step_by_step(synapse, parameters, start, gap)
    found = after(synapse, parameters, start, gap)
    assert found == pytest.approx(expected, rel=1e-11, abs=1e-14)


def test_a_drive_into_coupled_variables() -> None:
    """Two variables and a constant: three modes."""
    synapse = make_synapse(
        "w : 1\nda/dt = (b - a)/tau_a : 1 (event-driven)\ndb/dt = (1 - b)/tau_b : 1 (event-driven)",
        parameters={"tau_a": "20 ms", "tau_b": "5 ms"},
    )
    parameters = {"tau_a": 20e-3, "tau_b": 5e-3}
    start = {"w": 1.0, "a": 0.2, "b": -0.4}
    assert solve(synapse).modes == 3
    for gap in (1, 40, 100_000):
        expected = step_by_step(synapse, parameters, start, gap)
        assert after(synapse, parameters, start, gap) == pytest.approx(expected, rel=1e-9)


def test_a_long_silence_overflows_nowhere() -> None:
    synapse = load_synapse("stdp_dopamine")
    parameters = {k: p.value for k, p in synapse.parameters.items()}
    start = {s.name: 1.0 for s in synapse.states}
    with np.errstate(over="raise", invalid="raise"):
        found = after(synapse, parameters, start, 10**9)
    # w <- w + speed w_max e/(1/tau_c + 1/tau_d) in the end
    assert found["w"] == pytest.approx(1.0 + 1.0 / (1 / 1.0 + 1 / 0.2))
    assert found["Apre"] == 0.0


def test_parameters_of_each_synapse() -> None:
    flow = solve(load_synapse("stdp"))
    values = flow.values({"tau_pre": np.array([1e-3, 2e-3]), "tau_post": 1e-3}, DT)
    np.testing.assert_allclose(values["rate_Apre"], [-1.0, -0.5])


@pytest.mark.parametrize(
    "equation",
    [
        "da/dt = -a*a/tau : 1 (event-driven)",
        "da/dt = -a*w/tau : 1 (event-driven)",
        "da/dt = -int(a > 0.5)/tau : 1 (event-driven)",
    ],
)
def test_what_has_no_exact_solution_is_refused(equation: str) -> None:
    synapse = make_synapse(f"w : 1\n{equation}", parameters={"tau": "1 ms"})
    with pytest.raises(BuildError, match="no exact solution"):
        solve(synapse)


@pytest.mark.parametrize("second", ["(-b - a)/tau", "-b/tau"])
def test_oscillations_and_equal_rates_are_refused(second: str) -> None:
    synapse = make_synapse(
        f"w : 1\nda/dt = (b - a)/tau : 1 (event-driven)\ndb/dt = {second} : 1 (event-driven)",
        parameters={"tau": "1 ms"},
    )
    with pytest.raises(BuildError, match="cannot be solved apart"):
        solve(synapse).values({"tau": 1e-3}, DT)
