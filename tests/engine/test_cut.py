"""Shares of a simulation's arrays: together they are the whole, each unit and synapse once."""

from __future__ import annotations

import numpy as np

from neuro_rtrl.engine.build import build
from neuro_rtrl.engine.course import make_cells, make_fan
from neuro_rtrl.engine.cut import cut_cells, cut_fan
from neuro_rtrl.network.describe import Network


def network() -> Network:
    net = Network(dt="1 ms", seed=2)
    a = net.neurons(5, "lif", name="a", t_ref=np.arange(5) * 1e-3, learn=["bias"])
    b = net.neurons(4, "lif_conductance", name="b", tau_m=0.01 + np.arange(4) * 1e-3)
    net.connect(a, b, weights="uniform(0, 1)", port="inhibition", delay="2 ms")
    net.connect(b, a, density=0.5, weights="uniform(0, 1)")
    return net


def test_units_keep_their_own_numbers() -> None:
    built = build(network(), learn=False)
    cells = make_cells(built)
    parts = [cut_cells(built, cells, i, 2) for i in range(2)]
    assert [part.size.tolist() for part, _ in parts] == [[2, 2], [3, 2]]
    first, second = (part for part, _ in parts)
    assert (second.first + second.shift).tolist() == [2, 5 + 2]
    np.testing.assert_array_equal(second.hold, [2, 3, 4, 5, 5])
    np.testing.assert_array_equal(second.population, [0, 0, 0, 1, 1])
    # Of each population, first the coefficients that all units share, then the others.
    for p, n in enumerate((5, 4)):
        at, shared = cells.at_c[p], built.shared[p]
        whole = cells.c[at : (*cells.at_c, cells.c.size)[p + 1]]
        for part, low in ((first, 0), (second, int(first.size[p]))):
            own = part.c[part.at_c[p] : (*part.at_c, part.c.size)[p + 1]]
            np.testing.assert_array_equal(own[:shared], whole[:shared])
            varied = whole[shared:].reshape(-1, n)[:, low : low + part.size[p]]
            np.testing.assert_array_equal(own[shared:].reshape(varied.shape), varied)
    assert built.shared[1] < cells.c.size - cells.at_c[1]  # some do vary


def test_every_place_is_in_one_share() -> None:
    built = build(network(), learn=False)
    cells = make_cells(built)
    parts = [cut_cells(built, cells, i, 3) for i in range(3)]
    held = np.array([places.h >= 0 for _, places in parts])
    assert (held.sum(axis=0) == 1).all()
    for own, places in parts:
        mine = places.h >= 0
        np.testing.assert_array_equal(own.initial[places.h[mine]], cells.initial[mine])


def test_every_synapse_is_in_one_share() -> None:
    built = build(network(), learn=False)
    cells, fan = make_cells(built), make_fan(built)
    found = []
    for i in range(2):
        _, places = cut_cells(built, cells, i, 2)
        part, kept = cut_fan(fan, places)
        np.testing.assert_array_equal(part.jump, fan.jump[kept])
        np.testing.assert_array_equal(part.group, fan.group)
        group = np.repeat(np.arange(fan.delay.size), np.diff(part.first))
        back = np.flatnonzero(places.h >= 0)
        found += list(zip(group, back[part.where], part.jump, strict=True))
    group = np.repeat(np.arange(fan.delay.size), np.diff(fan.first))
    assert sorted(found) == sorted(zip(group, fan.where, fan.jump, strict=True))
