"""The chain: where it rests, and that the sign of theta's influence changes with time."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.tasks.influence_balancing import chain, make


def influence(steps: int) -> np.ndarray:
    """ds_0/dtheta after so many steps, forwards."""
    weights, signs = chain()
    state, found = np.zeros(23), []
    for _ in range(steps):
        state = state @ weights + signs
        found.append(state[0])
    return np.array(found)


def test_the_chain_is_as_published() -> None:
    weights, signs = chain()
    A = weights.T
    assert A.shape == (23, 23)
    for i in range(23):
        for j in range(23):
            assert A[i, j] == (0.5 if j in (i, i + 1) else 0)
    assert (signs == 1).sum() == 10
    np.testing.assert_array_equal(np.sort(signs)[::-1], signs)


def test_it_rests_on_the_other_side() -> None:
    assert influence(2000)[-1] == pytest.approx(2 * (23 - 2 * 13))


def test_short_windows_have_the_wrong_sign() -> None:
    over_time = influence(200)
    assert np.all(over_time[:20] > 0)
    assert np.all(over_time[60:] < 0)


def test_the_score_looks_at_the_end() -> None:
    task = make(np.random.default_rng(0), steps=100)
    predictions = np.zeros((1, 100, 1))
    assert task.score(predictions, task.test()) == 0
    predictions[:, -10:] = 1
    assert task.score(predictions, task.test()) == 1


def test_refuses_what_is_out_of_range() -> None:
    with pytest.raises(DescriptionError, match=r"influence_balancing: steps: .*given: 0"):
        make(np.random.default_rng(0), steps=0)
    with pytest.raises(DescriptionError, match=r"influence_balancing: negative: .*0 to 3"):
        chain(3, 4)
