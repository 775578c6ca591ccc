"""Networks for checks of gradients: alive, with gaps between the steps that have a target."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.checks_networks import INPUTS, SIZES, STEPS, live_network, trial
from neuro_rtrl.equations.library import model_files
from neuro_rtrl.equations.model_text import load_model, with_changes
from neuro_rtrl.errors import NeuroRtrlError
from neuro_rtrl.learner import Learner


@pytest.mark.parametrize("name", [m for m in model_files() if "threshold" in load_model(m).text])
def test_some_units_spike_and_not_all(name: str) -> None:
    inputs, _ = trial()
    learner = Learner(live_network(load_model(name), inputs), rule="bptt", update="sequence")
    learner.run(inputs)
    assert 0.01 < learner.ledger.spikes / (STEPS * sum(SIZES)) < 0.6
    assert (learner.ledger.sensitive > 0) is (load_model(name).surrogate.shape != "none")


def test_targets_have_gaps() -> None:
    inputs, targets = trial()
    assert inputs.shape[:2] == targets.shape[:2] == (1, STEPS)
    with_target = np.isfinite(targets).all(axis=2)[0]
    assert np.count_nonzero(np.diff(with_target.astype(int)) == 1) == 2


def test_a_model_that_cannot_spike_has_no_live_network() -> None:
    model = with_changes(load_model("lif"), {"threshold": "v > 1e30*v_th"})
    inputs, _ = trial()
    learner = Learner(live_network(model, inputs), rule="bptt", update="sequence")
    learner.run(inputs)
    assert learner.ledger.spikes == 0


def test_a_model_that_explodes_is_refused() -> None:
    with pytest.raises(NeuroRtrlError, match=r"no live network"):
        live_network(load_model("lif"), np.full((1, STEPS, INPUTS), 1e308))
