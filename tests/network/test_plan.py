"""A network's arrays: numbers of parameters, their names, and the static mask."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.errors import BuildError
from neuro_rtrl.network.describe import Network
from neuro_rtrl.network.plan import Plan, mask, plan
from neuro_rtrl.network.reach import Reach, reach


def net_with_biases() -> Network:
    net = Network(dt="1 ms", seed=2)
    x = net.inputs(3, name="x")
    h = net.neurons(4, "alif", name="h", learn=("bias",), bias=[0.1, 0.2, 0.3, 0.4])
    y = net.neurons(2, "leaky_readout", name="y", learn=("bias",))
    net.connect(x, h, density=0.8)
    net.connect(h, h, density=0.5, learn=False)
    net.connect(h, y)
    return net


def test_a_network_without_units_cannot_run() -> None:
    net = Network()
    with pytest.raises(BuildError, match=r"no units; given: no populations; expected: net.neurons"):
        plan(net)
    net.inputs(2)
    with pytest.raises(BuildError, match=r"this network has no units"):
        plan(net)


def test_names_find_the_values() -> None:
    net = net_with_biases()
    made = plan(net)
    assert set(made.names) == {"x_h", "h_y", "h.bias", "y.bias"}
    np.testing.assert_array_equal(made.values[made.names["h.bias"]], [0.1, 0.2, 0.3, 0.4])
    np.testing.assert_array_equal(made.values[made.names["y.bias"]], [0.0, 0.0])
    for name in ("x_h", "h_y"):
        np.testing.assert_array_equal(made.values[made.names[name]], net.projections[name].weights)
    np.testing.assert_array_equal(made.learned, np.sort(np.concatenate(list(made.names.values()))))
    assert made.values.size == sum(p.pre.size for p in net.projections.values()) + 6
    assert [p.name for p in made.readouts] == ["y"]


def test_empty_projections_have_no_name() -> None:
    net = Network()
    x, h = net.inputs(2), net.neurons(2, "lif")
    net.connect(x, h, density=0.0, name="none")
    made = plan(net)
    assert made.names == {} and made.learned.size == 0


def test_own_parameters_of_each_unit() -> None:
    made = plan(net_with_biases())
    found = mask(made)
    wires = made.wiring.wires
    for k in range(made.n):
        own = found.own_parameter[found.own[k] : found.own[k + 1]]
        wanted = np.flatnonzero((wires.target == k) & made.wiring.learn)
        np.testing.assert_array_equal(np.sort(own), wanted)
        np.testing.assert_array_equal(wires.slot[own], np.arange(found.own[k], found.own[k + 1]))
    assert (wires.slot[~made.wiring.learn] == -1).all()
    states = np.array([2, 2, 2, 2, 1, 1])
    np.testing.assert_array_equal(np.diff(found.own_at), np.diff(found.own) * states)
    assert found.columns.sum() == made.learned.size


def test_storage_of_segments_does_not_overlap() -> None:
    made = plan(net_with_biases())
    found = mask(made)
    states = np.array([2, 2, 2, 2, 1, 1])
    units = np.repeat(np.arange(made.n), np.diff(found.segment))
    for b in range(found.columns.size):
        rows = [
            set(range(first, first + states[k]))
            for k, first, block in zip(units, found.segment_row, found.segment_block, strict=True)
            if block == b
        ]
        used = sorted(r for row in rows for r in row)
        assert used == list(range(len(used)))


def test_events_carry_their_row_and_their_own_block() -> None:
    found = mask(plan(net_with_biases()))
    for k in range(found.block.size):
        carried = found.carried_block[found.carried[k] : found.carried[k + 1]].tolist()
        row = found.segment_block[found.segment[k] : found.segment[k + 1]].tolist()
        own = [int(found.block[k])] if found.block[k] >= 0 else []
        assert carried == sorted({*row, *own})


def test_a_pattern_replaces_what_paths_reach() -> None:
    made = plan(net_with_biases())
    everything = mask(made)

    def nothing(_: Plan, own: np.ndarray) -> Reach:
        return reach(own.size, np.zeros(0, np.int64), np.zeros(0, np.int64), own)

    found = mask(made, nothing)
    assert found.segment_block.size == 0 < everything.segment_block.size
    assert found.columns.sum() == everything.columns.sum()
