"""Synapse models from strings in Python."""

from __future__ import annotations

import pytest

import neuro_rtrl as nr
from neuro_rtrl.equations.synapse_inline import make_synapse


def test_strings_make_what_the_file_makes() -> None:
    shipped = nr.load_synapse("stdp")
    made = make_synapse(
        shipped.text["equations"],
        on_pre=shipped.text["on_pre"],
        on_post=shipped.text["on_post"],
        parameters={
            "tau_pre": "20 ms",
            "tau_post": "20 ms",
            "dApre": 0.01,
            "dApost": -0.0105,
            "w_max": 1,
        },
    )
    assert (made.rates, made.on, made.target) == (shipped.rates, shipped.on, shipped.target)
    assert {k: p.value for k, p in made.parameters.items()} == {
        k: p.value for k, p in shipped.parameters.items()
    }


def test_initial_values_are_read() -> None:
    made = make_synapse("w : 1\nx : volt", on_pre="x -= x", initial={"x": "3 mV"})
    assert made.states[1].initial == pytest.approx(3e-3)
    assert made.target is None


def test_errors_name_the_line() -> None:
    with pytest.raises(nr.NeuroRtrlError, match=r"mine, line 2: equations: equation 2"):
        make_synapse("w : 1\nA = 1", name="mine")
