"""Exactness statements: what their wording promises about a network."""

from __future__ import annotations

import pytest

from neuro_rtrl.checks_statement import clauses, learned_names, promised
from neuro_rtrl.network.describe import Network

EXACT_READOUTS = "drops all; exact for the parameters of readouts"


def chain(length: int, reset: bool = True) -> Network:
    """x -> h0 -> h1 -> ... -> y, `length` spiking layers."""
    net = Network()
    before = net.inputs(2, name="x")
    model = "lif" if reset else "vanilla"
    for i in range(length):
        layer = net.neurons(2, model, name=f"h{i}", learn=("bias",))
        net.connect(before, layer, name=f"w{i}")
        before = layer
    y = net.neurons(1, "readout", name="y", learn=("bias",))
    net.connect(before, y, name="out")
    return net


def whole(statement: str, net: Network, steps: int = 10) -> bool:
    return promised(statement, net, steps) >= learned_names(net)


def test_names_are_those_of_a_gradient() -> None:
    assert learned_names(chain(1)) == {"w0", "out", "h0.bias", "y.bias"}
    net = chain(1)
    net.projections["w0"].learn = False
    assert "w0" not in learned_names(net)


def test_drops_nothing_is_everything_everywhere() -> None:
    assert whole("drops nothing: exact", chain(3))
    assert not whole("drops almost nothing: exact", chain(3))


def test_readouts_only() -> None:
    assert promised(EXACT_READOUTS, chain(2), 10) == {"out", "y.bias"}


@pytest.mark.parametrize(
    "words",
    [
        "units that are not connected with each other",
        "exact without connections between units",
        "and on unconnected (diagonal) layers",
    ],
)
def test_unconnected_networks(words: str) -> None:
    assert whole(words, chain(1))
    assert promised(words, chain(2), 10) == set()
    loop = chain(1)
    loop.connect("h0", "h0", pairs=([0], [0]))
    assert promised(words, loop, 10) == set()


def test_without_reset_is_another_clause() -> None:
    words = "exact for one layer of unconnected units without reset"
    assert whole(words, chain(1, reset=False))
    assert promised(words, chain(1), 10) == set()


@pytest.mark.parametrize("distance", [0, 1, 2])
def test_distances(distance: int) -> None:
    words = f"drops entries of parameters more than {distance} synapses away from the unit"
    for length in (1, 2, 3, 4):
        assert whole(words, chain(length)) is (length - 1 <= distance)
    loop = chain(1)
    loop.connect("h0", "h0")
    assert whole(words, loop) is (distance >= 1)


@pytest.mark.parametrize("distance", [0, 1, 2])
def test_lengths_of_paths(distance: int) -> None:
    """Around a loop paths are as long as one likes, distances are not."""
    words = f"drops influence that has crossed more than {distance} synapses by live events"
    for length in (1, 2, 3, 4):
        assert whole(words, chain(length)) is (length - 1 <= distance)
    loop = chain(1)
    loop.connect("h0", "h0")
    assert promised(words, loop, 10) == set()


@pytest.mark.parametrize("layer", ["units", "unconnected units"])
def test_one_layer_and_readouts_without_memory(layer: str) -> None:
    words = f"exact with one layer of {layer} and readouts without memory (the model readout)"
    assert whole(words, chain(1))
    assert promised(words, chain(2), 10) == set()
    loop, remembers = chain(1), chain(1)
    loop.connect("h0", "h0")
    assert whole(words, loop) is (layer == "units")
    remembers.connect("h0", remembers.neurons(1, "leaky_readout"))
    assert promised(words, remembers, 10) == set()


def test_short_sequences() -> None:
    words = "drops all credit that flows back past the start of a window of 10 steps"
    assert whole(words, chain(2), 10)
    assert promised(words, chain(2), 11) == set()


def test_a_statement_without_known_words() -> None:
    assert clauses("it is quite good in most networks") == []
    assert clauses("nowhere exact") and promised("nowhere exact", chain(1), 10) == set()
