"""Arrays of synapses that a user has changed are refused when the network is built."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuro_rtrl.engine.simulation import Simulation
from neuro_rtrl.errors import BuildError, DescriptionError
from neuro_rtrl.learner import Learner
from neuro_rtrl.network.describe import Network, Projection
from neuro_rtrl.network.plan import plan


def network(**options: Any) -> tuple[Network, Projection]:
    net = Network()
    x, a = net.inputs(2, name="x"), net.neurons(3, "lif", name="a")
    made = net.connect(x, a, weights=1.0, **options)
    y = net.neurons(1, "leaky_readout", name="y")
    net.connect(a, y)
    return net, made


BAD = [
    ("weights", np.ones(5), r"x_a: weights: .*shape \(5,\).*shape \(6,\)"),
    ("weights", np.ones((2, 3)), r"x_a: weights: .*shape \(2, 3\)"),
    (
        "weights",
        np.array([1.0, 1.0, np.nan, 1.0, 1.0, 1.0]),
        r"not finite; given: nan of synapse 2",
    ),
    ("weights", np.full(6, "a"), r"x_a: weights"),
    ("delay", np.array([0, 0, 0, -1, 0, 0]), r"x_a: delay: out of range; given: -1"),
    ("delay", np.full(6, 0.5), r"x_a: delay: .*float64"),
    ("delay", np.full(6, 10**7), r"x_a: delay: out of range; given: 10000000"),
    ("pre", np.array([0, 0, 0, 1, 1, 2]), r"x_a: pre: out of range; given: 2; expected: 0 to 1"),
    ("post", np.array([0, 1, 2, 0, 1, 3]), r"x_a: post: out of range; given: 3; expected: 0 to 2"),
    ("post", np.array([0, 1, 2, 0, 1, -1]), r"x_a: post: out of range; given: -1"),
]


@pytest.mark.parametrize(("name", "value", "message"), BAD)
def test_changed_arrays_are_refused(name: str, value: np.ndarray, message: str) -> None:
    net, made = network()
    setattr(made, name, value)
    for build in (plan, Simulation, Learner):
        with pytest.raises(BuildError, match=message):
            build(net)


def test_good_changes_are_taken() -> None:
    net, made = network()
    made.weights[:] = 2.0
    made.delay[:] = 3
    found = plan(net)
    assert (found.values[found.names["x_a"]] == 2.0).all()
    made.weights = np.full(6, 4)
    assert (plan(net).values[found.names["x_a"]] == 4.0).all()


def test_a_projection_without_synapses_is_fine() -> None:
    net, _ = network(density=0.0)
    assert "x_a" not in plan(net).names


@pytest.mark.parametrize("weights", [[["a"] * 3] * 2, [[1, 2, 3], [1, 2]], [[1, 2, None]] * 2])
def test_what_is_no_matrix_is_refused(weights: Any) -> None:
    with pytest.raises(DescriptionError, match=r"x_a: weights: .*numbers"):
        net = Network()
        net.connect(net.inputs(2, name="x"), net.neurons(3, "lif", name="a"), weights=weights)


def test_one_state_may_be_named_by_a_text() -> None:
    net, _ = network()
    assert list(Simulation(net).run(steps=2, record="a.v").states) == ["a.v"]
    with pytest.raises(DescriptionError, match=r"given: 'a.u'.*Did you mean 'a.v'"):
        Simulation(net).run(steps=2, record="a.u")
