"""The texts belong to the language, n is uniform, and the floor is what perfect counting costs."""

from __future__ import annotations

import re

import numpy as np
import pytest

from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.tasks.anbn import floor, make


def text(**options: int) -> str:
    trial = make(np.random.default_rng(0), **options).train(0)
    return "".join("ab\n"[symbol] for symbol in trial.inputs[0].argmax(axis=1))


def test_every_block_has_as_many_b_as_a() -> None:
    blocks = re.findall(r"(a+)\n(b+)\n", text(steps=100_000))
    numbers = [len(a) for a, _ in blocks]
    assert all(len(a) == len(b) for a, b in blocks)
    assert sum(2 * n + 2 for n in numbers) > 100_000 - 66, "nothing lies between the blocks"
    counts = np.bincount(numbers)[1:]
    assert len(counts) == 32
    assert counts.min() > 0.5 * counts.mean()


def test_the_target_is_the_next_symbol() -> None:
    trial = make(np.random.default_rng(0), steps=50).train(0)
    np.testing.assert_array_equal(trial.targets[:, :-1], trial.inputs[:, 1:])
    np.testing.assert_array_equal(trial.inputs.sum(axis=2), 1)


def test_perfect_counting_costs_the_floor() -> None:
    """After k times "a" comes a break with probability 1/(32 - k + 1)."""
    blocks = re.findall(r"(a+)\n(b+)\n", text(steps=200_000))
    cost = symbols = 0.0
    for a, _ in blocks:
        for k in range(1, len(a) + 1):
            stop = 1 / (32 - k + 1)
            cost -= np.log(stop if k == len(a) else 1 - stop)
        symbols += 2 * len(a) + 2
    assert cost / symbols == pytest.approx(floor(), rel=0.03)


@pytest.mark.parametrize(("option", "value"), [("shortest", 0), ("longest", 0), ("steps", 0)])
def test_refuses_what_is_out_of_range(option: str, value: int) -> None:
    with pytest.raises(DescriptionError, match=f"anbn: {option}: .*given: {value}; expected: "):
        make(np.random.default_rng(0), **{option: value})
