"""Values of parameters and initial states that are expressions."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.network.describe import Network


def test_expressions_of_parameters_numbers_and_chance() -> None:
    net = Network(seed=1)
    given = {"tau_m": "(10 + i)*ms", "v_th": "1 + bias", "bias": "i/N", "t_ref": "tau_m/10"}
    unit = net.neurons(4, "lif", initial={"v": "v_th*rand()"}, **given)
    np.testing.assert_allclose(unit.parameters["tau_m"], [0.010, 0.011, 0.012, 0.013])
    np.testing.assert_allclose(unit.parameters["v_th"], 1 + np.arange(4) / 4)
    np.testing.assert_allclose(unit.parameters["t_ref"], unit.parameters["tau_m"] / 10)
    share = unit.initial["v"] / unit.parameters["v_th"]
    assert ((share > 0) & (share < 1)).all()
    assert len(set(share)) == 4


def test_the_seed_decides() -> None:
    def drawn(seed: int) -> list[float]:
        unit = Network(seed=seed).neurons(3, "lif_conductance", initial={"v": "E_l + 5*mV*randn()"})
        return unit.initial["v"].tolist()

    assert drawn(1) == drawn(1) != drawn(2)


def test_the_texts_own_expression_follows_the_parameters() -> None:
    unit = Network().neurons(2, "adex", E_l="-65 mV")
    assert float(unit.initial["v"]) == -0.065


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"tau_m": "bias*2"}, r"lif.tau_m: .*wrong unit|wrong unit.*lif.tau_m"),
        ({"bias": "v_th", "v_th": "bias + 1"}, r"these values need each other"),
        ({"bias": "v_tt + i"}, r"Did you mean 'v_t"),
        ({"bias": "1/i"}, r"not finite for every unit"),
        ({"bias": "rand(3)*i"}, r"unknown function|not a call"),
    ],
)
def test_what_is_refused(given: dict[str, str], message: str) -> None:
    with pytest.raises(DescriptionError, match=message):
        Network().neurons(2, "lif", **given)
