"""Lanes with tangents: online updates, batches, repeats, records, counts, certificates."""

from __future__ import annotations

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.contracts import Certified, Rule
from neuro_rtrl.engine import stream as streams
from neuro_rtrl.errors import SimulationError
from neuro_rtrl.registry import find
from tests.reference.tangents import DENSE, data, exact, flat, network

RULES = ("uoro", "kf-rtrl", "ok-2", "sk-rtrl-2")


@pytest.mark.parametrize("update", ["step", 3, "sequence"])
def test_online_updates_are_those_of_rtrl(update: str | int) -> None:
    """With the immediate part added exactly: the running gradient while weights change."""
    found = []
    for rule in ("rtrl", DENSE):
        learner = nr.Learner(
            network(), rule, nr.Sgd(1e-3), update=update, precision="float64", batch=3
        )
        learner.run(*data(batch=3))
        found.append(learner.parameters)
    for name, wanted in found[0].items():
        np.testing.assert_allclose(found[1][name], wanted, rtol=1e-10, atol=1e-12)


def test_steps_of_several_lanes() -> None:
    inputs, targets = data(batch=2)
    found = []
    for rule in ("rtrl", DENSE):
        learner = nr.Learner(network(), rule, update=4, precision="float64", batch=2)
        for t in range(8):
            learner.step(inputs[:, t], targets[:, t])
        found.append(flat(learner))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_runs_in_every_way(rule: str) -> None:
    chosen: Rule = find("rules", rule)
    assert chosen.name == rule and chosen.online
    for update, precision in (("step", "float32"), (7, "float64"), ("sequence", "float32")):
        learner = nr.Learner(network(), rule, nr.Sgd(1e-4), update=update, precision=precision)
        before = {k: v.copy() for k, v in learner.parameters.items()}
        result = learner.run(*data(batch=2))
        assert np.isfinite(result.loss)
        for name, value in learner.parameters.items():
            assert np.isfinite(value).all() and (value != before[name]).any()


@pytest.mark.parametrize("rule", RULES)
def test_runs_repeat(rule: str) -> None:
    """The draws come from the network's seed and the lane; each sequence has draws of its own."""
    found = []
    for seed in (3, 3, 4):
        net = network()
        net.seed = seed
        learner = nr.Learner(net, rule, update="sequence")
        learner.run(*data())
        first = flat(learner)
        learner.run(*data())
        found.append((first, flat(learner)))
    np.testing.assert_array_equal(found[0], found[1])
    drawn = rule != "sk-rtrl-2"
    assert (found[0][0] != found[0][1]).any() == drawn
    assert (found[0][0] != found[2][0]).any() == drawn


def test_lanes_have_draws_of_their_own() -> None:
    inputs, targets = (np.repeat(a, 2, axis=0) for a in data())
    learner = nr.Learner(network(), "uoro", update=100, batch=2)
    for x, target in zip(inputs.transpose(1, 0, 2), targets.transpose(1, 0, 2), strict=True):
        learner.step(x, target)
    one, two = learner._session.lanes
    assert (one.rule.theta != two.rule.theta).any()


@pytest.mark.parametrize("rule", RULES)
def test_readouts_are_exact(rule: str) -> None:
    learner = nr.Learner(network(), rule, update="sequence")
    learner.run(*data())
    reference = nr.Learner(network(), "rtrl", update="sequence", precision="float64")
    reference.run(*data())
    for name in ("h_y", "g_y", "y.bias"):
        np.testing.assert_allclose(learner.gradient[name], reference.gradient[name], rtol=1e-12)
    assert not np.allclose(learner.gradient["x_h"], reference.gradient["x_h"])


@pytest.mark.parametrize("rule", ["uoro", "sk-rtrl-2"])
def test_spikes_are_recorded_whatever_the_buffer(
    rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = nr.Learner(network(), "rtrl", update="sequence", precision="float64")
    wanted = reference.run(*data(2), spikes=True)
    monkeypatch.setattr(streams, "RECORD_EVENTS", 3)
    learner = nr.Learner(network(), rule, update="sequence")
    found = learner.run(*data(2), spikes=True, record=["h.v"])
    for name, spikes in wanted.spikes.items():
        np.testing.assert_array_equal(found.spikes[name], spikes)
    np.testing.assert_array_equal(found.predictions, wanted.predictions)


@pytest.mark.parametrize("rule", RULES)
def test_what_overflows_is_named(rule: str) -> None:
    learner = nr.Learner(network(), rule, update="sequence")
    inputs, targets = data()
    with pytest.raises(SimulationError, match=r"(state is|tangents are) not finite"):
        learner.run(inputs * 1.7e308, targets)
    learner.run(inputs, targets)
    assert np.isfinite(flat(learner)).all()


def test_a_network_without_hidden_parameters() -> None:
    for rule in RULES:
        net = nr.Network(dt="1 ms", seed=1)
        x, h = net.inputs(3), net.neurons(4, "lif", name="h")
        y = net.neurons(1, "leaky_readout", name="y")
        net.connect(x, h, weights=0.7, learn=False)
        net.connect(h, y)
        found = []
        for name in ("rtrl", rule):
            learner = nr.Learner(net, name, update="sequence", precision="float64")
            learner.run(*data())
            found.append(flat(learner))
        assert abs(found[0]).max() > 0
        np.testing.assert_allclose(found[1], found[0], rtol=1e-12)


def test_the_ledger_counts_steps_events_and_work() -> None:
    ledgers = {}
    for rule in ("rtrl", *RULES, "ok-4"):
        learner = nr.Learner(network(), rule, update="sequence", precision="float64")
        learner.run(*data(2))
        ledgers[rule] = learner.ledger
    for ledger in ledgers.values():
        assert (ledger.steps, ledger.spikes) == (40, ledgers["rtrl"].spikes)
        assert ledger.multiply_adds > 0 and ledger.live_entries > 0
    assert ledgers["uoro"].multiply_adds < ledgers["ok-2"].multiply_adds
    assert ledgers["ok-2"].influence_bytes < ledgers["ok-4"].influence_bytes


def test_only_rules_with_a_bound_have_a_certificate() -> None:
    learner = nr.Learner(network(), "uoro", update="sequence")
    learner.run(*data())
    assert learner.certificate is None
    assert not isinstance(learner._session.lanes[0], Certified)


def test_the_certificate_is_of_the_gradient_gathered_so_far() -> None:
    """Mean over the batch, and anew after each update."""
    one = nr.Learner(network(), "sk-rtrl-1", update="sequence")
    one.run(*data())
    alone = one.certificate
    one.run(*data())
    assert one.certificate == pytest.approx(alone)
    both = nr.Learner(network(), "sk-rtrl-1", update="sequence")
    both.run(*(np.repeat(a, 2, axis=0) for a in data()))
    assert alone is not None and alone > 0
    assert both.certificate == pytest.approx(alone)
    assert alone >= np.linalg.norm(flat(one) - exact())
    steps = nr.Learner(network(), "sk-rtrl-1", update=1000)
    for x, target in zip(*(a[0] for a in data()), strict=True):
        steps.step(x, target)
    assert steps.certificate == pytest.approx(alone)
    steps.reset()
    assert steps.certificate == 0.0
