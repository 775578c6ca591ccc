"""Surrogate derivatives: exactly zero outside their support, as high and wide as they say."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuro_rtrl.contracts import Surrogate
from neuro_rtrl.equations.surrogates import COMPACT, SHAPES, cutoff, describe, make, psi
from neuro_rtrl.errors import DescriptionError

SHAPED = st.builds(
    Surrogate,
    shape=st.sampled_from(sorted(set(SHAPES) - {"none"})),
    height=st.floats(0.1, 2),
    width=st.floats(0.1, 2),
    cutoff=st.none() | st.floats(0.1, 3),
)


@given(surrogate=SHAPED, g=st.floats(-20, 20), fired=st.booleans())
def test_every_shape(surrogate: Surrogate, g: float, fired: bool) -> None:
    found = psi(surrogate, g, fired)
    assert 0.0 <= found <= surrogate.height
    assert found == psi(surrogate, -g, fired)
    if abs(g) >= cutoff(surrogate):
        assert found == 0.0
    assert psi(surrogate, 0.0, True) == surrogate.height


@given(surrogate=SHAPED, near=st.floats(0, 20), far=st.floats(0, 20))
def test_it_falls_with_the_distance(surrogate: Surrogate, near: float, far: float) -> None:
    near, far = sorted((near, far))
    assert psi(surrogate, near, True) >= psi(surrogate, far, True)


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        ("triangle", 0.5),
        ("boxcar", 1.0),
        ("exponential", math.exp(-0.5)),
        ("fast_sigmoid", 1 / 1.5**2),
        ("arctan", 0.8),
        ("spike_only", 1.0),
    ],
)
def test_values_at_half_a_width(shape: str, value: float) -> None:
    assert psi(Surrogate(shape, height=0.4, width=0.6), 0.3, True) == pytest.approx(0.4 * value)


def test_none_is_nothing() -> None:
    assert psi(Surrogate("none"), 0.0, True) == 0.0 == cutoff(Surrogate("none"))
    assert describe(Surrogate("none")) == "none: nothing has influence through its spikes"


def test_supports() -> None:
    assert [cutoff(Surrogate(shape, width=0.3)) for shape in COMPACT] == [0.3, 0.3]
    assert cutoff(Surrogate("arctan", width=0.3)) == pytest.approx(1.5)
    assert cutoff(Surrogate("arctan", width=0.3, cutoff=0.7)) == 0.7
    assert cutoff(Surrogate("spike_only", width=0.3)) == math.inf
    assert psi(Surrogate("spike_only"), 0.01, False) == 0.0
    assert psi(Surrogate("triangle", width=0.3), 0.3, True) == 0.0


def test_what_a_cut_off_leaves_out_is_said() -> None:
    assert describe(Surrogate("triangle")) == "triangle(height=0.3, width=1)"
    assert "|g| = 5 where it would be 0.67% of its height" in describe(Surrogate("exponential"))


def test_making() -> None:
    model = Surrogate("triangle", 0.4, 0.2, 0.1)
    assert make("arctan", model) == Surrogate("arctan", 0.4, 0.2)
    assert make({"height": 1}, model) == Surrogate("triangle", 1, 0.2, 0.1)
    assert make(Surrogate("boxcar"), model) == Surrogate("boxcar")


@pytest.mark.parametrize(
    ("given_value", "problem"),
    [
        ("triangel", "Did you mean 'triangle'"),
        ({"hight": 1}, "Did you mean 'height'"),
        ({"width": 0}, "the width of a surrogate is out of range"),
        ({"height": -1}, "the height of a surrogate is out of range"),
        ({"height": True}, "the height of a surrogate is out of range"),
        ({"cutoff": math.inf}, "the cutoff of a surrogate is out of range"),
        ({"width": "1"}, "the width of a surrogate is out of range"),
        ({"shape": 3}, "unknown surrogate"),
        (3, "this is not a surrogate"),
    ],
)
def test_what_is_refused(given_value: object, problem: str) -> None:
    with pytest.raises(DescriptionError, match=problem):
        make(given_value, Surrogate())
