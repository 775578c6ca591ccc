"""Synapses that come and go while sequences go on, against a dense twin that does the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.contracts_rewiring import Change, Synapses
from neuro_rtrl.network.rewired import absent_pairs
from tests.reference.changing import Life, changing

STEPS = 26
CHANGES = (5, 6, 13, 14, 15, 21)


@dataclass
class Shuffle:
    """At some updates a third of the synapses dies, and others are born, with weights at once."""

    at: tuple[int, ...] = CHANGES
    grow: float = 1.0
    log: list[tuple[int, Change]] = field(default_factory=list)

    def start(self, synapses: Synapses, rng: np.random.Generator) -> Shuffler:
        return Shuffler(self, rng)


class Shuffler:
    def __init__(self, options: Shuffle, rng: np.random.Generator) -> None:
        self.options, self.rng, self.updates = options, rng, 0

    def update(self, synapses: Synapses, gradient: np.ndarray) -> Change | None:
        self.updates += 1
        if self.updates not in self.options.at:
            return None
        keep = self.rng.random(synapses.pre.size) > 0.35
        count = round(self.options.grow * (~keep).sum())
        pre, post = absent_pairs(
            synapses.pre, synapses.post, synapses.shape, synapses.self_connections, count, self.rng
        )
        change = Change(keep, pre, post, self.rng.normal(0, 0.7, pre.size))
        self.options.log.append((self.updates, change))
        return change


def spiking(seed: int, model: str = "lif") -> nr.Network:
    """Two layers, recurrence, several delays, feedback from the second layer."""
    net = nr.Network(dt="1 ms", seed=seed)
    x = net.inputs(4, name="x")
    wide = {"shape": "triangle", "height": 0.5, "width": 0.8}
    a = net.neurons(5, model, name="a", surrogate=wide, refractory="2 ms", learn=["bias"])
    b = net.neurons(4, model, name="b", surrogate=wide)
    y = net.neurons(2, "leaky_readout", name="y")
    net.connect(x, a, weights="uniform(0.2, 0.9)", name="x_a", density=0.7)
    net.connect(a, a, density=0.4, weights="normal(0.1, 0.5)", delay=DELAY, name="a_a")
    net.connect(a, b, density=0.5, weights="normal(0.5, 0.5)", delay="2 ms", name="a_b")
    net.connect(b, a, density=0.3, weights="normal(0.1, 0.5)", name="b_a")
    net.connect(b, y, name="b_y")
    net.connect(a, y, name="a_y")
    return net


DELAY = "uniform(0 ms, 4 ms)"


def gated(seed: int) -> nr.Network:
    """Map models: arrivals are collected for the next update."""
    net = nr.Network(dt="1 ms", seed=seed)
    x = net.inputs(3, name="x")
    hidden = net.neurons(
        5, "egru", name="h", learn=["b_u", "theta"], theta="normal(-1, 1)",
        surrogate={"shape": "triangle", "height": 0.7, "width": 1.0},
    )  # fmt: skip
    y = net.neurons(2, "readout", name="y", learn=["bias"])
    for i, port in enumerate(("gate_u", "gate_r", "cand_x")):
        net.connect(x, hidden, port=port, name=f"x_{i}", density=0.8, weights="normal(0, 1)")
    for i, port in enumerate(("gate_u", "gate_r", "cand_h")):
        delay = "uniform(0 ms, 2 ms)" if i else "0 ms"
        net.connect(
            hidden, hidden, port=port, name=f"h_{i}", density=0.5, weights="normal(0, 1)",
            delay=delay,
        )  # fmt: skip
    net.connect(hidden, y, name="h_y")
    return net


def run_and_compare(net: nr.Network, names: tuple[str, ...], rule: str, grow: float = 1.0) -> None:
    rng = np.random.default_rng(net.seed)
    n = sum(p.n for p in net.populations.values() if p.model is None)
    inputs = (rng.random((STEPS, n)) < 0.5).astype(float)
    targets = rng.normal(size=(STEPS, 2))
    methods = {name: Shuffle(grow=grow) for name in names}
    learner = nr.Learner(net, rule=rule, update="step", precision="float64", rewiring=methods)
    lives, alive, found, predicted = _lives(learner, methods, inputs, targets)
    union = with_all(net, lives)
    predictions, gradients, twin = changing(union, lives, inputs, targets, "mse")
    np.testing.assert_allclose(predicted, predictions, rtol=1e-10, atol=1e-12)
    seen = 0.0
    for t in range(STEPS):
        expected = twin.learned.split(gradients[t])
        for name, values in found[t].items():
            wanted = expected[name]
            if name in lives:
                wanted = wanted[alive[t][name]]
                values = values[: wanted.size]
            np.testing.assert_allclose(values, wanted, rtol=1e-9, atol=1e-12, err_msg=name)
            seen = max(seen, float(np.abs(values).max(initial=0)))
    assert seen > 0.01
    assert any(events for _, events in _events(learner, inputs))


def _events(learner: Any, inputs: np.ndarray) -> list[tuple[str, int]]:
    spikes = learner.run(inputs[None], spikes=True, learn=False).spikes
    return [(name, len(steps)) for name, (steps, _) in spikes.items()]


def _lives(learner: Any, methods: Any, inputs: np.ndarray, targets: np.ndarray) -> Any:
    """Runs the learner and writes down every synapse's life, and what was found at each step.

    In the step of a change the gradient of those that stay is compared (the first ones), later
    that of all.
    """
    first = {name: learner.projections[name] for name in methods}
    rows = {
        name: [
            [int(i), int(j), int(m), float(w), 0, STEPS + 1]
            for i, j, m, w in zip(p.pre, p.post, p.delay, p.weights, strict=True)
        ]
        for name, p in first.items()
    }
    now = {name: np.arange(len(rows[name])) for name in methods}
    alive, found, predicted = [], [], []
    for t in range(STEPS):
        predicted.append(learner.step(inputs[t], targets[t]))
        found.append({k: v.copy() for k, v in learner.gradient.items()})
        stay = dict(now)
        for name, method in methods.items():
            if not method.log or method.log[-1][0] != t + 1:
                continue
            change = method.log[-1][1]
            for i in now[name][~change.keep]:
                rows[name][i][5] = t + 1
            stay[name] = now[name][change.keep]
            p, kept = learner.projections[name], int(change.keep.sum())
            fresh = range(len(rows[name]), len(rows[name]) + p.pre.size - kept)
            for i in range(kept, p.pre.size):
                rows[name].append(
                    [int(p.pre[i]), int(p.post[i]), int(p.delay[i]), float(p.weights[i]), t + 1,
                     STEPS + 1]
                )  # fmt: skip
            now[name] = np.concatenate([stay[name], np.array(fresh, int)])
        alive.append(stay)
    lives = {name: [Life(*row) for row in rows[name]] for name in methods}
    return lives, alive, found, np.array(predicted)


def with_all(net: nr.Network, lives: dict[str, list[Life]]) -> nr.Network:
    """The network with every synapse that there ever is."""
    made = nr.Network(dt=net.dt, seed=net.seed)
    made.populations = dict(net.populations)
    for name, projection in net.projections.items():
        if name not in lives:
            made.projections[name] = projection
            continue
        rows = lives[name]
        made.connect(
            projection.source, projection.target, name=name, port=projection.port.name,
            pairs=([r.pre for r in rows], [r.post for r in rows]),
            weights=np.array([r.weight for r in rows]),
            delay=np.array([r.delay for r in rows]) * net.dt,
        )  # fmt: skip
    return made


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rtrl_follows_as_the_dense_twin_does(seed: int) -> None:
    run_and_compare(spiking(seed), ("a_a", "a_b", "b_a", "x_a", "b_y"), "rtrl")


@pytest.mark.parametrize("grow", [0.0, 1.5])
def test_also_when_the_number_of_synapses_changes(grow: float) -> None:
    run_and_compare(spiking(4), ("a_a", "a_b", "x_a"), "rtrl", grow)


@pytest.mark.parametrize("seed", [1, 2])
def test_map_models_with_collected_arrivals(seed: int) -> None:
    run_and_compare(gated(seed), ("h_0", "h_1", "h_2", "x_0", "x_2", "h_y"), "rtrl")
