"""A slow reading of the trials: what was shown with the last store is what a recall asks for."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.tasks.store_recall import make


def regular(**options: object) -> np.ndarray:
    """Inputs (batch, slots, 4) and targets (batch, slots) side by side: one step, one unit each."""
    task = make(np.random.default_rng(0), slot=1, population=1, rate=1.0, **options)
    trial = task.train(0)
    return np.concatenate([trial.inputs, trial.targets], axis=2)


@pytest.mark.parametrize("command", [0.01, 0.2, 1.0])
@pytest.mark.parametrize("slots", [2, 3, 10])
def test_a_recall_asks_for_what_was_stored(slots: int, command: float) -> None:
    for sequence in regular(batch=200, slots=slots, command=command):
        kept, pairs = None, 0
        for zero, one, store, recall, target in sequence:
            assert np.isfinite(target) == bool(recall)
            if recall:
                assert (zero, one, store) == (0, 0, 0)
                assert target == kept
                kept, pairs = None, pairs + 1
            else:
                assert zero + one == 1
            if store:
                assert kept is None
                kept = one
        assert kept is None
        assert pairs >= 1


def test_commands_come_as_often_as_asked_for() -> None:
    stores = regular(batch=500, slots=100, command=0.1)[:, :, 2].mean()
    # Ten slots to a store and ten to its recall.
    assert stores == pytest.approx(0.05, abs=0.005)


def test_spikes_have_the_rate_of_their_group() -> None:
    task = make(np.random.default_rng(0), batch=4, slots=6, rate=0.1)
    trial = task.train(0)
    assert trial.inputs.shape == (4, 1200, 40)
    groups = trial.inputs.reshape(4, 6, 200, 4, 10).mean(axis=(2, 4))
    assert np.all((groups == 0) | (np.abs(groups - 0.1) < 0.04))
    recall = groups[:, :, 3] > 0
    asked = np.isfinite(trial.targets.reshape(4, 6, 200))
    np.testing.assert_array_equal(asked, np.repeat(recall[:, :, None], 200, axis=2))


@pytest.mark.parametrize(
    ("option", "value"),
    [("slots", 1), ("slot", 0), ("population", 0), ("rate", 0.0), ("command", 1.5)],
)
def test_refuses_what_is_out_of_range(option: str, value: float) -> None:
    with pytest.raises(DescriptionError, match=f"store_recall: {option}: .*given: .*expected: "):
        make(np.random.default_rng(0), **{option: value})
