"""Plastic projections in a simulation's text, and what its run keeps of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine.run_file import open_run
from neuro_rtrl.simulation_run import run_simulation
from neuro_rtrl.simulation_text import load_simulation, make_network

SHORT = ("simulation.duration='400 ms'", "populations.poisson.inputs=100", "record.units=5")


def test_weights_are_kept_at_both_ends_and_between(tmp_path: Path) -> None:
    settings = (*SHORT, "projections.s.weights='0.1*rand()'", "projections.s.plasticity.w_max=0.1")
    run_simulation("stdp", out=tmp_path, overrides=settings)
    with open_run(tmp_path) as run:
        start, end = run.weights("start")["s"], run.weights("end")["s"]
        trace = run.state("s.w")
        assert len(run.spikes("unit").i) > 3
    assert start.shape == end.shape == (100,)
    assert (start != end).all()
    assert end.min() >= 0.0
    assert end.max() <= 0.1
    np.testing.assert_array_equal(trace.values[0], start[:5])
    assert trace.values.shape == (40, 5)


def test_a_projection_may_have_fewer_synapses_than_are_asked_for(tmp_path: Path) -> None:
    run_simulation("stdp", out=tmp_path, overrides=(*SHORT, "populations.poisson.inputs=2"))
    with open_run(tmp_path) as run:
        assert run.state("s.w").values.shape == (40, 2)


def test_a_text_of_ones_own_lies_beside_the_simulation(tmp_path: Path) -> None:
    text = Path(load_simulation("stdp").file).read_text(encoding="utf-8")
    own = nr.load_synapse("stdp").source.replace("Apre += dApre", "Apre = dApre")
    (tmp_path / "nearest.toml").write_text(own, encoding="utf-8")
    file = tmp_path / "mine.toml"
    file.write_text(text.replace('name = "stdp"', 'name = "nearest.toml"'), encoding="utf-8")
    net = make_network(load_simulation(file, SHORT))
    assert net.projections["s"].plasticity.synapse.name == "nearest"


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("projections.s.plasticity='stpd'", "Did you mean 'stdp'"),
        ("projections.s.plasticity.name=3", "no synapse model is named"),
        ("projections.s.plasticity={}", "no synapse model is named"),
        ("projections.s.modulator='nobody'", "nobody"),
        ("projections.s.modulator='poisson'", "take no reward"),
        ("projections.s.plasticity.tau_pr='1 ms'", "Did you mean 'tau_pre'"),
        ("record.states=['s.v']", "unknown state"),
    ],
)
def test_what_is_wrong_is_refused(setting: str, problem: str) -> None:
    with pytest.raises(nr.NeuroRtrlError, match=problem):
        make_network(load_simulation("stdp", [*SHORT, setting]))


def test_an_experiment_with_a_plastic_projection_does_not_learn(tmp_path: Path) -> None:
    with pytest.raises(nr.NeuroRtrlError, match="does not learn by gradients"):
        nr.run_experiment("add", out=tmp_path, overrides=["projections.0.plasticity='stdp'"])
