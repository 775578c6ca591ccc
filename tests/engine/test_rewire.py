"""Wiring that changes while a network learns: the learner against one made anew, every rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl import registry
from neuro_rtrl.contracts_rewiring import Change, Synapses
from neuro_rtrl.errors import BuildError, DescriptionError
from neuro_rtrl.network.rewired import absent_pairs

STEPS, BATCH = 14, 2
PLASTIC = ("a_a", "x_a", "a_y")

FOLLOW = [
    "rtrl", "snap-1", "snap-2", "snap-3", "snap-active-2", "rtrl-tolerance-1e-3", "eprop",
    "rflo-symmetric", "d-rtrl", "pp-prop", "ostl", "decolle", "superspike", "bptt", "tbptt-4",
]  # fmt: skip
AT_RANDOM = ["eprop-random", "eprop-adaptive", "rflo", "random-paths-2", "reward-eprop", "dni"]
CANNOT = ["uoro", "kf-rtrl", "ok", "sk-rtrl"]


@dataclass(frozen=True)
class Turnover:
    """At every update a third of the synapses goes and as many come, with weights at once."""

    share: float = 0.35

    def start(self, synapses: Synapses, rng: np.random.Generator) -> Turning:
        return Turning(self.share, rng)


class Turning:
    def __init__(self, share: float, rng: np.random.Generator) -> None:
        self.share, self.rng = share, rng

    def update(self, synapses: Synapses, gradient: np.ndarray) -> Change:
        keep = self.rng.random(synapses.pre.size) > self.share
        pre, post = absent_pairs(
            synapses.pre, synapses.post, synapses.shape, synapses.self_connections,
            int((~keep).sum()), self.rng,
        )  # fmt: skip
        return Change(keep, pre, post, self.rng.normal(0.2, 0.6, pre.size))


def network(seed: int = 3) -> nr.Network:
    """Recurrent, with delays, a bias that learns, and two readouts."""
    net = nr.Network(dt="1 ms", seed=seed)
    x = net.inputs(4, name="x")
    wide = {"shape": "triangle", "height": 0.5, "width": 0.8}
    a = net.neurons(6, "lif", name="a", surrogate=wide, learn=["bias"], reset_gradient=False)
    y = net.neurons(2, "leaky_readout", name="y")
    net.connect(x, a, weights="uniform(0.3, 0.9)", density=0.7, name="x_a")
    net.connect(a, a, density=0.4, weights="normal(0.1, 0.5)", delay="uniform(0 ms, 3 ms)")
    net.connect(a, y, density=0.7, name="a_y")
    return net


def batch(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    inputs = (rng.random((BATCH, STEPS, 4)) < 0.5).astype(float)
    return inputs, rng.normal(size=(BATCH, STEPS, 2))


def learner(rule: str = "rtrl", **options: Any) -> nr.Learner:
    """Adam, and synapses that come and go, at the end of sequences."""
    made: dict[str, Any] = {"update": "sequence", "optimizer": nr.Adam(3e-3)}
    made |= {"rewiring": dict.fromkeys(PLASTIC, Turnover()), "precision": "float64", **options}
    return nr.Learner(network(), rule=rule, **made)


@pytest.mark.parametrize("rule", FOLLOW)
def test_afterwards_it_is_the_network_made_anew_with_that_wiring(rule: str) -> None:
    used = learner(rule)
    for i in range(3):
        used.run(*batch(i))
    anew = nr.Learner(used.network, rule=rule, update="sequence", precision="float64")
    for i in range(3, 5):
        found = used.run(*batch(i), learn=False, spikes=True)
        expected = anew.run(*batch(i), learn=False, spikes=True)
        assert len(found.spikes["a"][0]) > 10
        np.testing.assert_allclose(found.predictions, expected.predictions, rtol=1e-12)
        gradient = used.gradient
        for name, values in anew.gradient.items():
            np.testing.assert_allclose(
                gradient[name], values, rtol=1e-12, atol=1e-12, err_msg=f"{rule} {name}"
            )
        assert np.abs(gradient["a_a"]).max() > 1e-3


@pytest.mark.parametrize("update", ["sequence", 3])
@pytest.mark.parametrize("rule", ["rtrl", "snap-1", "eprop-adaptive", "random-paths-2", "dni"])
def test_a_seed_settles_all_that_comes_and_goes(rule: str, update: Any) -> None:
    if update != "sequence" and rule in ("random-paths-2", "dni"):
        return
    runs = []
    for _ in range(2):
        made = learner(rule, update=update)
        losses = [made.run(*batch(i)).loss for i in range(3)]
        runs.append((losses, made))
    (losses, one), (same, two) = runs
    assert losses == same
    for name, projection in one.projections.items():
        np.testing.assert_array_equal(projection.pre, two.projections[name].pre)
        np.testing.assert_array_equal(projection.weights, two.projections[name].weights)
    assert not np.array_equal(one.projections["a_a"].pre, network().projections["a_a"].pre)


def test_every_rule_either_follows_or_refuses() -> None:
    """No rule is forgotten here: all files of the room are named above."""
    named = {name.split("-")[0] for name in FOLLOW + AT_RANDOM + CANNOT}
    assert {name.split("-")[0] for name in registry.files("rules")} <= named


@pytest.mark.parametrize("rule", AT_RANDOM)
def test_rules_with_draws_or_memories_go_on(rule: str) -> None:
    loss = "cross_entropy" if rule == "reward-eprop" else "mse"
    used = learner(rule, loss=loss)
    for i in range(3):
        inputs, targets = batch(i)
        if loss == "cross_entropy":
            targets = np.eye(2)[np.arange(STEPS) % 2][None].repeat(BATCH, 0)
        assert np.isfinite(used.run(inputs, targets).loss)
    assert used.projections["a_a"].pre.size == network().projections["a_a"].pre.size


@pytest.mark.parametrize("rule", CANNOT)
def test_a_rule_that_cannot_follow_says_so_and_names_one_that_can(rule: str) -> None:
    with pytest.raises(BuildError, match=rf"the rule {rule}.* cannot follow.*nearest.*rtrl"):
        learner(rule)


def test_within_a_sequence_only_rules_of_plain_rows() -> None:
    with pytest.raises(BuildError, match=r"random-paths-2 .*between sequences only.*sequence"):
        learner("random-paths-2", update=4)


def test_other_refusals() -> None:
    class Frozen:
        def update(self, values: np.ndarray, gradient: np.ndarray) -> None: ...

    with pytest.raises(BuildError, match=r"cannot follow while synapses.*Adam"):
        learner(optimizer=Frozen())
    with pytest.raises(DescriptionError, match=r"projection that learns.*Did you mean 'a_y'"):
        learner(rewiring={"a_b": Turnover()})
    with pytest.raises(DescriptionError, match=r"not a way to rewire"):
        learner(rewiring=0.5)
    with pytest.raises(DescriptionError, match=r"rewiring: a_a.*not a way|not a way.*a_a"):
        learner(rewiring={"a_a": "deep_r"})


def test_feedback_weights_of_synapses_that_come_later() -> None:
    """One number for each synapse says nothing of others; a matrix does, and survivors keep it."""
    count = network().projections["a_y"].pre.size
    with pytest.raises(BuildError, match=r"feedback: a_y.*later.*matrix"):
        learner("eprop-random", feedback={"a_y": np.ones(count)})
    matrix = np.random.default_rng(0).normal(size=(6, 2))
    used = learner("eprop-random", feedback={"a_y": matrix})
    for i in range(3):
        used.run(*batch(i))
    anew = nr.Learner(
        used.network, "eprop-random", update="sequence", precision="float64",
        feedback={"a_y": matrix},
    )  # fmt: skip
    # What is put in for pairs without a synapse has random weights: of other pairs, made anew.
    used.run(*batch(5), learn=False)
    anew.run(*batch(5), learn=False)
    assert np.isfinite(used.gradient["a_a"]).all()
    np.testing.assert_allclose(used.gradient["a_y"], anew.gradient["a_y"], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("update", ["sequence", "step"])
def test_a_learner_goes_on_from_a_state_with_another_wiring(update: str) -> None:
    whole, first = learner(update=update), learner(update=update)
    losses = [whole.run(*batch(i)).loss for i in range(4)]
    for i in range(2):
        first.run(*batch(i))
    second = learner(update=update)
    second.restore(first.state())
    assert [second.run(*batch(i)).loss for i in (2, 3)] == losses[2:]
    for name, values in whole.parameters.items():
        np.testing.assert_array_equal(second.parameters[name], values)


def test_the_mask_forgets_the_past_at_the_start_of_a_sequence() -> None:
    """Influence that came through synapses that are gone ends with its sequence."""
    used = learner(update=5)
    for i in range(6):
        used.run(*batch(i))
    state = used.state()
    edges = state.arrays["/plastic/past"].shape[1]
    assert 0 < edges < 2 * network().projections["a_a"].pre.size
