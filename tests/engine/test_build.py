"""A described network as what kernels need."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.engine.build import _population, build, hold_steps
from neuro_rtrl.engine.fresh_run import make_run
from neuro_rtrl.errors import BuildError
from neuro_rtrl.kernels.layout import CLOCK_SIZE, FREE, STEP
from neuro_rtrl.network.describe import Network, Population


def two_kinds() -> Network:
    net = Network(dt="1 ms", seed=1)
    x = net.inputs(2, name="x")
    h = net.neurons(3, "lif", name="h", tau_m=[0.01, 0.02, 0.04], t_ref="2 ms", learn=("bias",))
    z = net.neurons(2, "alif", name="z", initial={"v": [0.3, 0.4]})
    y = net.neurons(2, "leaky_readout", name="y", tau="10 ms")
    net.connect(x, h)
    net.connect(h, z)
    net.connect(z, y)
    net.connect(h, net.neurons(1, "readout", name="u"))
    return net


@pytest.mark.parametrize(
    ("period", "dt", "steps"),
    [("0 ms", "1 ms", 0), ("2 ms", "1 ms", 2), ("2.9 ms", "1 ms", 2), ("0.3 ms", "0.1 ms", 3)],
)
def test_refractory_periods_in_steps(period: str, dt: str, steps: int) -> None:
    net = Network(dt=dt)
    assert hold_steps(net.neurons(2, "lif", t_ref=period), net.dt).tolist() == [steps, steps]


def test_each_unit_has_its_own_refractory_period() -> None:
    net = Network(dt="1 ms")
    unit = net.neurons(3, "lif", t_ref=[0.0, 1e-3, 3e-3])
    assert hold_steps(unit, net.dt).tolist() == [0, 1, 3]
    assert hold_steps(net.inputs(2), net.dt).tolist() == [0, 0]
    assert hold_steps(net.neurons(2, "leaky_readout"), net.dt).tolist() == [0, 0]


def test_a_negative_refractory_period() -> None:
    net = Network()
    net.neurons(1, "lif", name="h", t_ref="-1 ms")
    with pytest.raises(BuildError, match=r"h: a negative refractory period; given: -0.001 s"):
        build(net)


def test_inputs_have_no_model() -> None:
    with pytest.raises(BuildError, match=r"x: inputs have no model"):
        _population(Population("x", 2), 1e-3)


def test_places_of_populations() -> None:
    units = build(two_kinds()).units
    assert units.first.tolist() == [0, 3, 5, 7]
    assert units.size.tolist() == [3, 2, 2, 1]
    assert units.d.tolist() == [1, 2, 1, 1]
    assert units.at_h.tolist() == [0, 3, 7, 9]
    assert units.at_dd.tolist() == [0, 3, 11, 13]
    assert units.m.tolist() == [1, 0, 0, 0]
    assert units.population.tolist() == [0, 0, 0, 1, 1, 2, 2, 3]
    assert units.hold.tolist() == [2, 2, 2, 0, 0, 0, 0, 0]


def test_what_populations_do() -> None:
    units = build(two_kinds()).units
    assert units.spiking.tolist() == [1, 1, 0, 0]
    assert units.resets.tolist() == [1, 1, 0, 0]
    assert units.refractory.tolist() == [1, 0, 0, 0]
    assert units.blind[0, 0] == 1 and not units.blind[2:].any()
    # A bias that learns needs its Jacobian at every step.
    assert units.eager[0] == 1


def test_constant_flows_are_the_exact_ones() -> None:
    built = build(two_kinds())
    wanted = np.exp(-1e-3 / np.array([0.01, 0.02, 0.04]))
    np.testing.assert_allclose(built.units.flow_d[:3], wanted, rtol=1e-14)
    np.testing.assert_array_equal(built.units.held_d[:3], np.ones(3))
    np.testing.assert_allclose(built.units.flow_d[11:13], np.exp(-0.1), rtol=1e-14)


def test_outputs_are_the_readouts_in_order() -> None:
    units, states = build(two_kinds()).outputs
    assert units.tolist() == [5, 6, 7]
    assert states.tolist() == [0, 0, 0]


def test_values_are_a_copy() -> None:
    net = two_kinds()
    one, other = build(net), build(net)
    one.values[:] = 9.0
    assert not (other.values == 9.0).any()
    assert not (net.projections["x_h"].weights == 9.0).any()


def test_a_fresh_run() -> None:
    built = build(two_kinds())
    run = make_run(built)
    np.testing.assert_array_equal(run.h, [0, 0, 0, 0.3, 0.4, 0, 0, 0, 0, 0])
    assert run.clock.size == CLOCK_SIZE and run.clock[STEP] == 0
    assert run.clock[FREE] == run.free.size
    run.h[:] = 5.0
    assert not (built.units.initial == 5.0).any()


def test_the_source_is_kept_to_be_read() -> None:
    sources = build(two_kinds()).sources
    assert set(sources) == {"h", "z", "y", "u"}
    assert "def flow" in sources["h"]
