"""Two published e-prop experiments, step by step, in double precision.

The recipes by which Korcsak-Gorzo et al. (arXiv 2511.21674) compare simulators: e-prop of Bellec et
al. 2020 (Nature Communications 11:3625) with random feedback, a rate regularisation and no gradient
through the reset. One unit (beta = 0 without adaptation), with z the spikes and bars for filters:

    zbar = alpha zbar + zeta z_{t-1},   a = rho a + z_{t-1}
    v    = alpha v + zeta (W_in x + W_rec z_{t-1}) - theta z_{t-1}
    A    = theta + beta a,              z = [v >= A]  unless refractory
    psi  = (0.3/theta) max(0, 1 - |v - A|/theta)      0 while refractory
    e    = psi (zbar - beta eps),       eps = psi zbar + (rho - psi beta) eps
    y    = kappa y + (1 - kappa) W_out z

    dW_rec = sum_t L (kappa-filtered e) + 300 (rate - 0.01)/T sum_t e,   L = B (y - y*)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Arrays = dict[str, np.ndarray]
FILTERED = ("in", "recurrent")


@dataclass(frozen=True)
class Setup:
    """The constants of an experiment; `window` are the steps at the end that have an error."""

    alpha: float
    kappa: float
    rho: float
    zeta: float
    theta: float
    beta: np.ndarray
    refractory: int
    softmax: bool
    window: int


def pattern(units: int = 100) -> Setup:
    """Pattern generation: units without adaptation, membrane and readout at 30 ms."""
    alpha = np.exp(-1 / 30)
    return Setup(alpha, alpha, 0.0, 1 - alpha, 0.03, np.zeros(units), 0, False, 1000)


def evidence() -> Setup:
    """Evidence accumulation: 50 units without and 50 with adaptation (2 s), refractory for 5 ms."""
    alpha, rho = np.exp(-1 / 20), np.exp(-1 / 2000)
    beta = np.repeat([0.0, 1.7 * (1 - rho) / (1 - alpha)], 50)
    return Setup(alpha, alpha, rho, 1.0, 0.6, beta, 5, True, 150)


def sequence(
    setup: Setup, weights: Arrays, x: np.ndarray, target: np.ndarray, c_rate: float = 300.0
) -> tuple[Arrays, float, np.ndarray]:
    """One sequence from rest.

    Args:
        weights: "in", "recurrent", "out" and "feedback", all (from, to).
        x: (steps, inputs).
        target: (steps, outputs).
        c_rate: strength of the rate regularisation.

    Returns:
        Gradients in the shapes of the weights, the loss summed over steps, spikes (steps, units).
    """
    into, recurrent, out = (weights[name].T for name in ("in", "recurrent", "out"))
    steps, inputs, units = len(x), x.shape[1], len(setup.beta)
    v, a, z, wait, late = (np.zeros(units) for _ in range(5))
    bars, y = np.zeros(inputs + units), np.zeros(out.shape[0])
    eps, filtered, total, credit = (np.zeros((units, inputs + units)) for _ in range(4))
    d_out, loss, spikes = np.zeros_like(out), 0.0, np.zeros((steps, units))
    beta = setup.beta[:, None]
    for t in range(steps):
        bars = setup.alpha * bars + setup.zeta * np.concatenate([x[t], z])
        a = setup.rho * a + z
        v = setup.alpha * v + setup.zeta * (into @ x[t] + recurrent @ z) - setup.theta * z
        distance = (v - setup.theta - setup.beta * a) / setup.theta
        free = wait <= 0
        psi = (0.3 / setup.theta * np.maximum(0, 1 - np.abs(distance)) * free)[:, None]
        z = ((distance >= 0) & free).astype(float)
        wait = np.clip(wait + setup.refractory * z - 1, 0, setup.refractory)
        e = psi * (bars - beta * eps)
        eps = psi * bars + (setup.rho - psi * beta) * eps
        filtered = setup.kappa * filtered + (1 - setup.kappa) * e
        total, spikes[t] = total + e, z
        y = setup.kappa * y + (1 - setup.kappa) * out @ z
        late = setup.kappa * late + (1 - setup.kappa) * z
        if t >= steps - setup.window:
            cost, error = cost_and_error(setup, y, target[t])
            loss += cost
            credit += (weights["feedback"] @ error)[:, None] * filtered
            d_out += np.outer(error, late)
    credit += c_rate * (spikes.mean(axis=0) - 0.01)[:, None] / steps * total
    d_recurrent = credit[:, inputs:] * (1 - np.eye(units))
    return {"in": credit[:, :inputs].T, "recurrent": d_recurrent.T, "out": d_out.T}, loss, spikes


def cost_and_error(setup: Setup, y: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray]:
    """Loss of a step and its derivative by the output."""
    if not setup.softmax:
        return float(0.5 * np.sum((y - target) ** 2)), y - target
    p = np.exp(y - y.max())
    p /= p.sum()
    return float(-np.log(p) @ target), p - target


def descend(weights: Arrays, gradients: Arrays, rate: float = 1e-4) -> None:
    """Plain gradient descent, in place."""
    for name, gradient in gradients.items():
        weights[name] -= rate * gradient


class AdamSteps:
    """Adam with the bias corrections in the step (Kingma & Ba 2015, end of section 2)."""

    def __init__(self, rate: float = 5e-3) -> None:
        self.rate, self.t = rate, 0
        self.m: Arrays = {}
        self.v: Arrays = {}

    def descend(self, weights: Arrays, gradients: Arrays) -> None:
        """One step, in place."""
        self.t += 1
        rate = self.rate * np.sqrt(1 - 0.999**self.t) / (1 - 0.9**self.t)
        for name, g in gradients.items():
            self.m[name] = 0.9 * self.m.get(name, 0.0) + 0.1 * g
            self.v[name] = 0.999 * self.v.get(name, 0.0) + 0.001 * g * g
            weights[name] -= rate * self.m[name] / (np.sqrt(self.v[name]) + 1e-8)
