"""Expressions of the two ends of a synapse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuro_rtrl.contracts import SECOND, Dimension
from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.network.describe import Network
from neuro_rtrl.network.pair_values import Ends, is_expression, pair_values

PLACES = np.array([[0.0, 0.0], [3.0, 4.0]])
PRE, POST = np.array([0, 0, 1]), np.array([0, 1, 0])


def values(text: str, dimension: Dimension = (), places: Any = PLACES) -> np.ndarray:
    ends = Ends(2, 2, (places, places))
    return pair_values(text, ends, PRE, POST, np.random.default_rng(0), dimension, "w")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("i - 2*j", [0, -2, 1]),
        ("distance", [0, 5, 5]),
        ("x_post - y_pre", [0, 3, -4]),
        ("N_pre + N_post", [4, 4, 4]),
        ("7", [7, 7, 7]),
    ],
)
def test_names(text: str, wanted: list[float]) -> None:
    assert values(text).tolist() == wanted


def test_units_and_chance() -> None:
    np.testing.assert_allclose(values("1*ms + distance*2*ms", SECOND), [1e-3, 11e-3, 11e-3])
    assert np.unique(values("rand() + randn()")).size == 3


@pytest.mark.parametrize(
    ("text", "dimension", "places", "message"),
    [
        ("distance", (), None, r"w: in 'distance': unknown name"),
        ("z_pre", (), PLACES, r"unknown name; given: 'z_pre'.*y_pre"),
        ("distance", SECOND, PLACES, r"w: wrong unit; given: 'distance', in 1"),
        ("1/distance", (), PLACES, r"w: this expression is not finite for every pair"),
    ],
)
def test_what_is_refused(text: str, dimension: Dimension, places: Any, message: str) -> None:
    with pytest.raises(DescriptionError, match=message):
        values(text, dimension, places)


def test_texts_that_are_something_else() -> None:
    for text in ("uniform(1 ms, 2 ms)", "2 ms", "glorot_normal", "3", 3, None, "normal(0, 1)"):
        assert not is_expression(text)
    for text in ("rand()", "0.1*randn()", "i", "x_pre + 1", "N_post", "exp(-distance)"):
        assert is_expression(text)


@pytest.mark.parametrize("places", [np.zeros((3, 2)), [[np.nan]] * 4, "here", np.zeros((4, 4)), 0])
def test_positions_that_are_none(places: Any) -> None:
    net = Network()
    with pytest.raises(DescriptionError, match=r"x: positions: these are not positions"):
        net.inputs(4, name="x", positions=places)


def test_a_negative_delay_is_refused() -> None:
    net = Network()
    x, h = net.inputs(4), net.neurons(3, "lif")
    with pytest.raises(DescriptionError, match=r"delay: a negative delay"):
        net.connect(x, h, delay="1*ms - i*ms")
