"""Traces are shared where units hear alike; a sharing network learns as one that cannot share."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine import shared
from neuro_rtrl.engine.build import build
from neuro_rtrl.engine.local import own_blocks_only
from neuro_rtrl.network.plan import mask
from neuro_rtrl.registry import find


def network(
    model: str = "lif", units: int = 8, delay: str = "1 ms", outputs: int = 2, **changes: Any
) -> nr.Network:
    net = nr.Network(dt="1 ms", seed=3)
    x = net.inputs(5, name="x")
    h = net.neurons(units, model, name="h", **changes)
    port = next(iter(h.model.ports))
    net.connect(x, h, weights="normal(0.5, 0.7)", port=port)
    net.connect(h, h, weights="normal(0, 0.4)", port=port, delay=delay)
    y = net.neurons(outputs, "leaky_readout", name="y")
    net.connect(h, y)
    return net


def traces(net: nr.Network) -> Any:
    built = build(net)
    return shared.make_traces(built, mask(built.plan, own_blocks_only), "float64")


@pytest.mark.parametrize(
    ("model", "changes", "wanted"),
    [
        ("lif", {}, [0, 1]),
        ("lif_current", {}, [0, 1]),
        ("lif", {"t_ref": "3 ms"}, [-1, 0]),
        ("lif", {"tau_m": np.linspace(0.01, 0.03, 8)}, [-1, 0]),
        ("egru", {}, [-1, 0]),
    ],
)
def test_who_shares(model: str, changes: dict[str, Any], wanted: list[int]) -> None:
    found = traces(network(model, **changes))
    assert found.shared[[0, -1]].tolist() == wanted
    if wanted[0] < 0:
        assert not found.shares[found.group[:8]].any()


def test_only_units_of_one_state_are_asked() -> None:
    built = build(network("lif_current"))
    found = shared.make_traces(built, mask(built.plan, own_blocks_only), "float64", one_state=True)
    assert (found.shared[:8] == -1).all()
    assert not found.shares[found.group[:8]].any()


def test_a_source_of_both_kinds_of_targets_takes_the_general_way() -> None:
    """Its group brings something to blocks of their own; so none of its targets may share."""
    net = network()
    slow = net.neurons(3, "lif", name="slow", t_ref="2 ms")
    net.connect("x", slow)
    found = traces(net)
    assert (found.shared[:8] == -1).all()


def test_too_many_delays_are_not_worth_it() -> None:
    assert (traces(network(delay="uniform(1 ms, 40 ms)")).shared == -1).all()


@pytest.mark.parametrize("units", [8, 40])
@pytest.mark.parametrize("reset", ["v = 0", "v -= v_th"])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_gradients_with_and_without(
    units: int, reset: str, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of 13 and 45 synapses (short and long runs), short sequences after each other."""
    rng = np.random.default_rng(1)
    inputs = (rng.random((3, 60, 5)) < 0.3) * rng.uniform(0.5, 1.5, (3, 60, 5))
    targets = rng.standard_normal((3, 60, 2))
    found = []
    for groups in (4, 0):
        monkeypatch.setattr(shared, "MOST_GROUPS", groups)
        net = network("lif", units, reset=reset)
        learner = nr.Learner(net, rule="eprop", precision=precision, update="sequence")
        learner.run(inputs, targets)
        assert (learner._session.lanes[0].traces.shared[0] >= 0) == (groups == 4)
        found.append(np.concatenate([g.ravel() for g in learner.gradient.values()]))
    size = abs(found[1]).max()
    assert size > 0.1
    tolerance = 1e-12 if precision == "float64" else 1e-4
    np.testing.assert_allclose(found[0], found[1], rtol=0, atol=tolerance * size)


def one_by_one() -> Any:
    """The rule `eprop`, whose events are taken as they come."""
    return dataclasses.replace(find("rules", "eprop"), windows=False)


def test_work_follows_live_units_not_arrivals() -> None:
    """Inputs to silent units cost one trace for each source, whatever the fan-out."""
    counts = []
    for units in (10, 100):
        net = nr.Network(dt="1 ms", seed=3)
        h = net.neurons(units, "lif", name="h")
        net.connect(net.inputs(5, name="x"), h, weights=-0.01)
        y = net.neurons(1, "leaky_readout", name="y")
        net.connect(h, y)
        learner = nr.Learner(net, rule=one_by_one(), update="sequence")
        learner.run(np.ones((1, 50, 5)), np.full((1, 50, 1), np.nan))
        counts.append(learner.ledger.multiply_adds)
    groups = 105 - 15  # one trace for each source, for two populations
    assert counts[1] - counts[0] == 50 * 2 * groups


def test_work_does_not_grow_with_the_outputs() -> None:
    counts = []
    for outputs in (2, 20):
        learner = nr.Learner(network(outputs=outputs), rule=one_by_one(), update="sequence")
        learner.run(np.ones((1, 50, 5)), np.full((1, 50, outputs), np.nan))
        counts.append(learner.ledger.multiply_adds)
    assert counts[0] == counts[1] > 1000


def test_the_rule_says_which_lane() -> None:
    """Without local lanes nothing is shared: the general rows know nothing of traces."""
    rule = dataclasses.replace(find("rules", "eprop"), local=None)
    learner = nr.Learner(network(), rule=rule, update="sequence")
    learner.run(np.ones((1, 3, 5)), np.ones((1, 3, 2)))
    assert "traces" not in vars(learner._session.lanes[0])
