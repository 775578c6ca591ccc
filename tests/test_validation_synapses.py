"""Plastic synapses against Brian2, and what the comparison would notice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl import validation_synapses as side
from neuro_rtrl.equations.library import synapse_files
from neuro_rtrl.validation_brian import run_in_brian

TWO = ("short_term", "stdp_reward")


@pytest.mark.parametrize("name", TWO)
def test_a_shipped_model_agrees_with_brian(name: str) -> None:
    report = side.validate_synapse(name, seconds=0.3)
    assert report.passed
    assert report.identical
    assert report.max_state_difference < 1e-12


@pytest.mark.verification
@pytest.mark.parametrize("dt", [1e-3, 1e-4])
@pytest.mark.parametrize("name", synapse_files())
def test_every_shipped_model_agrees_for_a_second(name: str, dt: float) -> None:
    report = side.validate_synapse(name, seconds=1.0, dt=dt, seed=2)
    assert report.passed
    assert report.max_state_difference < (1e-9 if name == "stdp_dopamine" else 1e-12)
    assert report.cases[0].rate > 10


def test_plasticity_is_at_work_in_the_network_that_is_compared() -> None:
    net, inputs = side.network(nr.load_synapse("stdp"), 0.3, 1e-3, 0, 0.4)
    simulation = nr.Simulation(net)
    simulation.run(inputs)
    for name, projection in net.projections.items():
        assert np.abs(simulation.synapses(name).w - projection.weights).max() > 1e-3
        assert np.ptp(projection.delay) >= 4


def test_a_slightly_wrong_text_is_seen() -> None:
    """One part in a million of one parameter, on one side only."""
    synapse = nr.load_synapse("stdp_reward")
    net, inputs = side.network(synapse, 0.1, 1e-3, 0, 0.5)
    record = [f"{name}.{state.name}" for name in net.projections for state in synapse.states]
    ours = side._here(net, inputs, record)
    for projection in net.projections.values():
        tau = projection.plasticity.parameters["tau_c"]
        projection.plasticity.parameters["tau_c"] = tau * (1 + 1e-6)
    theirs = run_in_brian(net, inputs, record)
    assert 1e-9 < side.difference(ours, theirs) < 1e-3


def test_texts_are_told_from_neuron_models(tmp_path: Path) -> None:
    text = nr.load_synapse("stdp").source
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    (tmp_path / "unit.toml").write_text(nr.load_model("lif").source, encoding="utf-8")
    assert side.is_synapse("stdp")
    assert side.is_synapse(tmp_path / "mine.toml")
    assert not side.is_synapse(tmp_path / "unit.toml")
    assert not side.is_synapse(tmp_path / "none.toml")


def test_units_of_a_text_are_those_of_the_unit_it_meets() -> None:
    synapse = nr.make_synapse("w : volt", on_pre="ge_post += w; w = clip(0.99*w, 0*volt, 1*volt)")
    report = side.validate_synapse(replace(synapse, name="mine"), seconds=0.2)
    assert (report.model, report.passed) == ("mine", True)


def test_the_public_function_takes_either() -> None:
    report = nr.validate("short_term", seconds=0.1, dt="1 ms")
    assert report.model == "short_term"


def test_units_that_modulate_are_not_compared() -> None:
    net = nr.Network(dt="1 ms")
    x, y = net.inputs(1, name="x"), net.neurons(1, "lif", name="y")
    net.connect(x, y, plasticity="stdp_reward", modulator=y)
    with pytest.raises(nr.NeuroRtrlError, match="only inputs can modulate"):
        run_in_brian(net, np.zeros((2, 1)))
