"""The ledger against counts made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.engine.build import build
from neuro_rtrl.engine.ledger import Ledger, make_ledger, mask_density
from neuro_rtrl.kernels.layout import COUNTS
from neuro_rtrl.learner import Learner
from neuro_rtrl.network.describe import Network
from neuro_rtrl.network.plan import mask


def chain() -> Network:
    """input -> a -> b -> y, one unit each, weights of 2, without delays."""
    net = Network(dt="1 ms")
    x = net.inputs(1, name="x")
    a, b = net.neurons(1, "lif", name="a"), net.neurons(1, "lif", name="b")
    y = net.neurons(1, "leaky_readout", name="y")
    for source, target in ((x, a), (a, b), (b, y)):
        net.connect(source, target, weights=2.0)
    return net


def density(net: Network) -> float:
    built = build(net)
    return mask_density(built, mask(built.plan))


def test_one_spike_through_a_chain() -> None:
    """An input in step 0 makes a spike in step 1, and b in step 2; all else is silent.

    Before their spike and after their reset the units are a whole threshold away from it, where
    the triangle ends: psi is zero. The three weights are the three parameters.

    Own blocks of units with one state do not decay in memory: what arrives is scaled instead.

    step 0  own block of a: arrival 1                                                        1
    step 1  q of a: 1; own block of b: arrival 1; row of b: 1 column, 1 source                3
    step 2  q of b: row 1, own block 1; own block of y: 1; row of y: 2 columns, 1 source      5
            gradient of y: own block 1, row 2                                                3
    """
    learner = Learner(chain(), precision="float64", update="sequence")
    learner.run([[[1.0], [0.0], [0.0]]], [[[np.nan], [np.nan], [5.0]]])
    ledger = learner.ledger
    assert ledger.steps == 3
    assert (ledger.spikes, ledger.sensitive) == (2, 2)
    assert ledger.multiply_adds == 1 + 3 + 5 + 3
    assert ledger.rows_touched == 3  # b by a; y by the parameters of a, and of b
    assert ledger.live_entries == pytest.approx((0 + 1 + 3) / 3)
    # Two spiking units, the readout does not count; columns: none, one, two of three.
    assert ledger.densities["rows"] == pytest.approx(2 / (3 * 2))
    assert ledger.densities["columns"] == pytest.approx((0 + 1 + 2) / (3 * 3))
    assert ledger.densities["mask"] == pytest.approx(6 / 9)
    assert all(abs(g).max() > 0 for g in learner.gradient.values())


def test_traces_of_local_rules_are_entries() -> None:
    """Two inputs in step 0 make a spike in step 1, from which on the unit's trace has an entry for
    each of its two synapses, whatever the number of readouts."""
    net = Network(dt="1 ms")
    x, a = net.inputs(2, name="x"), net.neurons(1, "lif", name="a")
    y = net.neurons(3, "leaky_readout", name="y")
    net.connect(x, a, weights=1.0)
    net.connect(a, y, weights=2.0)
    learner = Learner(net, "eprop", update="sequence")
    for sequence in range(1, 3):
        learner.run([[[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]], np.zeros((1, 3, 3)), learn=False)
        assert learner.ledger.spikes == sequence
        assert learner.ledger.live_entries == pytest.approx((0 + 2 + 2) / 3)


def test_a_silent_network_costs_nothing() -> None:
    learner = Learner(chain(), update="sequence")
    learner.run(np.zeros((1, 50, 1)), np.full((1, 50, 1), np.nan))
    ledger = learner.ledger
    assert (ledger.multiply_adds, ledger.bytes, ledger.rows_touched) == (0, 0, 0)
    assert ledger.live_entries == 0 and ledger.steps == 50
    assert ledger.densities["rows"] == ledger.densities["columns"] == 0.0


def test_mask_of_feed_forward_layers() -> None:
    """Rows of each layer hold all that came before, and their own fan-in."""
    net = Network()
    x, a = net.inputs(2), net.neurons(3, "lif")
    b, y = net.neurons(4, "lif"), net.neurons(1, "leaky_readout")
    net.connect(x, a)  # 6 parameters, 2 for each unit
    net.connect(a, b)  # 12, 3 for each
    net.connect(b, y)  # 4
    entries = 3 * 2 + 4 * (6 + 3) + 1 * (6 + 12 + 4)
    assert density(net) == pytest.approx(entries / (8 * 22))


def test_mask_of_a_recurrent_layer_is_full() -> None:
    net = Network()
    x, h, y = net.inputs(2), net.neurons(3, "lif"), net.neurons(2, "leaky_readout")
    net.connect(x, h)
    net.connect(h, h)
    net.connect(h, y)
    entries = 3 * (6 + 9) + 2 * (15 + 3)
    assert density(net) == pytest.approx(entries / (5 * 21))


def test_mask_counts_unit_parameters_and_skips_what_does_not_learn() -> None:
    net = Network()
    x, h = net.inputs(2), net.neurons(3, "lif", learn=("bias",))
    y = net.neurons(1, "leaky_readout")
    net.connect(x, h, learn=False)
    net.connect(h, y)
    assert density(net) == pytest.approx((3 * 1 + (3 + 3)) / (4 * 6))
    nothing = Network()
    nothing.neurons(2, "lif")
    assert density(nothing) == 0.0


def beside_silence(silent: int) -> Ledger:
    """A network that lives, and `silent` units that never hear it."""
    net = Network(dt="1 ms", seed=6)
    x, h = net.inputs(5, name="x"), net.neurons(12, "lif", name="h")
    net.connect(x, h, weights="normal(0.4, 0.4)")
    net.connect(h, h, weights="normal(0, 0.4)", delay="1 ms")
    net.connect(h, net.neurons(1, "leaky_readout"))
    mute = net.neurons(silent, "lif", name="mute")
    net.connect(mute, mute, density=0.2)
    net.connect(mute, h, indegree=8)  # own blocks are as long as the fan-in
    rng = np.random.default_rng(8)
    learner = Learner(net)
    for _ in range(60):
        learner.step((rng.random(5) < 0.4).astype(float), [0.5])
    return learner.ledger


def test_units_that_stay_silent_cost_nothing() -> None:
    few, many = beside_silence(40), beside_silence(80)
    assert few.multiply_adds == many.multiply_adds > 10_000
    assert few.rows_touched == many.rows_touched > 100
    assert few.bytes == many.bytes
    assert few.live_entries == many.live_entries
    assert few.densities["rows"] > many.densities["rows"]


def test_an_empty_count_has_no_densities() -> None:
    ledger = make_ledger(np.zeros(4, int), np.zeros(COUNTS, int), columns=0, mask=0.0, storage=0)
    assert ledger.densities == {"rows": 0.0, "columns": 0.0, "mask": 0.0}
    assert ledger.as_dict()["steps"] == 0
    assert set(ledger.as_dict()) == set(Ledger.__dataclass_fields__)
