"""Pruning by magnitude against the schedule written out."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.contracts_rewiring import Synapses
from neuro_rtrl.errors import BuildError
from neuro_rtrl.rewiring.magnitude import MagnitudePruning

RNG = np.random.default_rng(0)


def dense(size: int) -> Synapses:
    pre, post = np.divmod(np.arange(size * size), size)
    weights = np.random.default_rng(1).normal(size=size * size)
    return Synapses("w", pre, post, weights, (size, size), True)


def test_the_density_follows_the_cubic_schedule() -> None:
    """s_t = s_f + (s_i - s_f)(1 - (t - t_0)/(t_1 - t_0))^3 at t_0, t_0 + every, ..., t_1."""
    synapses = dense(40)
    rewirer = MagnitudePruning(0.1, begin=4, end=31, every=5).start(synapses, RNG)
    sizes = {}
    for t in range(1, 40):
        change = rewirer.update(synapses, np.zeros(synapses.pre.size))
        if change is None:
            continue
        going = np.abs(synapses.weights[~change.keep])
        assert going.max() <= np.abs(synapses.weights[change.keep]).min()
        synapses = Synapses(
            "w", synapses.pre[change.keep], synapses.post[change.keep],
            synapses.weights[change.keep], (40, 40), True,
        )  # fmt: skip
        sizes[t] = synapses.pre.size
    expected = {}
    for t in (9, 14, 19, 24, 29, 31):
        sparsity = 0.9 + (0.0 - 0.9) * (1 - (t - 4) / (31 - 4)) ** 3
        expected[t] = round((1 - sparsity) * 1600)
    assert sizes == expected
    assert sizes[31] == 160


def test_what_is_sparser_already_is_refused() -> None:
    synapses = dense(4)
    few = Synapses("w", synapses.pre[:2], synapses.post[:2], synapses.weights[:2], (4, 4), True)
    with pytest.raises(BuildError, match=r"w: density.*sparser already.*0\.125"):
        MagnitudePruning(0.5, end=3).start(few, RNG)


def test_loops_that_cannot_be_are_no_pairs() -> None:
    """12 pairs of 4 units without loops: half of them is 6."""
    synapses = dense(4)
    apart = synapses.pre != synapses.post
    without = Synapses(
        "w", synapses.pre[apart], synapses.post[apart], synapses.weights[apart], (4, 4), False
    )
    change = MagnitudePruning(0.5, end=1).start(without, RNG).update(without, np.zeros(12))
    assert change is not None
    assert int(change.keep.sum()) == 6
