"""What every way to rewire must do; they are found, not listed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl import registry
from neuro_rtrl.contracts_rewiring import Rewiring
from neuro_rtrl.errors import DescriptionError
from tests.engine.test_snapshot import through_json

NAMES = sorted(registry.files("rewiring"))
OPTIONS: dict[str, dict[str, Any]] = {
    "deep_r": {"learning_rate": 0.02, "l1": 0.5, "temperature": 1e-3},
    "magnitude": {"density": 0.2, "begin": 2, "end": 40, "every": 5},
    "rigl": {"end": 60, "every": 10, "fraction": 0.4, "trial": 3, "candidates": 2},
}


def learner(name: str, **options: Any) -> nr.Learner:
    net = nr.Network(dt="1 ms", seed=8)
    x, y = net.inputs(4, name="x"), net.neurons(2, "leaky_readout", name="y")
    wide = {"shape": "triangle", "height": 0.5, "width": 0.9}
    h = net.neurons(8, "lif", name="h", surrogate=wide)
    net.connect(x, h, weights="uniform(0.3, 0.9)", name="in")
    net.connect(
        h, h, density=0.5, delay="uniform(0 ms, 2 ms)", self_connections=False, name="loop",
        weights="normal(0, 0.3)",
    )  # fmt: skip
    net.connect(h, y, name="out")
    method = registry.find("rewiring", name)(**OPTIONS[name])
    made: dict[str, Any] = {"optimizer": nr.Adam(2e-2), "update": 4, "rewiring": {"loop": method}}
    return nr.Learner(net, precision="float64", **{**made, **options})


def learn(made: nr.Learner, runs: int = 5) -> list[float]:
    rng = np.random.default_rng(2)
    inputs = (rng.random((1, 60, 4)) < 0.4).astype(float)
    targets = np.sin(np.arange(60) / 9.0)[None, :, None] * np.array([0.4, -0.3])
    return [made.run(inputs, targets).loss for _ in range(runs)]


def test_they_are_found_and_have_options_here() -> None:
    assert set(OPTIONS) == set(NAMES)
    for name in NAMES:
        assert isinstance(registry.find("rewiring", name)(**OPTIONS[name]), Rewiring)


@pytest.mark.parametrize("name", NAMES)
def test_it_rewires_while_it_learns_and_the_seed_settles_how(name: str) -> None:
    one, two = learner(name), learner(name)
    before = one.projections["loop"]
    first = learn(one)
    assert first == learn(two)
    now, same = one.projections["loop"], two.projections["loop"]
    np.testing.assert_array_equal(now.pre, same.pre)
    np.testing.assert_array_equal(now.weights, same.weights)
    assert {*zip(now.pre, now.post, strict=True)} != {*zip(before.pre, before.post, strict=True)}
    assert first[-1] < 0.8 * first[0]
    assert (now.pre != now.post).all(), "a unit came to connect to itself"
    assert np.unique(now.pre * 8 + now.post).size == now.pre.size, "two synapses of a pair"
    assert set(now.delay) <= {0, 1, 2}
    assert one.connected == {"loop": now.pre.size / 56}


@pytest.mark.parametrize("name", NAMES)
def test_refusals_name_the_method_and_the_option(name: str) -> None:
    kind = registry.find("rewiring", name)
    for option, good in OPTIONS[name].items():
        for wrong in (-1, float("nan"), "many"):
            options = {**OPTIONS[name], option: wrong}
            with pytest.raises(DescriptionError, match=rf"{name}: {option}.*expected: "):
                kind(**options)
        assert good is not None


@pytest.mark.parametrize("update", [4, "sequence"])
@pytest.mark.parametrize("name", NAMES)
def test_it_goes_on_from_a_state_that_was_kept(name: str, update: int | str) -> None:
    whole, first, second = (learner(name, update=update) for _ in range(3))
    losses, begun = learn(whole, 8), learn(first, 4)
    assert begun == losses[:4]
    second.restore(through_json(first.state()))
    assert learn(second, 4) == losses[4:]
    one, other = whole.projections["loop"], second.projections["loop"]
    np.testing.assert_array_equal(one.pre, other.pre)
    np.testing.assert_array_equal(one.post, other.post)
    np.testing.assert_array_equal(one.weights, other.weights)
    np.testing.assert_equal(whole.ledger.as_dict(), second.ledger.as_dict())
