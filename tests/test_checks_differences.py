"""Finite differences: directions, room, and the derivative that the readable twin has."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl import checks_differences
from neuro_rtrl.checks_differences import ENTRIES, STEPS, differences, directions
from tests.reference.group import Learned
from tests.reference.networks import random_case


def test_every_entry_is_in_a_direction() -> None:
    values = {"a": np.arange(30.0), "b": np.zeros(3), "c": np.ones(1)}
    chosen = directions(values, {"a": 5.0, "b": 1e-9, "c": 5.0})
    assert [d.name for d in chosen] == ["a"] * (ENTRIES + 1) + ["b"] * 4 + ["c"] * 2
    assert np.abs(chosen[ENTRIES].vector).min() == 1.0
    assert [chosen[i].size for i in (0, ENTRIES, ENTRIES + 1, -1)] == [29.0, 29.0, 1e-9, 1.0]
    singles = np.array([d.vector for d in chosen[:ENTRIES]])
    assert (singles.sum(axis=1) == 1.0).all() and (singles.sum(axis=0) <= 1.0).all()


@pytest.mark.parametrize("seed", range(6))
def test_the_derivative_is_that_of_the_twin(seed: int) -> None:
    """Dual numbers by hand on one side, differences without any derivative on the other."""
    case = random_case(np.random.default_rng([seed, 43]))
    values = {k: np.array(v) for k, v in Learned(case.net).arrays.items() if len(v)}
    steep = {k: 1.0 / abs(case.twin.gradient[k]).max() for k in values}
    chosen = directions(values, steep, seed)
    found = differences(case.net, values, case.inputs[None], case.targets[None], case.loss, chosen)
    assert found.shape == (len(STEPS), len(chosen), len(case.inputs))
    for i, direction in enumerate(chosen):
        wanted = case.twin.gradients[direction.name] @ direction.vector
        size = max(abs(case.twin.gradient[direction.name]).max(), abs(wanted).max())
        miss = abs(found[:, i].sum(axis=1) - wanted.sum()).min()
        assert miss < 1e-5 * size, direction.name


def test_little_room_makes_many_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    case = random_case(np.random.default_rng(44), ("lif",))
    values = {k: np.array(v) for k, v in Learned(case.net).arrays.items() if len(v)}
    chosen = directions(values, dict.fromkeys(values, 1.0))[:5]
    data = (case.net, values, case.inputs[None], case.targets[None], case.loss, chosen)
    whole = differences(*data)
    monkeypatch.setattr(checks_differences, "ROOM", 1)
    np.testing.assert_allclose(differences(*data), whole, rtol=1e-9, atol=1e-9)
