"""Units: factors, dimensions, quantities, and what is refused."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuro_rtrl.equations import units
from neuro_rtrl.errors import DescriptionError

TIME, VOLT = units.unit("second")[1], units.unit("volt")[1]


@pytest.mark.parametrize(
    ("text", "factor", "same_as"),
    [
        ("ms", 1e-3, "second"),
        ("mV", 1e-3, "volt"),
        ("nA", 1e-9, "amp"),
        ("namp", 1e-9, "amp"),
        ("Hz", 1.0, "second**-1"),
        ("kHz", 1e3, "1/second"),
        ("pF", 1e-12, "farad"),
        ("nS", 1e-9, "1/ohm"),
        ("mV/ms", 1.0, "volt/second"),
        ("siemens*volt", 1.0, "amp"),
        ("1", 1.0, "1"),
        (" ", 1.0, "1"),
    ],
)
def test_a_unit_is_a_factor_and_a_dimension(text: str, factor: float, same_as: str) -> None:
    found, dimension = units.unit(text)
    assert found == pytest.approx(factor, rel=1e-14)
    assert dimension == units.unit(same_as)[1]


@pytest.mark.parametrize(
    "text",
    [
        "msec_",
        "mVolts per day",
        "volt**0.3",
        "__import__",
        "m" * 100,
        "volt**(9)",
        "9e99*volt",
        "%",
    ],
)
def test_what_is_not_a_unit_is_refused(text: str) -> None:
    with pytest.raises(DescriptionError, match="this is not a unit"):
        units.unit(text)


@pytest.mark.parametrize("text", sorted(units._KNOWN))
def test_the_table_says_what_pint_says(text: str) -> None:
    assert units._KNOWN[text] == units._by_pint(text)


def test_the_nearest_unit_is_named() -> None:
    with pytest.raises(DescriptionError, match="Did you mean 'mV'"):
        units.unit("mVv")


@pytest.mark.parametrize(
    ("given_value", "number", "dimension"),
    [
        ("20 ms", 0.02, TIME),
        ("20*ms", 0.02, TIME),
        ("-65 mV", -0.065, VOLT),
        ("+.5e1", 5.0, ()),
        ("1e-3 second", 1e-3, TIME),
        (7, 7.0, ()),
        (0.25, 0.25, ()),
    ],
)
def test_quantities(given_value: object, number: float, dimension: units.Dimension) -> None:
    found, found_dimension = units.parse_quantity(given_value)
    assert found == pytest.approx(number, rel=1e-14)
    assert found_dimension == dimension
    assert units.quantity(given_value, dimension) == found


@pytest.mark.parametrize(
    "value", ["ms", "twenty ms", True, None, [1], "1 2", math.inf, math.nan, 10**400, "1e999", ""]
)
def test_what_is_not_a_quantity_is_refused(value: object) -> None:
    with pytest.raises(DescriptionError, match="not a"):
        units.quantity(value)


def test_a_wrong_unit_is_refused_with_an_example() -> None:
    with pytest.raises(DescriptionError, match=re.escape("unit second. Write it as in '20 ms'")):
        units.quantity("20 mV", TIME)
    with pytest.raises(DescriptionError, match="wrong unit"):
        units.quantity(20, TIME)


DIMENSIONS = st.sampled_from(["1", "second", "volt", "amp", "siemens", "farad", "volt/second"]).map(
    lambda text: units.unit(text)[1]
)


@given(a=DIMENSIONS, b=DIMENSIONS, power=st.integers(-3, 3))
def test_products_of_dimensions(a: units.Dimension, b: units.Dimension, power: int) -> None:
    product = units.multiply(a, b, power)
    assert units.multiply(product, b, -power) == a
    assert units.multiply(a, a, -1) == ()
    assert units.multiply(a, b) == units.multiply(b, a)


@given(dimension=DIMENSIONS)
def test_names_and_examples_mean_their_dimension(dimension: units.Dimension) -> None:
    assert units.unit(units.unit_name(dimension))[1] == dimension
    assert units.parse_quantity(units.example(dimension))[1] == dimension
