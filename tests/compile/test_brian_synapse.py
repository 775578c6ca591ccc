"""A synapse model's text in Brian2's words."""

from __future__ import annotations

import pytest

import neuro_rtrl as nr
from neuro_rtrl.compile.brian_synapse import to_brian_synapse
from neuro_rtrl.equations.library import synapse_files


def test_stdp_reads_as_in_brians_own_example() -> None:
    text = to_brian_synapse(nr.load_synapse("stdp"), "ge_post += w", per_synapse=["dApre"])
    assert text.equations.splitlines() == [
        "w : 1",
        "dApre/dt = -Apre / our_tau_pre_0 : 1 (event-driven)",
        "dApost/dt = -Apost / our_tau_post_0 : 1 (event-driven)",
        "dApre : 1 (constant)",
    ]
    assert text.on["pre"].splitlines() == [
        "ge_post += (w)",
        "Apre += dApre",
        "w = clip(w + Apost * w_max, 0, w_max)",
    ]
    assert "dApre" not in text.shared
    assert text.shared["our_tau_pre_0"][0] == pytest.approx(20e-3)


def test_the_reward_is_a_text_of_ones_own() -> None:
    text = to_brian_synapse(nr.load_synapse("stdp_reward"), "v_post += w", reward="given(t)")
    assert text.on["reward"] == "w = clip(w + given(t) * c * w_max, 0, w_max)"


def test_what_brian_cannot_solve_goes_step_by_step_there() -> None:
    lines = to_brian_synapse(nr.load_synapse("stdp_dopamine"), "v_post += w").equations.splitlines()
    stepped = [line.split("/")[0] for line in lines if "(clock-driven)" in line]
    assert stepped == ["dw", "dour_e_0"]


@pytest.mark.parametrize("name", synapse_files())
def test_units_and_gains_are_those_of_the_entry(name: str) -> None:
    net = nr.Network()
    model = nr.make_model(
        "dv/dt = -v/tau : volt", parameters={"tau": "9 ms"}, synapses={"half": "v += 0.5*w"}
    )
    x, y = net.inputs(1, name="x"), net.neurons(1, model, name="y")
    giver = x if "reward" in nr.load_synapse(name).on else None
    made = net.connect(x, y, weights="1 mV", plasticity=name, modulator=giver).plasticity
    text = to_brian_synapse(made.synapse, "v_post += 0.5 * w")
    assert text.equations.splitlines()[0].split(":")[1].split()[0] == "volt"
    assert "v_post += 0.5 * (w" in text.on["pre"]
