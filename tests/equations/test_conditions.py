"""Conditions: against Python's own truth values."""

from __future__ import annotations

import pytest

from neuro_rtrl.equations.evaluate import evaluate
from neuro_rtrl.equations.model_text import load_model, with_changes
from neuro_rtrl.equations.parser import Term, parse_condition, symbol
from neuro_rtrl.errors import DescriptionError

NAMES = {"x": Term(symbol("x"), ()), "y": Term(symbol("y"), ())}


@pytest.mark.parametrize("x", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("y", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize(
    "text",
    ["x > y", "x >= y", "x < y", "x <= y", "x > y or y > 0", "not (x > 0 and y > 0)", "not x > y"],
)
def test_truth(text: str, x: float, y: float) -> None:
    found = parse_condition(text, NAMES)
    assert float(evaluate(found, {"x": x, "y": y})) == float(eval(text, {"x": x, "y": y}))


def test_what_is_no_condition() -> None:
    assert parse_condition("x + y", NAMES) is None
    with pytest.raises(DescriptionError, match=r"this is not a comparison"):
        parse_condition("x > y > 0", NAMES)


def test_a_condition_may_end_refractoriness_and_rows_do_not_wait() -> None:
    model = with_changes(load_model("lif"), {"refractory": "v > 0.1"})
    assert model.refractory is None
    assert str(model.refractory_while) == "above(v - 0.1)"
    with pytest.raises(DescriptionError, match=r"unknown name"):
        with_changes(model, {"refractory": "z > 0.1"})


def test_noise_and_lots_have_their_places() -> None:
    with pytest.raises(DescriptionError, match=r"a random number has no place here"):
        with_changes(load_model("lif"), {"equations": "dv/dt = (bias - v)*rand()/tau_m : 1"})
    with pytest.raises(DescriptionError, match=r"a random threshold has no surrogate"):
        with_changes(load_model("poisson"), {"surrogate": {"shape": "triangle"}})
