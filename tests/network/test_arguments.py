"""What `Network` is handed: names, counts, ranges, entries, surrogates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuro_rtrl.contracts import Surrogate
from neuro_rtrl.equations.model_text import load_model
from neuro_rtrl.errors import BuildError, DescriptionError
from neuro_rtrl.network.arguments import (
    MOST_UNITS,
    as_expression,
    count,
    find_port,
    free_name,
    names,
    numbers_of,
    state_names,
    with_surrogate,
    within,
)


def test_a_free_name_is_made_from_the_stem() -> None:
    assert free_name(None, "lif", {}, "population") == "lif"
    assert free_name(None, "lif", {"lif": 0}, "population") == "lif_2"
    assert free_name(None, "lif", {"lif": 0, "lif_2": 0}, "population") == "lif_3"
    assert free_name("mine", "lif", {"lif": 0}, "population") == "mine"


@pytest.mark.parametrize("name", ["", "1st", "a b", "a.b", "taken", 3, "x" * 62])
def test_names_that_cannot_be_used(name: Any) -> None:
    with pytest.raises(DescriptionError, match=r"this name of a projection is not usable"):
        free_name(name, "lif", {"taken": 0}, "projection")


@pytest.mark.parametrize("n", [0, -1, True, 2.0, "2", None, MOST_UNITS + 1])
def test_counts_out_of_range(n: Any) -> None:
    with pytest.raises(DescriptionError, match=r"the number of units is out of range.*expected: a"):
        count(n)


def test_counts_may_come_from_numpy() -> None:
    assert count(np.int32(3)) == 3


def test_ranges() -> None:
    within(0.5, 0, 1, "here")
    within(np.int64(1), 0, 1, "here", whole=True)
    with pytest.raises(DescriptionError, match=r"here: out of range; given: 2; expected: 0 to 1\."):
        within(2, 0, 1, "here")
    with pytest.raises(DescriptionError, match=r"here: out of range; given: nan"):
        within(float("nan"), 0, 1, "here")
    for value in ("1", True, None):
        with pytest.raises(DescriptionError, match=r"here: not a number"):
            within(value, 0, 1, "here")
    with pytest.raises(DescriptionError, match=r"here: not a whole number; given: 0.5"):
        within(0.5, 0, 1, "here", whole=True)


def test_one_name_or_several() -> None:
    assert names("bias") == ("bias",)
    assert names(["bias", "v_th"]) == ("bias", "v_th")


def test_the_first_port_is_the_default() -> None:
    model = load_model("egru")
    assert find_port("h", model, None, "x_h").name == next(iter(model.ports))
    assert find_port("h", model, "cand_h", "x_h").name == "cand_h"


def test_ports_that_are_not_there() -> None:
    with pytest.raises(DescriptionError, match=r"x_h: unknown port.*Did you mean 'gate_u'\?"):
        find_port("h", load_model("egru"), "gate_v", "x_h")
    with pytest.raises(BuildError, match=r"x_y: this population takes no synapses.*to y;"):
        find_port("y", None, None, "x_y")


def test_surrogates_by_any_form() -> None:
    model = load_model("lif")
    assert with_surrogate(model, "boxcar", "h").surrogate.shape == "boxcar"
    assert with_surrogate(model, {"width": 0.5}, "h").surrogate.width == 0.5
    chosen = Surrogate("arctan", 1.0, 0.1)
    assert with_surrogate(model, chosen, "h").surrogate == chosen
    with pytest.raises(DescriptionError, match=r"h: surrogate.*unknown.*Did you mean 'boxcar'\?"):
        with_surrogate(model, "boxcars", "h")


@pytest.mark.parametrize(
    ("text", "made"),
    [("5 ms", "5*ms"), ("5*ms", "5*ms"), ("t_ref", "t_ref"), (" 1e-3  second ", "1e-3*second")],
)
def test_quantities_become_expressions(text: str, made: str) -> None:
    assert as_expression(text) == made


def test_names_of_states_and_numbers_of_units() -> None:
    assert state_names("a.v") == state_names(["a.v"]) == state_names({"a.v": 3}) == ["a.v"]
    assert state_names(()) == []
    with pytest.raises(DescriptionError, match=r"record: these are not names of states; given: 5"):
        state_names(5)
    assert numbers_of([2, 0], 3, "here").tolist() == [2, 0]
    with pytest.raises(DescriptionError, match=r"here: these are not numbers of cells; given: 3"):
        numbers_of(3, 3, "here", "cells")
