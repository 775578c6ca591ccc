"""Every rule for pairs: what it gives, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.network import pairing
from neuro_rtrl.network.describe import Network, Projection
from neuro_rtrl.network.pair_values import Ends
from neuro_rtrl.network.pairing import Pairing


def draw(pre: int, post: int, **rule: Any) -> tuple[np.ndarray, np.ndarray]:
    return Pairing(**rule).draw(Ends(pre, post), np.random.default_rng(1), "p")


def connected(n: int = 200, seed: int = 4, **rule: Any) -> Projection:
    net = Network(seed=seed)
    line = np.linspace(0, 1, n)
    a, b = (net.neurons(n, "lif", name=x, positions=line) for x in "ab")
    return net.connect(a, b, **rule)


def test_outdegree_is_exact() -> None:
    pre, post = draw(30, 20, outdegree=7)
    assert (np.bincount(pre) == 7).all()
    assert all(np.unique(post[pre == i]).size == 7 for i in range(30))


def test_nobody_is_its_own_target() -> None:
    ends = Ends(9, 9, same=True)
    rules: list[dict[str, Any]] = [
        {"outdegree": 8},
        {"indegree": 8},
        {"density": 1.0},
        {"density": "1 + 0*i"},
    ]
    for rule in rules:
        pre, post = Pairing(**rule, loops=False).draw(ends, np.random.default_rng(0), "p")
        assert pre.size == 72 and (pre != post).all()


def test_one_to_one() -> None:
    pre, post = draw(4, 4, one_to_one=True)
    assert pre.tolist() == post.tolist() == [0, 1, 2, 3]


def test_probability_falls_with_distance() -> None:
    made = connected(density="exp(-distance**2/(2*0.05**2))")
    distance = np.abs(made.pre - made.post) / 199
    expected = np.exp(-((np.subtract.outer(np.arange(200), np.arange(200)) / 199) ** 2) / 0.005)
    assert made.pre.size == pytest.approx(expected.sum(), rel=0.05)
    assert np.quantile(distance, 0.68) == pytest.approx(0.05, rel=0.1)


def test_rows_of_sources_are_taken_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sure probability: how many rows are computed at once must not matter."""
    monkeypatch.setattr(pairing, "AT_ONCE", 50)
    pre, post = draw(20, 30, density="i - j + abs(i - j)")
    assert {*zip(pre.tolist(), post.tolist(), strict=True)} == {
        (i, j) for i in range(20) for j in range(30) if i > j
    }


def test_blocks_have_their_own_densities() -> None:
    labels = np.repeat([0, 1], [40, 60])
    pre, post = draw(100, 100, density=[[0.5, 0.0], [0.1, 1.0]], blocks=(labels, labels[::-1]))
    counts = np.zeros((2, 2))
    np.add.at(counts, (labels[pre], labels[::-1][post]), 1)
    assert counts[0, 1] == 0 and counts[1, 1] == 3600
    assert counts[0, 0] == pytest.approx(800, rel=0.1)
    assert counts[1, 0] == pytest.approx(240, rel=0.2)
    assert (np.diff(pre * 100 + post) > 0).all()


def test_the_seed_makes_the_network() -> None:
    rule: dict[str, Any] = {
        "density": "0.5*exp(-distance)",
        "weights": "0.1*randn() + i/N_pre",
        "delay": "1*ms + 2*ms*rand()",
    }
    one, again, other = connected(**rule), connected(**rule), connected(seed=5, **rule)
    for name in ("pre", "post", "weights", "delay"):
        np.testing.assert_array_equal(getattr(one, name), getattr(again, name))
    assert one.pre.size != other.pre.size


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"density": 0.5, "indegree": 2}, r"more than one rule.*density and indegree"),
        ({"one_to_one": True, "pairs": ([0], [0])}, r"more than one rule.*pairs and one_to_one"),
        ({"one_to_one": True}, r"one to one needs as many sources.*3 sources and 4 targets"),
        ({"outdegree": 5}, r"p: outdegree: out of range; given: 5; expected: 0 to 4"),
        ({"density": [[0.5, 2.0]]}, r"these are not probabilities"),
        ({"density": [[0.5]], "blocks": ([0, 0, 0], [0, 0, 1, 0])}, r"these blocks do not fit"),
        ({"density": [[0.5]], "blocks": ([0, 0], [0, 0, 0, 0])}, r"these blocks do not fit"),
        ({"density": [[0.5]]}, r"these blocks do not fit"),
        ({"blocks": ([0, 0, 0], [0, 0, 0, 0])}, r"blocks need a probability for each pair"),
        ({"density": "distance"}, r"p: density: in 'distance': unknown name"),
    ],
)
def test_what_is_refused(rule: dict[str, Any], text: str) -> None:
    with pytest.raises(DescriptionError, match=text):
        draw(3, 4, **rule)


def test_millions_of_synapses_are_drawn() -> None:
    pre, _ = draw(20_000, 20_000, density=0.005)
    assert pre.size == pytest.approx(2_000_000, rel=0.01)
