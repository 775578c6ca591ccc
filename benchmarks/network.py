"""The network that everybody gets: weights, inputs and targets, as plain arrays.

n leaky integrate-and-fire units (tau 20 ms, threshold 1, reset to 0, dt 1 ms; no delays), 100
inputs that are active in 2 % of the steps, a leaky readout with two outputs and a target
(sum of sines) at every step. Surrogate: triangle of height 0.3 and half-width 0.3.

Gain search: weights are normal with standard deviation gain / sqrt(fan-in) for the inputs and half
of that for the recurrent ones. The gain is found by bisection (20 halvings between 0.05 and 50) so
that in 500 steps the wanted share of unit-steps spikes (or, if so asked, has psi != 0).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import neuro_rtrl as nr

INPUTS, INPUT_RATE, OUTPUTS = 100, 0.02, 2
TAU_MS, HEIGHT, WIDTH = 20.0, 0.3, 0.3
SEARCH_STEPS, HALVINGS = 500, 20


@dataclass(frozen=True)
class Case:
    """A size to measure; `live` replaces `rate` as the aim of the gain search."""

    n: int
    density: float
    input_density: float
    rate: float = 0.03
    live: float | None = None
    width: float = WIDTH

    @property
    def name(self) -> str:
        """As in tables: "256 units, 10 %"."""
        inputs = "" if self.input_density == self.density else f", inputs {self.input_density:.0%}"
        return f"{self.n} units, {self.density:.0%}{inputs}"


@dataclass(frozen=True)
class Problem:
    """Weights (dense, zero where there is no synapse), inputs (T, 100), targets (T, 2)."""

    case: Case
    w_in: np.ndarray
    w_rec: np.ndarray
    w_out: np.ndarray
    x: np.ndarray
    target: np.ndarray
    rate: float
    live: float

    @property
    def alpha(self) -> float:
        """Decay of a membrane in one step."""
        return float(np.exp(-1.0 / TAU_MS))

    @property
    def parameters(self) -> int:
        """Synapses; all of them learn."""
        return sum(int(np.count_nonzero(w)) for w in (self.w_in, self.w_rec, self.w_out))

    def cut(self, steps: int) -> Problem:
        """The same with the first `steps` steps."""
        return self.with_stream(self.x[:steps], self.target[:steps])

    def with_stream(self, x: np.ndarray, target: np.ndarray) -> Problem:
        """The same network with other inputs and targets."""
        c = self.case
        return Problem(c, self.w_in, self.w_rec, self.w_out, x, target, self.rate, self.live)

    def save(self, path: Path) -> None:
        """For peers in other environments."""
        np.savez(
            path, w_in=self.w_in, w_rec=self.w_rec, w_out=self.w_out, x=self.x, target=self.target,
            alpha=self.alpha, height=HEIGHT, width=self.case.width,
        )  # fmt: skip


def psi(v: np.ndarray, width: float = WIDTH) -> np.ndarray:
    """Triangle around the threshold 1."""
    return HEIGHT * np.maximum(0.0, 1.0 - np.abs(v - 1.0) / width)


def activity(
    w_in: np.ndarray, w_rec: np.ndarray, x: np.ndarray, width: float, jump: float | None = None
) -> tuple[float, float]:
    """Shares of unit-steps with a spike, and with psi != 0; a reset to 0, or by a `jump`."""
    n, alpha = w_rec.shape[0], np.exp(-1.0 / TAU_MS)
    v = np.zeros(n)
    spikes = live = 0
    for row in x:
        v *= alpha
        now = np.flatnonzero(v > 1.0)
        spikes += now.size
        live += int(np.count_nonzero(np.abs(v - 1.0) < width))
        v += w_in[row != 0.0].sum(axis=0) + w_rec[now].sum(axis=0)
        v[now] = 0.0 if jump is None else v[now] - jump
    return spikes / (n * len(x)), live / (n * len(x))


def _drawn(rng: np.random.Generator, pre: int, post: int, density: float) -> np.ndarray:
    there = rng.random((pre, post)) < density
    scale = 1.0 / np.sqrt(max(1.0, density * pre))
    return np.asarray(np.where(there, rng.normal(size=(pre, post)) * scale, 0.0))


def stream(rng: np.random.Generator, steps: int, rate: float = INPUT_RATE) -> np.ndarray:
    """Inputs: (steps, 100) of 0 and 1."""
    return (rng.random((steps, INPUTS)) < rate).astype(np.float64)


def sines(steps: int) -> np.ndarray:
    """Targets: (steps, 2)."""
    t = np.arange(steps)[:, None] / 1000.0
    return np.sin(2 * np.pi * t * np.array([2.0, 5.0])) + 0.3 * np.sin(2 * np.pi * t * 11.0)


def make(case: Case, steps: int = 1000, seed: int = 1) -> Problem:
    """Draw a network, find its gain, draw its input."""
    rng = np.random.default_rng(seed)
    w_in = _drawn(rng, INPUTS, case.n, case.input_density)
    w_rec = 0.5 * _drawn(rng, case.n, case.n, case.density)
    w_out = _drawn(rng, case.n, OUTPUTS, 1.0)
    x = stream(rng, max(steps, SEARCH_STEPS))
    wanted, which = (case.rate, 0) if case.live is None else (case.live, 1)
    low, high = 0.05, 50.0
    for _ in range(HALVINGS):
        gain = float(np.sqrt(low * high))
        found = activity(gain * w_in, gain * w_rec, x[:SEARCH_STEPS], case.width)
        low, high = (gain, high) if found[which] < wanted else (low, gain)
    # The lower end: a bound on the share of live units is kept.
    rate, live = activity(low * w_in, low * w_rec, x[:SEARCH_STEPS], case.width)
    return Problem(case, low * w_in, low * w_rec, w_out, x[:steps], sines(steps), rate, live)


def describe(problem: Problem, **options: Any) -> nr.Network:
    """The problem as a network of the package; `options` of its hidden units (another reset)."""
    n = problem.case.n
    net = nr.Network(dt="1 ms", seed=1)
    x = net.inputs(INPUTS, name="x")
    triangle = nr.Surrogate("triangle", HEIGHT, problem.case.width)
    hidden = net.neurons(
        n, "lif", name="hidden", tau_m=f"{TAU_MS} ms", surrogate=triangle, **options
    )
    y = net.neurons(OUTPUTS, "leaky_readout", name="y", tau=f"{TAU_MS} ms")
    for name, source, target, w in (
        ("in", x, hidden, problem.w_in),
        ("rec", hidden, hidden, problem.w_rec),
        ("out", hidden, y, problem.w_out),
    ):
        pre, post = np.nonzero(w)
        net.connect(source, target, pairs=(pre, post), weights=w[pre, post], name=name)
    return net


def as_matrices(net: nr.Network, gradient: dict[str, np.ndarray]) -> list[np.ndarray]:
    """A learner's gradient as dense matrices of in, rec, out."""
    found = []
    for name in ("in", "rec", "out"):
        projection = net.projections[name]
        dense = np.zeros((projection.source.n, projection.target.n))
        dense[projection.pre, projection.post] = gradient[name]
        found.append(dense)
    return found


def relative_error(given: list[np.ndarray], reference: list[np.ndarray]) -> float:
    """|given - reference| / |reference| over all parameters."""
    a, b = (np.concatenate([np.ravel(part) for part in parts]) for parts in (given, reference))
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def cosine(given: list[np.ndarray], reference: list[np.ndarray]) -> float:
    """Cosine of the angle between two gradients."""
    a, b = (np.concatenate([np.ravel(part) for part in parts]) for parts in (given, reference))
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
