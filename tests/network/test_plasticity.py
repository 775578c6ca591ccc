"""What `connect(plasticity=...)` takes, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.equations.units import unit
from neuro_rtrl.network.wires import wire

VOLTS = nr.make_model(
    "dv/dt = -v/tau : volt",
    threshold="v > 10*mV",
    reset="v = 0*mV",
    parameters={"tau": "10 ms"},
    synapses={"delta": "v += w", "half": "v += 0.5*w"},
)


def network(model: Any = "lif") -> tuple[nr.Network, Any, Any]:
    net = nr.Network(dt="1 ms")
    return net, net.inputs(2, name="x"), net.neurons(3, model, name="y")


def test_parameters_have_the_forms_of_neuron_parameters() -> None:
    net, x, y = network()
    given = {"name": "stdp", "tau_pre": "7 ms", "dApre": np.arange(6.0), "initial": {"Apre": 0.5}}
    made = net.connect(x, y, plasticity=given).plasticity
    assert float(made.parameters["tau_pre"]) == pytest.approx(7e-3)
    np.testing.assert_array_equal(made.parameters["dApre"], np.arange(6.0))
    assert float(made.initial["Apre"]) == 0.5
    assert "w" not in made.initial


def test_the_weight_has_the_unit_of_the_entry() -> None:
    net, x, y = network(VOLTS)
    given = {"name": "stdp", "w_max": "3 mV"}
    made = net.connect(x, y, weights="1 mV", plasticity=given).plasticity
    assert made.synapse.states[0].dimension == unit("volt")[1]
    assert float(made.parameters["w_max"]) == pytest.approx(3e-3)


def test_a_named_target_chooses_the_entry() -> None:
    net, x, y = network(VOLTS)
    synapse = nr.make_synapse("w : volt", on_pre="v_post += w")
    assert net.connect(x, y, weights="1 mV", plasticity=synapse).port.name == "delta"


def test_groups_belong_to_one_projection_each() -> None:
    """Static and plastic synapses of one source and delay are groups of their own."""
    net, x, y = network()
    for plasticity in (None, "stdp", "short_term"):
        net.connect(x, y, weights=0.1, plasticity=plasticity)
    wiring = wire(net)
    assert wiring.plastic.tolist() == [0, 1, 2, 0, 1, 2, *([] if wiring.plastic.size == 6 else [0])]
    assert np.diff(wiring.wires.first).tolist() == [3] * 6
    assert wiring.wires.delay.tolist() == [0] * 6


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"plasticity": "stpd"}, "Did you mean 'stdp'"),
        ({"plasticity": 3}, "not a plasticity"),
        ({"plasticity": {"tau_pre": "1 ms"}}, "not a plasticity"),
        ({"plasticity": {"name": "stdp", "tau_pr": "1 ms"}}, "Did you mean 'tau_pre'"),
        ({"plasticity": {"name": "stdp", "tau_pre": "1 mV"}}, "unit"),
        ({"plasticity": {"name": "stdp", "dApre": np.zeros(5)}}, "wrong shape"),
        ({"plasticity": {"name": "stdp", "initial": {"w": 1.0}}}, "unknown state"),
        ({"plasticity": "stdp_reward"}, "nobody modulates"),
        ({"plasticity": "stdp", "modulator": "x"}, "take no reward"),
        ({"modulator": "x"}, "nothing to modulate"),
        ({"plasticity": "stdp_reward", "modulator": "z"}, "unknown population"),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, Any], problem: str) -> None:
    net, x, y = network()
    with pytest.raises(nr.NeuroRtrlError, match=problem):
        net.connect(x, y, **options)
    assert not net.projections


@pytest.mark.parametrize("options", [{"port": "half"}, {}])
def test_an_entry_that_changes_what_is_sent_is_not_named(options: dict[str, str]) -> None:
    net, x, y = network(VOLTS)
    named = nr.make_synapse("w : volt", on_pre="u_post += w" if not options else "v_post += w")
    with pytest.raises(nr.NeuroRtrlError, match="no entry for what this synapse sends"):
        net.connect(x, y, plasticity=named, **options)


def test_another_unit_than_the_entry_takes_is_refused() -> None:
    net, x, y = network(VOLTS)
    synapse = nr.make_synapse("w : 1", on_pre="post += w")
    with pytest.raises(nr.NeuroRtrlError, match="has the wrong unit"):
        net.connect(x, y, plasticity=synapse)


def test_learners_refuse_a_plastic_projection() -> None:
    net, x, y = network()
    net.connect(x, y, plasticity="stdp")
    with pytest.raises(nr.NeuroRtrlError, match="does not learn by gradients"):
        nr.Learner(net)
