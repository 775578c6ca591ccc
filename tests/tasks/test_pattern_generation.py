"""The recipe drawn by hand, in its order."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.tasks.pattern_generation import initial_weights, make


def test_the_recipe_is_drawn_in_order() -> None:
    source = np.random.RandomState(5)
    into, recurrent = source.randn(100, 100) / 10, source.randn(100, 100) / 10
    out, feedback = source.randn(100, 1) / 10, source.randn(100, 1) / 10
    np.fill_diagonal(recurrent, 0)
    spikes = source.rand(1000, 100) < 0.05
    amplitudes, phases = source.uniform(0.5, 2, 4), source.uniform(0, 2 * np.pi, 4)
    curve = sum(
        a * np.sin(np.linspace(phi, phi + 2 * np.pi * (1000 // period), 1000))
        for a, phi, period in zip(amplitudes, phases, (1000, 500, 333, 200), strict=True)
    )
    curve -= curve[0]
    trial = make(np.random.default_rng(0), recipe_seed=5).train(0)
    np.testing.assert_array_equal(trial.inputs[0, 1:], spikes[1:])
    assert not trial.inputs[0, 0].any()
    np.testing.assert_allclose(trial.targets[0, :, 0], curve / np.abs(curve).max(), rtol=1e-14)
    weights = initial_weights(5)
    drawn = {"in": into, "recurrent": recurrent, "out": out, "feedback": feedback}
    for name, values in drawn.items():
        np.testing.assert_array_equal(weights[name], values.astype(np.float32))
        assert weights[name].dtype == np.float64


def test_every_iteration_is_the_same_trial() -> None:
    task = make(np.random.default_rng(1))
    assert task.train(0) is task.train(9) is task.test()


def test_a_given_seed_is_the_whole_recipe() -> None:
    one, two = (make(np.random.default_rng(i), recipe_seed=1).test() for i in range(2))
    np.testing.assert_array_equal(one.inputs, two.inputs)
    np.testing.assert_array_equal(one.targets, two.targets)


@pytest.mark.parametrize(
    ("option", "value"), [("recipe_seed", -1), ("recipe_seed", 2**32), ("inputs", 0), ("units", 0)]
)
def test_refuses_what_is_out_of_range(option: str, value: int) -> None:
    with pytest.raises(DescriptionError, match=f"pattern_generation: {option}: .*given: {value}"):
        make(np.random.default_rng(0), **{option: value})
