"""Constants, arrays and distributions for parameters, weights and delays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuro_rtrl.contracts import DIMENSIONLESS, SECOND
from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.network.draws import DISTRIBUTIONS, draw


def test_one_value_stays_one_value(rng: np.random.Generator) -> None:
    assert draw("20 ms", 5, rng, SECOND, where="x") == pytest.approx(0.02)
    assert draw(0.3, 5, rng, DIMENSIONLESS, where="x").shape == ()


def test_arrays_are_in_si_units(rng: np.random.Generator) -> None:
    given = [0.01, 0.02, 0.03]
    np.testing.assert_array_equal(draw(given, 3, rng, SECOND, where="x"), given)


def test_distributions_have_their_moments(rng: np.random.Generator) -> None:
    n = 20_000
    normal = draw("normal(20 ms, 2 ms)", n, rng, SECOND, where="x")
    assert normal.mean() == pytest.approx(0.02, abs=1e-4)
    assert normal.std() == pytest.approx(0.002, rel=0.05)
    uniform = draw(" uniform( -1 , 3 ) ", n, rng, DIMENSIONLESS, where="x")
    assert uniform.min() >= -1 and uniform.max() < 3
    assert uniform.mean() == pytest.approx(1, abs=0.05)
    lognormal = draw("lognormal(0, 0.5)", n, rng, DIMENSIONLESS, where="x")
    assert np.log(lognormal).std() == pytest.approx(0.5, rel=0.05)


def test_every_distribution_draws_as_many_as_asked(rng: np.random.Generator) -> None:
    for name in DISTRIBUTIONS:
        assert draw(f"{name}(1, 2)", 7, rng, DIMENSIONLESS, where="x").shape == (7,)


@pytest.mark.parametrize(
    ("value", "dimension", "text"),
    [
        ("gauss(0, 1)", DIMENSIONLESS, "place: unknown distribution; given: 'gauss'; .*normal"),
        ("norml(0, 1)", DIMENSIONLESS, r"Did you mean 'normal'\?"),
        ("normal(0)", DIMENSIONLESS, "place: normal takes two numbers.*normal.first, second"),
        ("normal(0, -1)", DIMENSIONLESS, "place: a negative standard deviation"),
        ("normal(0, 1)", SECOND, "place"),
        ("20 mV", SECOND, "place"),
        (20, SECOND, "place: a number without its unit; given: 20; .*20 ms"),
        ([1.0, 2.0], DIMENSIONLESS, r"place: wrong shape.*shape \(2,\).*one finite number, or 3"),
        ([1.0, 2.0, np.nan], DIMENSIONLESS, "place: wrong shape, or numbers that are not finite"),
        (np.inf, DIMENSIONLESS, "not finite"),
        (["a", "b", "c"], DIMENSIONLESS, "place: these are not numbers; given"),
        ({"a": 1}, DIMENSIONLESS, "place: these are not numbers; given"),
    ],
)
def test_what_is_refused(value: Any, dimension: Any, text: str, rng: np.random.Generator) -> None:
    with pytest.raises(DescriptionError, match=text):
        draw(value, 3, rng, dimension, where="place")
