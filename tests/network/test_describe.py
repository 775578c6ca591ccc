"""Describing a network: populations, projections, seeds, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuro_rtrl.errors import BuildError, DescriptionError
from neuro_rtrl.network.describe import Network, Population


def small(seed: int = 0) -> tuple[Network, Population, Population, Population]:
    net = Network(dt="1 ms", seed=seed)
    x, h = net.inputs(4, name="x"), net.neurons(5, "lif", name="h", tau_m="normal(20 ms, 2 ms)")
    return net, x, h, net.neurons(2, "leaky_readout", name="y")


def test_names_are_given_in_order() -> None:
    net = Network()
    assert [net.inputs(1).name, net.inputs(1).name] == ["input", "input_2"]
    a, b = net.neurons(1, "lif"), net.neurons(1, "lif")
    assert [a.name, b.name] == ["lif", "lif_2"]
    assert [net.connect(a, b).name, net.connect(a, b).name] == ["lif_lif_2", "lif_lif_2_2"]
    assert list(net.populations) == ["input", "input_2", "lif", "lif_2"]


def test_a_time_step_as_text_or_number() -> None:
    assert Network(dt="0.1 ms").dt == pytest.approx(1e-4)
    assert Network(dt=5e-4).dt == 5e-4


@pytest.mark.parametrize("dt", ["0 ms", "-1 ms", 0, -1e-3, 1e6, float("nan"), float("inf")])
def test_time_steps_out_of_range(dt: Any) -> None:
    with pytest.raises(DescriptionError, match=r"dt: .*out of range"):
        Network(dt=dt)


@pytest.mark.parametrize("dt", ["1 mV", "soon", None, [1]])
def test_what_is_not_a_time_step(dt: Any) -> None:
    with pytest.raises(DescriptionError, match=r"given"):
        Network(dt=dt)


@pytest.mark.parametrize("seed", [-1, 1.5, "1", True, None])
def test_seeds_that_cannot_be_used(seed: Any) -> None:
    with pytest.raises(DescriptionError, match=r"seed: the seed is not usable"):
        Network(seed=seed)


def test_the_same_seed_draws_the_same() -> None:
    def arrays(seed: int) -> list[np.ndarray]:
        net, x, h, _ = small(seed)
        made = net.connect(x, h, density=0.5, delay="uniform(0 ms, 5 ms)")
        return [h.parameters["tau_m"], made.pre, made.post, made.weights, made.delay]

    for one, again in zip(arrays(3), arrays(3), strict=True):
        np.testing.assert_array_equal(one, again)
    assert not np.array_equal(arrays(3)[0], arrays(4)[0])
    assert not np.array_equal(arrays(3)[3], arrays(4)[3])


def test_a_later_projection_does_not_change_an_earlier_one() -> None:
    net, x, h, y = small()
    before = net.connect(x, h, density=0.5).weights.copy()
    net.connect(h, y)
    again, x, h, _ = small()
    np.testing.assert_array_equal(again.connect(x, h, density=0.5).weights, before)


def test_other_lines_for_a_model() -> None:
    net = Network()
    unit = net.neurons(
        2,
        "lif",
        threshold="v >= 2*v_th",
        reset="v -= v_th",
        refractory="5 ms",
        method="euler",
        surrogate="boxcar",
        reset_gradient=False,
        learn="bias",
        initial={"v": 0.5},
    )
    assert unit.model is not None
    assert not unit.model.strict
    assert unit.model.method == "euler"
    assert unit.model.text["refractory"] == "5*ms"
    assert unit.model.surrogate.shape == "boxcar"
    assert not unit.model.reset_gradient
    assert unit.learn == ("bias",)
    assert unit.initial["v"] == 0.5


def test_parameters_keep_their_defaults() -> None:
    _, _, h, _ = small()
    assert h.parameters["v_th"] == 1.0
    assert h.parameters["tau_m"].shape == (5,)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"tau": "20 ms"}, r"unknown parameter.*Did you mean 'tau_m'\?"),
        ({"initial": {"w": 0.0}}, "lif: initial: unknown state; given: 'w'"),
        ({"initial": {"v": [0.0, 1.0]}}, "lif.v: wrong shape"),
        ({"tau_m": 20}, "lif.tau_m: a number without its unit"),
        ({"tau_m": [0.1, 0.2]}, "lif.tau_m: wrong shape"),
        ({"learn": ["tau"]}, "tau_m"),
        ({"surrogate": "square"}, "lif: surrogate: .*unknown"),
        ({"threshold": "u > 1"}, "'u'"),
        ({"name": "not a name"}, "this name of a population is not usable"),
    ],
)
def test_what_neurons_refuses(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(DescriptionError, match=text):
        Network().neurons(3, "lif", **arguments)


def test_an_unknown_model_gets_the_nearest_name() -> None:
    with pytest.raises(DescriptionError, match=r"Did you mean 'alif'\?"):
        Network().neurons(3, "aliff")


def test_connections_by_name_and_by_value() -> None:
    net, x, h, _ = small()
    made = net.connect("x", "h", weights=np.arange(20.0).reshape(4, 5))
    assert (made.source, made.target) == (x, h)
    np.testing.assert_array_equal(made.weights, made.pre * 5 + made.post)
    assert net.projections["x_h"] is made


def test_no_unit_connects_to_itself_if_so_asked() -> None:
    net, _, h, _ = small()
    for arguments in ({}, {"density": 0.7}, {"indegree": 3}):
        made = net.connect(h, h, self_connections=False, **arguments)
        assert made.pre.size and not (made.pre == made.post).any()
    assert (net.connect(h, h).pre == net.connect(h, h).post).sum() == 5
    assert net.connect("x", "h", self_connections=False).pre.size == 20


def test_pairs_may_be_several_and_in_any_order() -> None:
    net, x, h, _ = small()
    made = net.connect(x, h, pairs=([3, 0, 0], [1, 4, 4]), weights=[1, 2, 3], delay="2 ms")
    assert made.pre.tolist() == [3, 0, 0] and made.post.tolist() == [1, 4, 4]
    assert made.weights.tolist() == [1, 2, 3] and made.delay.tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"density": 1.5}, "x_h: density: out of range; given: 1.5"),
        ({"density": "all"}, "x_h: density: in 'all': unknown name"),
        ({"indegree": 5}, "x_h: indegree: out of range; given: 5; expected: 0 to 4"),
        ({"indegree": 2.5}, "x_h: indegree: not a whole number"),
        ({"pairs": ([0], [9])}, "x_h: pairs: an index in post is out of range"),
        ({"weights": "normel(0, 1)"}, "x_h: weights: unknown distribution"),
        ({"weights": np.zeros((5, 4))}, "x_h: weights: the weight matrix has the wrong shape"),
        ({"delay": 2}, "x_h: delay: a number without its unit"),
        ({"port": "epsilon"}, "x_h: unknown port; given: 'epsilon'; expected: one of delta"),
        ({"name": "x.h"}, "this name of a projection is not usable"),
    ],
)
def test_what_connect_refuses(arguments: dict[str, Any], text: str) -> None:
    net, x, h, _ = small()
    with pytest.raises(DescriptionError, match=text):
        net.connect(x, h, **arguments)
    assert not net.projections


def test_projections_between_the_wrong_populations() -> None:
    net, x, h, y = small()
    with pytest.raises(BuildError, match=r"y_h: this population never emits events.*leaky_readout"):
        net.connect(y, h)
    with pytest.raises(BuildError, match=r"h_x: this population takes no synapses"):
        net.connect(h, x)
    with pytest.raises(DescriptionError, match=r"unknown population of this network.*'h'"):
        net.connect("x", "hh")
    with pytest.raises(DescriptionError, match=r"unknown population of this network"):
        net.connect(x, small()[2])
    with pytest.raises(DescriptionError, match=r"unknown population of this network"):
        net.connect(x, 3)  # type: ignore[arg-type]
    assert not net.projections


def test_too_many_synapses_are_refused_before_they_are_drawn() -> None:
    net = Network()
    a, b = net.inputs(1_000_000), net.neurons(1_000_000, "lif")
    with pytest.raises(DescriptionError, match=r"number of synapses: out of range"):
        net.connect(a, b, density=0.5)
