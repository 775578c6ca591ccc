"""The odds of the labels, the floors of the cross-entropy, and that knowledge reaches them."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.tasks.add import floors, make


def cost(odds: np.ndarray, labels: np.ndarray) -> float:
    said = np.where(labels == 1, odds, 1 - odds)
    return float(-np.log(said).mean())


def test_labels_come_up_with_the_odds() -> None:
    trial = make(np.random.default_rng(0), batch=200, steps=500, t1=5, t2=10).train(0)
    x, labels = trial.inputs[:, :, 0], trial.targets[:, 10:, 0]
    late, early = x[:, 5:-5], x[:, :-10]
    for a in (0, 1):
        for b in (0, 1):
            chosen = labels[(late == a) & (early == b)]
            assert chosen.mean() == pytest.approx(0.5 + 0.5 * a - 0.25 * b, abs=0.01)


def test_inputs_and_targets_are_pairs() -> None:
    trial = make(np.random.default_rng(0), batch=3).train(0)
    np.testing.assert_array_equal(trial.inputs.sum(axis=2), 1)
    np.testing.assert_array_equal(trial.targets[:, 10:].sum(axis=2), 1)
    assert np.isnan(trial.targets[:, :10]).all()


def test_floors() -> None:
    np.testing.assert_allclose(floors(), (0.6616, 0.5192, 0.4544), atol=1e-4)


def test_what_one_knows_costs_as_much_as_its_floor() -> None:
    trial = make(np.random.default_rng(1), batch=400, steps=500).train(0)
    x, labels = trial.inputs[:, :, 0], trial.targets[:, 10:, 0]
    late, early = x[:, 4:-6], x[:, :-10]
    nothing, first, both = floors()
    assert cost(np.full_like(labels, 0.625), labels) == pytest.approx(nothing, abs=0.003)
    assert cost(0.375 + 0.5 * late, labels) == pytest.approx(first, abs=0.003)
    # The label is certain for one pair of bits: keep the logarithm finite.
    known = np.clip(0.5 + 0.5 * late - 0.25 * early, 0, 1 - 1e-12)
    assert cost(known, labels) == pytest.approx(both, abs=0.003)


def test_targets_may_be_the_odds_themselves() -> None:
    trial = make(np.random.default_rng(0), bernoulli=False).train(0)
    assert set(np.unique(trial.targets[0, 10:, 0])) == {0.25, 0.5, 0.75, 1.0}


@pytest.mark.parametrize(
    ("option", "value"), [("t1", 0), ("t2", 6), ("steps", 10), ("batch", 0), ("test_size", 0)]
)
def test_refuses_what_is_out_of_range(option: str, value: int) -> None:
    with pytest.raises(DescriptionError, match=f"add: {option}: .*given: {value}; expected: "):
        make(np.random.default_rng(0), **{option: value})
