"""A rule whose tangents are the influence matrix itself, and small live networks without a twin."""

from __future__ import annotations

import functools

import numpy as np

import neuro_rtrl as nr
from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.tangent import TangentRule
from neuro_rtrl.engine.tangent_phase import Immediate
from neuro_rtrl.engine.tangent_storage import Shared
from neuro_rtrl.kernels.tangent import Tangents


class Columns:
    """One column of V for each learned value: what is immediate is simply added."""

    def __init__(self, built: Built, shared: Shared, rng: np.random.Generator) -> None:
        self.learned = np.flatnonzero(shared.learned)
        self.columns = self.learned.size
        self.place = np.full(built.values.size, -1)
        self.place[self.learned] = np.arange(self.columns)

    def restart(self) -> None:
        pass

    def absorb(self, tangents: Tangents, phase: Immediate) -> int:
        np.add.at(tangents.V, (phase.row, self.place[phase.parameter]), phase.value)
        return 0

    def gradient(self, weights: np.ndarray) -> np.ndarray:
        gradient = np.zeros(self.place.size)
        gradient[self.learned] = weights
        return gradient

    def kept(self) -> np.ndarray:
        return np.zeros(0)


# Real-time recurrent learning, by definition: J <- D J + I.
DENSE = TangentRule(name="dense", exactness="drops nothing", make=Columns)

RECURRENT = ("lif", "lif_current", "alif", "threshold_rnn", "egru", "vanilla", "gru", "lstm")


def network(seed: int = 3) -> nr.Network:
    """Two populations of different kinds, loops through both, delays, unit parameters, one readout.

    `alif` takes its arrivals at states, `egru` collects them; both reset.
    """
    net = nr.Network(dt="1 ms", seed=seed)
    x = net.inputs(3, name="x")
    h = net.neurons(4, "alif", name="h", learn=("bias",), surrogate={"width": 0.8})
    g = net.neurons(3, "egru", name="g", learn=("b_u",))
    y = net.neurons(1, "leaky_readout", name="y", learn=("bias",))
    net.connect(x, h, weights="normal(0.6, 0.4)")
    net.connect(h, h, weights="normal(0, 0.5)", delay="uniform(0 ms, 2 ms)")
    net.connect(h, g, port="cand_x", weights="normal(0.5, 1)")
    net.connect(g, g, port="gate_u", weights="normal(0, 1)", delay="1 ms")
    net.connect(g, h, weights="normal(0, 0.5)", density=0.7)
    net.connect(h, y, delay="1 ms")
    net.connect(g, y)
    return net


def data(batch: int = 1, steps: int = 20, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets for `network`, with steps without an error."""
    rng = np.random.default_rng(seed)
    inputs = (rng.random((batch, steps, 3)) < 0.5).astype(float)
    targets = rng.standard_normal((batch, steps, 1))
    targets[:, 5:10] = np.nan
    return inputs, targets


def flat(learner: nr.Learner) -> np.ndarray:
    """The gradient as one vector."""
    return np.concatenate([learner.gradient[name] for name in sorted(learner.gradient)])


@functools.cache
def exact() -> np.ndarray:
    """The exact gradient of `network` on `data`, and a check that it lives."""
    learner = nr.Learner(network(), rule="rtrl", precision="float64", update="sequence")
    learner.run(*data())
    assert learner.ledger.spikes > 30 and learner.ledger.densities["rows"] > 0.1
    assert all(abs(g).max() > 0 for g in learner.gradient.values())
    return flat(learner)


def draws(rule: str, count: int) -> np.ndarray:
    """(count, values) gradients of one and the same sequence, each with draws of its own."""
    learner = nr.Learner(network(), rule=rule, update="sequence")
    found = []
    for _ in range(count):
        learner.run(*data())
        found.append(flat(learner))
    return np.array(found)


def deviations(found: np.ndarray) -> np.ndarray:
    """(noisy values,) distance of the mean of draws from the exact gradient, in standard errors.

    Values that do not depend on the draws must be exact.
    """
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    size = np.linalg.norm(exact())
    noisy = error > 1e-10 * size
    assert noisy.sum() > 30
    distance = found.mean(axis=0) - exact()
    np.testing.assert_allclose(distance[~noisy], 0.0, atol=1e-9 * size)
    return abs(distance[noisy]) / error[noisy]


def random_small(rng: np.random.Generator) -> tuple[nr.Network, np.ndarray, np.ndarray]:
    """One or two recurrent populations of any model, delays; cheap enough for a thousand of them.

    It may well be silent, or saturated.
    """
    net = nr.Network(dt="1 ms", seed=int(rng.integers(2**31)))
    x = net.inputs(2, name="x")
    names = rng.choice(RECURRENT, rng.integers(1, 3))
    hidden = [net.neurons(int(rng.integers(2, 5)), str(n)) for n in names]
    y = net.neurons(2, "leaky_readout", name="y")
    for a in [x, *hidden]:
        for b in hidden:
            port = str(rng.choice(list(b.model.ports)))
            steps = int(rng.integers(0, 3))
            weights = f"normal({0.6 if a is x else 0}, {rng.uniform(0.3, 1.2)})"
            net.connect(a, b, port=port, weights=weights, delay=f"{steps} ms")
    for a in hidden:
        net.connect(a, y, delay=f"{int(rng.integers(0, 2))} ms")
    inputs = (rng.random((1, 16, 2)) < 0.6) * rng.uniform(0.5, 1.5, (1, 16, 2))
    targets = rng.standard_normal((1, 16, 2))
    targets[:, 3:6] = np.nan
    return net, inputs, targets
