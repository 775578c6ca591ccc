"""The functions of a simulation: which there are, and that they choose without branches."""

from __future__ import annotations

import ast

import pytest

from neuro_rtrl.compile import lean
from neuro_rtrl.compile.source import layout
from neuro_rtrl.equations.derive import derive
from neuro_rtrl.equations.model_text import load_model


def generated(name: str) -> str:
    derived = derive(load_model(name))
    parameters = {k: p.value for k, p in derived.model.parameters.items()}
    return lean.source(derived, layout(derived.values(parameters, 1, 1e-3)))


def functions(name: str) -> dict[str, ast.FunctionDef]:
    tree = ast.parse(generated(name))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("lif", {"advance", "settle"}),
        ("leaky_readout", {"flow"}),
        ("egru", {"flow", "spike", "settle"}),
        ("hodgkin_huxley", {"advance", "settle", "gate"}),
    ],
)
def test_a_model_has_what_it_needs(name: str, wanted: set[str]) -> None:
    assert set(functions(name)) == wanted


@pytest.mark.parametrize("name", ["lif", "lif_conductance", "alif", "adex", "hodgkin_huxley"])
def test_the_loop_has_no_branch(name: str) -> None:
    assert not any(isinstance(node, ast.If) for node in ast.walk(functions(name)["advance"]))


def test_only_what_refractoriness_changes_is_chosen() -> None:
    text = generated("lif_conductance")
    assert "new_v = held_v if held[i] else free_v" in text
    assert "new_ge = free_ge" in text
    assert "held_ge" not in text
