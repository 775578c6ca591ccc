"""Coefficients: what is computed once has the same value as what it replaces."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuro_rtrl.equations.coefficients import Coefficients
from neuro_rtrl.equations.evaluate import evaluate
from neuro_rtrl.equations.model_text import load_model, model_from_text
from neuro_rtrl.equations.parser import symbol
from neuro_rtrl.errors import DescriptionError

TEXT = """
equations = "dv/dt = (bias*gain**2 - v*exp(gain)/2)/tau : 1"
method = "euler"
[parameters]
tau = { value = 10, unit = "ms", meaning = "time constant" }
gain = { value = 2, unit = "1", meaning = "gain" }
bias = { value = 0.5, unit = "1", meaning = "drive" }
"""


@pytest.mark.parametrize("theta", [(), ("bias",), ("bias", "gain")])
def test_hoisting_keeps_the_value(theta: tuple[str, ...]) -> None:
    model = model_from_text(TEXT)
    made = Coefficients(model, theta)
    step = symbol("v") + symbol("dt") * model.rates["v"]
    hoisted = made.hoist(step)
    parameters = {"tau": 0.01, "gain": np.array([2.0, 3.0]), "bias": np.array([0.5, -0.5])}
    constants = {k: v for k, v in parameters.items() if k not in theta}
    values = made.values(parameters, 2, 1e-3)
    known = {"v": 0.7, "dt": 1e-3}
    learned = {k: parameters[k] for k in theta}
    found = evaluate(hoisted, known | learned | values)
    np.testing.assert_allclose(found, evaluate(step, known | parameters), rtol=1e-14)
    assert set(values) == set(made.names)
    assert set(constants) <= set(values)
    assert not set(theta) & set(values)


def test_constants_of_a_product_become_one_symbol() -> None:
    made = Coefficients(model_from_text(TEXT), ("bias",))
    a, b, learned = symbol("tau"), symbol("gain"), symbol("bias")
    hoisted = made.hoist(learned * a * b**2 + 3)
    assert hoisted.free_symbols - {learned} == {symbol("k_0")}
    assert made.hoist(a * b**2 * symbol("v")).free_symbols == {symbol("k_0"), symbol("v")}
    assert made.hoist(a) == a
    assert made.hoist(symbol("v") * 2) == symbol("v") * 2


def test_equal_units_share_one_number() -> None:
    made = Coefficients(load_model("lif"), ())
    parameters: dict[str, Any] = {k: p.value for k, p in made.model.parameters.items()}
    parameters["tau_m"] = np.full(3, 0.02)
    parameters["bias"] = np.array([0.0, 1.0, 2.0])
    values = made.values(parameters, 3, 1e-3)
    assert values["tau_m"].shape == ()
    assert values["bias"].shape == (3,)


def test_a_number_without_a_value_is_refused() -> None:
    model = model_from_text(TEXT)
    made = Coefficients(model, ())
    made.hoist(symbol("v") / (symbol("tau") * symbol("gain")))
    with pytest.raises(DescriptionError, match="a coefficient of model is not finite"):
        made.values({"tau": 0.0, "gain": 1.0, "bias": 0.0}, 1, 1e-3)
