"""One step of each method, against closed forms, SciPy and the order of its error."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.integrate
from hypothesis import given
from hypothesis import strategies as st

from neuro_rtrl.equations.derive import Derived, derive
from neuro_rtrl.equations.evaluate import evaluate
from neuro_rtrl.equations.model_text import load_model, model_from_text, with_changes
from neuro_rtrl.errors import BuildError

LINEAR = """
equations = '''
dv/dt = (bias + x - v)/tau_m : 1 (unless refractory)
dx/dt = -x/tau_s : 1
'''
threshold = "v > 1"
refractory = "2*ms"
[synapses]
fast = "x += w"
[parameters]
tau_m = { value = 20, unit = "ms", meaning = "membrane" }
tau_s = { value = 5, unit = "ms", meaning = "synapse" }
bias = { value = 0.5, unit = "1", meaning = "drive" }
"""
CURVED = """
equations = "dv/dt = (sin(v) - v**3 + bias)/tau : 1"
threshold = "v > 9"
method = "rk4"
[parameters]
tau = { value = 10, unit = "ms", meaning = "time constant" }
bias = { value = 0.4, unit = "1", meaning = "drive" }
"""


def stepper(
    derived: Derived, parameters: dict[str, float], dt: float, held: bool = False
) -> Callable[[np.ndarray], np.ndarray]:
    """h -> h after one step of the derived flow, for one unit."""
    values = derived.values(parameters, 1, dt) | parameters
    flow = derived.held_flow if held and derived.held_flow else derived.flow

    def step(h: np.ndarray) -> np.ndarray:
        known = values | dict(zip(derived.states, h, strict=True))
        return np.array([float(evaluate(e, known)) for e in flow])

    return step


def defaults(derived: Derived) -> dict[str, float]:
    return {k: p.value for k, p in derived.model.parameters.items()}


@given(
    tau_m=st.floats(1e-3, 0.1),
    tau_s=st.floats(1e-3, 0.1),
    bias=st.floats(-1, 1),
    dt=st.floats(1e-5, 0.5),
)
def test_exact_is_the_closed_form(tau_m: float, tau_s: float, bias: float, dt: float) -> None:
    derived = derive(model_from_text(LINEAR))
    parameters = {"tau_m": tau_m, "tau_s": tau_s, "bias": bias}
    v, x = stepper(derived, parameters, dt)(np.array([0.3, 0.8]))
    a, b = np.exp(-dt / tau_m), np.exp(-dt / tau_s)
    assert x == pytest.approx(0.8 * b, rel=1e-12, abs=1e-300)
    if abs(tau_m - tau_s) > 1e-3 * tau_m:
        cross = tau_s / (tau_s - tau_m) * (b - a)
        assert v == pytest.approx(0.3 * a + bias * (1 - a) + 0.8 * cross, rel=1e-9, abs=1e-12)


def test_equal_time_constants_need_no_care() -> None:
    derived = derive(model_from_text(LINEAR))
    parameters = {"tau_m": 0.01, "tau_s": 0.01, "bias": 0.0}
    v, _ = stepper(derived, parameters, 0.002)(np.array([0.0, 1.0]))
    assert v == pytest.approx(0.2 * np.exp(-0.2), rel=1e-13)


@pytest.mark.parametrize("gap", [1.0, 60.0, 3600.0])
def test_long_gaps_stay_finite(gap: float) -> None:
    derived = derive(model_from_text(LINEAR))
    found = stepper(derived, defaults(derived), gap)(np.array([0.3, 0.8]))
    np.testing.assert_allclose(found, [0.5, 0.0], atol=1e-9)


@given(first=st.integers(1, 40), second=st.integers(1, 40))
def test_exact_steps_compose(first: int, second: int) -> None:
    derived = derive(model_from_text(LINEAR))
    flow = [stepper(derived, defaults(derived), 1e-3 * m) for m in (first, second, first + second)]
    h = np.array([-0.2, 1.1])
    np.testing.assert_allclose(flow[1](flow[0](h)), flow[2](h), rtol=1e-10, atol=1e-13)


def test_units_of_many_kinds_at_once() -> None:
    derived = derive(model_from_text(LINEAR))
    tau = np.array([5e-3, 10e-3, 20e-3])
    values = derived.values({"tau_m": tau, "tau_s": 5e-3, "bias": 0.0}, 3, 1e-3)
    np.testing.assert_allclose(values["flow_v_v"], np.exp(-1e-3 / tau), rtol=1e-14)
    assert values["flow_x_x"].shape == ()


@pytest.mark.parametrize("method", ["exact", "rk4", "euler", "exponential_euler"])
def test_while_refractory_only_the_held_state_stands_still(method: str) -> None:
    derived = derive(with_changes(model_from_text(LINEAR), {"method": method}))
    free = stepper(derived, defaults(derived), 1e-3)(np.array([0.3, 0.8]))
    held = stepper(derived, defaults(derived), 1e-3, held=True)(np.array([0.3, 0.8]))
    assert held[0] == 0.3
    assert held[1] == pytest.approx(free[1], rel=1e-15)
    assert free[0] != 0.3


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("rk4", 4)])
@pytest.mark.parametrize("learn", [(), ("bias",), ("tau", "bias")])
def test_the_order_of_the_error(method: str, order: int, learn: tuple[str, ...]) -> None:
    model = with_changes(model_from_text(CURVED), {"method": method})
    derived = derive(model, learn)
    end, tau, bias = 0.02, 0.01, 0.4
    true = scipy.integrate.solve_ivp(
        lambda t, v: (np.sin(v) - v**3 + bias) / tau, (0, end), [0.1], rtol=1e-12, atol=1e-13
    ).y[0, -1]
    errors = []
    for steps in (20, 40):
        step, h = stepper(derived, defaults(derived), end / steps), np.array([0.1])
        for _ in range(steps):
            h = step(h)
        errors.append(abs(h[0] - true))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.4)


def test_exponential_euler_is_exact_for_one_linear_equation() -> None:
    changed = with_changes(load_model("lif"), {"method": "exponential_euler"})
    exact = derive(load_model("lif"))
    for learn in ((), ("bias",), ("tau_m",)):
        derived = derive(changed, learn)
        found = stepper(derived, defaults(derived), 3e-3)(np.array([0.7]))
        wanted = stepper(exact, defaults(exact), 3e-3)(np.array([0.7]))
        np.testing.assert_allclose(found, wanted, rtol=1e-13)


def test_exponential_euler_without_decay_is_a_plain_step() -> None:
    text = CURVED.replace("sin(v) - v**3 + bias", "bias").replace("rk4", "exponential_euler")
    derived = derive(model_from_text(text))
    assert stepper(derived, defaults(derived), 1e-3)(np.array([0.2]))[0] == pytest.approx(0.24)


@pytest.mark.parametrize("method", ["exact", "exponential_euler"])
def test_a_method_that_does_not_fit_is_refused(method: str) -> None:
    with pytest.raises(BuildError, match=f"the method {method} does not fit the equation of v"):
        derive(with_changes(model_from_text(CURVED), {"method": method}))


def test_a_learned_time_constant_does_not_fit_the_exact_method() -> None:
    with pytest.raises(BuildError, match="linear in the states, and in what learns"):
        derive(load_model("lif"), ("tau_m",))
