"""Models from strings: the same as from a file, with the same errors."""

from __future__ import annotations

from typing import Any

import pytest

from neuro_rtrl.equations.library import model_files
from neuro_rtrl.equations.model_inline import make_model
from neuro_rtrl.equations.model_text import load_model, with_changes
from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.network.describe import Network

LINES: dict[str, Any] = {
    "equations": "\ndv/dt = (bias - v)/tau_m : 1 (unless refractory)\n",
    "method": "exact",
    "threshold": "v > v_th",
    "reset": "v = v_reset",
    "refractory": "t_ref",
    "synapses": {"delta": "v += w"},
    "parameters": {"tau_m": "20 ms", "v_th": 1, "v_reset": "0", "t_ref": "0 ms", "bias": 0.0},
}


def test_it_is_the_model_of_the_file() -> None:
    file = load_model(next(name for name in model_files() if name == "lif"))
    made = make_model(**LINES)
    for part in ("rates", "threshold", "reset", "refractory", "method", "kind", "states"):
        left, right = getattr(made, part), getattr(file, part)
        if part == "states":
            left, right = ([(s.name, s.initial, s.held) for s in x] for x in (left, right))
        assert left == right
    values = {k: (p.value, p.dimension) for k, p in made.parameters.items()}
    assert values == {k: (p.value, p.dimension) for k, p in file.parameters.items()}


def test_lines_can_be_replaced_and_units_made() -> None:
    made = make_model(**LINES, initial={"v": 0.25})
    assert with_changes(made, {"reset": "v -= v_th"}).text["reset"] == "v -= v_th"
    units = Network().neurons(3, made, tau_m="10 ms", refractory="2 ms")
    assert float(units.initial["v"]) == 0.25


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"threshold": "v >"}, r"model, line \d+: threshold"),
        ({"equations": "dv/dt = -u : 1"}, r"unknown name; given: 'u'"),
        ({"parameters": {"tau_m": "fast"}}, r"parameters\.tau_m: this parameter has no number"),
        (
            {"parameters": LINES["parameters"] | {"tau_m": "20 xyz"}},
            r"parameters\.tau_m: this is not a unit; given: 'xyz'",
        ),
        ({"method": 3}, r"method: this line is not text; given: 3"),
        ({"thresold": "v > 1"}, r"thresold"),
    ],
)
def test_errors_are_those_of_a_file(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(DescriptionError, match=text):
        make_model(**LINES | changes)
