"""Settings per projection: each part as if it were alone; frozen ones; synapses that move."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.errors import BuildError, DescriptionError
from neuro_rtrl.optimizers._per_projection import PerProjection
from neuro_rtrl.optimizers.adam import Adam
from neuro_rtrl.optimizers.sgd import Sgd

PLACES = {"a": np.array([4, 0, 2]), "b": np.array([1, 3]), "c.bias": np.array([5, 6])}


def test_each_part_learns_as_if_it_were_alone() -> None:
    """Also what goes over a whole gradient: the norm that is clipped is that of the part."""
    rng = np.random.default_rng(0)
    made = PerProjection(Adam(0.1), {"a": Sgd(0.2, 0.9, clip_norm=0.5), "b": None})
    made.bind(PLACES)
    values = rng.normal(size=7)
    start, a, rest = values.copy(), values[[4, 0, 2]], values[[5, 6]]
    of_a, of_rest = Sgd(0.2, 0.9, clip_norm=0.5), Adam(0.1)
    for _ in range(6):
        gradient = rng.normal(size=7)
        made.update(values, gradient)
        of_a.update(a, gradient[[4, 0, 2]])
        of_rest.update(rest, gradient[[5, 6]])
    np.testing.assert_array_equal(values[[4, 0, 2]], a)
    np.testing.assert_array_equal(values[[5, 6]], rest)
    np.testing.assert_array_equal(values[[1, 3]], start[[1, 3]])


def test_memory_follows_each_in_its_part() -> None:
    """One of a goes, one comes to a, and all are numbered anew."""
    rng = np.random.default_rng(1)
    one = PerProjection(Adam(0.1), {"a": Adam(0.2), "b": Sgd(0.1, 0.9)})
    one.bind(PLACES)
    values, alone = np.zeros(7), {n: Adam(0.2) if n == "a" else Adam(0.1) for n in "ac"}
    parts = {"a": np.zeros(3), "c": np.zeros(2)}
    for _ in range(4):
        gradient = rng.normal(size=7)
        one.update(values, gradient)
        alone["a"].update(parts["a"], gradient[PLACES["a"]])
        alone["c"].update(parts["c"], gradient[PLACES["c.bias"]])
    # New numbers 0..6; the former number 0 (of a) is gone, number 3 is new (of a).
    old = np.array([4, 1, 3, -1, 2, 6, 5])
    one.follow(old)
    one.bind({"a": np.array([0, 3, 4]), "b": np.array([1, 2]), "c.bias": np.array([6, 5])})
    alone["a"].follow(np.array([0, -1, 2]))
    values = np.where(old >= 0, values[old], 0.0)
    parts["a"] = np.array([parts["a"][0], 0.0, parts["a"][2]])
    for _ in range(3):
        gradient = rng.normal(size=7)
        one.update(values, gradient)
        alone["a"].update(parts["a"], gradient[[0, 3, 4]])
        alone["c"].update(parts["c"], gradient[[6, 5]])
    np.testing.assert_array_equal(values[[0, 3, 4]], parts["a"])
    np.testing.assert_array_equal(values[[6, 5]], parts["c"])


def network() -> nr.Network:
    net = nr.Network(seed=2)
    x, h = net.inputs(3, name="x"), net.neurons(5, "lif", name="h", learn=["bias"])
    y = net.neurons(1, "leaky_readout", name="y")
    net.connect(x, h, weights="uniform(0.4, 0.9)", name="in")
    net.connect(h, h, density=0.5, name="loop")
    net.connect(h, y, name="out")
    return net


def learned(optimizer: Any, **options: Any) -> nr.Learner:
    rng = np.random.default_rng(3)
    learner = nr.Learner(network(), optimizer=optimizer, precision="float64", **options)
    for _ in range(30):
        learner.step((rng.random(3) < 0.6).astype(float), [0.3])
    return learner


def test_a_learner_tells_it_the_places() -> None:
    first = nr.Learner(network()).parameters
    frozen = learned(nr.PerProjection(nr.Adam(1e-2), {"loop": None, "h.bias": None}))
    slow = learned(nr.PerProjection(None, {"out": nr.Sgd(1e-3), "h.bias": nr.Sgd(1e-3)}))
    for name, values in first.items():
        assert np.array_equal(frozen.parameters[name], values) == (name in ("loop", "h.bias"))
        assert np.array_equal(slow.parameters[name], values) == (name in ("loop", "in"))


def test_with_synapses_that_come_and_go() -> None:
    """One Adam for all, and one for each, are the same where nothing is clipped."""
    methods = {"loop": nr.DeepR(1e-2, l1=0.5), "in": nr.MagnitudePruning(0.6, end=20, every=2)}
    parts = {"loop": nr.Adam(1e-2), "in": nr.Adam(1e-2), "h.bias": nr.Adam(1e-2)}
    one = learned(nr.Adam(1e-2), rewiring=methods)
    each = learned(nr.PerProjection(nr.Adam(1e-2), parts), rewiring=methods)
    assert one.connected["in"] == each.connected["in"] == pytest.approx(0.6)
    for name, values in one.parameters.items():
        np.testing.assert_allclose(each.parameters[name], values, rtol=1e-13, atol=1e-15)


def test_refusals() -> None:
    twice = Adam(0.1)
    with pytest.raises(DescriptionError, match=r"two projections.*one for each"):
        PerProjection(twice, {"a": twice})
    with pytest.raises(BuildError, match=r"update before bind.*Learner"):
        PerProjection(Adam(0.1), {}).update(np.zeros(1), np.zeros(1))
    with pytest.raises(DescriptionError, match=r"optimizer: .*Did you mean 'loop'"):
        nr.Learner(network(), optimizer=PerProjection(Adam(0.1), {"lop": None}))

    class Simple:
        def update(self, values: np.ndarray, gradient: np.ndarray) -> None: ...

    with pytest.raises(BuildError, match=r"optimizer: out.*cannot follow.*Simple"):
        PerProjection(None, {"out": Simple()}).follow(np.zeros(1, np.int64))
