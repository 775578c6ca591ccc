"""The arrays of a simulation: compressed rows, and where they point."""

from __future__ import annotations

import numpy as np

from neuro_rtrl.engine.build import Built, build
from neuro_rtrl.engine.course import make_cells, make_course, make_fan
from neuro_rtrl.kernels.layout import FREE
from neuro_rtrl.network.describe import Network


def built(t_ref: str = "3 ms") -> Built:
    net = Network(dt="1 ms", seed=2)
    x = net.inputs(2, name="x")
    a, b = net.neurons(3, "lif", name="a"), net.neurons(4, "lif_conductance", name="b", t_ref=t_ref)
    net.connect(x, a, pairs=([0, 1], [2, 0]), weights=[0.5, 0.25])
    net.connect(a, b, pairs=([0, 0], [1, 3]), weights=[2.0, 4.0], port="inhibition", delay="2 ms")
    return build(net, learn=False)


def test_synapses_point_to_states() -> None:
    made = built()
    fan = make_fan(made)
    # Three of a's v, then four each of b's v, ge, gi; rows are in the order of sources.
    assert fan.where.tolist() == [3 + 8 + 1, 3 + 8 + 3, 2, 0]
    assert fan.jump.tolist() == [2.0, 4.0, 0.5, 0.25]
    assert fan.delay.tolist() == [2, 0, 0]
    assert fan.where.itemsize + fan.jump.itemsize == 12


def test_only_deaf_targets_need_care() -> None:
    """lif's membrane is deaf while it is held; conductances hear everything."""
    net = Network(dt="1 ms")
    x, never = net.inputs(1), net.neurons(1, "lif", name="never")
    held = net.neurons(1, "lif", name="held", t_ref="2 ms")
    cond = net.neurons(1, "lif_conductance", name="cond", t_ref="2 ms")
    for target, delay in ((never, "0 ms"), (held, "1 ms"), (cond, "2 ms")):
        net.connect(x, target, weights=1.0, delay=delay)
    assert make_fan(build(net, learn=False)).careful.tolist() == [0, 1, 0]


def test_a_course_begins_at_the_initial_state() -> None:
    made = built()
    cells, fan = make_cells(made), make_fan(made)
    course = make_course(made, cells, fan)
    np.testing.assert_array_equal(course.h, made.units.initial)
    assert course.clock[FREE] == course.free.size == (3 + 4 + 2) * (4 + 2)
    assert all(x.ctypes.data % 64 == 0 for x in (course.h, course.s, course.held))


def test_groups_without_anything_special_are_even() -> None:
    """One jump for all; not where weights differ or change, where targets are deaf or collect."""
    net = Network(dt="1 ms")
    x = net.inputs(1)
    free, held = net.neurons(2, "lif"), net.neurons(2, "lif", t_ref="2 ms")
    cells = net.neurons(2, "egru")
    net.connect(x, free, weights=0.5)
    net.connect(x, free, weights=[[0.5, 0.25]], delay="1 ms")
    net.connect(x, free, weights=0.5, delay="2 ms", plasticity="stdp")
    net.connect(x, held, weights=0.5, delay="3 ms")
    net.connect(x, cells, weights=0.5, delay="4 ms", port="cand_x")
    net.connect(x, free, weights=0.25, delay="5 ms")
    assert make_fan(build(net, learn=False)).even.tolist() == [1, 0, 0, 0, 0, 1]


def test_straight_sources_have_one_even_group_without_delay() -> None:
    net = Network(dt="1 ms")
    a, b = net.neurons(5, "lif", name="a"), net.neurons(4, "lif", name="b")
    net.connect(a, b, pairs=([0, 0, 1, 2, 2, 4], [1, 3, 0, 0, 1, 2]), weights=[2.0, 2, 3, 4, 5, 6])
    net.connect(a, b, pairs=([4], [0]), weights=6.0, delay="1 ms")
    net.connect(b, a, pairs=([0], [0]), weights=7.0, delay="1 ms")
    made = make_fan(build(net, learn=False)).straight
    np.testing.assert_array_equal(made[:2, :2], [[0, 2], [2, 3]])
    np.testing.assert_array_equal(made[:2, 2].copy().view(float), [2.0, 3.0])
    assert not made[2:].any()
