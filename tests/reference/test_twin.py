"""The twin itself: against formulas written out by hand, and against finite differences.

The two sides share nothing but the question: the first test runs dense RTRL as a recursion of
matrices for one model; the second moves each learned value and looks at the loss.
"""

from __future__ import annotations

import numpy as np
import pytest

import neuro_rtrl as nr
from tests.reference.twin import LOSSES, twin

TAU_M, TAU_Y, DT, HEIGHT, WIDTH = 8e-3, 15e-3, 1e-3, 0.4, 0.6


def small_lif(rng: np.random.Generator) -> nr.Network:
    """Two inputs, three units, one readout; all to all, delta synapses, reset to zero."""
    net = nr.Network(dt="1 ms", seed=1)
    x = net.inputs(2, name="x")
    surrogate = {"height": HEIGHT, "width": WIDTH}
    h = net.neurons(3, "lif", name="h", tau_m="8 ms", surrogate=surrogate)
    y = net.neurons(1, "leaky_readout", name="y", tau="15 ms")
    net.connect(x, h, weights=rng.normal(0.3, 0.5, (2, 3)))
    net.connect(h, h, weights=rng.normal(0.2, 0.6, (3, 3)))
    net.connect(h, y, weights=rng.normal(0, 1, (3, 1)))
    return net


def dense(net: nr.Network, inputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, ...]:
    """RTRL of `small_lif` with P (units, p) as a full matrix: (predictions, gradient, spikes).

    flow v <- alpha v, P <- alpha P; spike s = H(v - 1), q = psi P; arrivals v += W^T s,
    P += W^T q and + s_l (x_i) in the column of a unit's own weight; reset v <- (1 - s) v,
    P <- (1 - s) P - v q.
    """
    U, W, V = (net.projections[name].weights for name in ("x_h", "h_h", "h_y"))
    U, W, V = U.reshape(2, 3), W.reshape(3, 3), V.reshape(3, 1)
    alpha, kappa = np.exp(-DT / TAU_M), np.exp(-DT / TAU_Y)
    v, y, P, Py = np.zeros(3), np.zeros(1), np.zeros((3, 18)), np.zeros((1, 18))
    predictions, spikes, g = [], [], np.zeros(18)
    for x, target in zip(inputs, targets, strict=True):
        v, P, y, Py = alpha * v, alpha * P, kappa * y, kappa * Py
        s = (v > 1.0).astype(float)
        a = np.abs(v - 1.0) / WIDTH
        q = (HEIGHT * np.where(a < 1, 1 - a, 0))[:, None] * P
        v, P = v + U.T @ x + W.T @ s, P + W.T @ q
        y, Py = y + V.T @ s, Py + V.T @ q
        for k in range(3):
            P[k, k:6:3] += x
            P[k, 6 + k : 15 : 3] += s
        Py[0, 15:] += s
        P = (1 - s)[:, None] * P - v[:, None] * q
        v = (1 - s) * v
        g += 2 * (y - target) @ Py
        predictions.append(y)
        spikes.append(s)
    return np.array(predictions), g, np.array(spikes)


def test_the_formulas_of_one_model(rng: np.random.Generator) -> None:
    net = small_lif(rng)
    inputs = (rng.random((40, 2)) < 0.5).astype(float)
    targets = rng.normal(size=(40, 1))
    found = twin(net, inputs, targets)
    predictions, gradient, spikes = dense(net, inputs, targets)
    assert 10 < spikes.sum() < 100
    assert found.live["h"].sum() > spikes.sum()
    np.testing.assert_array_equal(found.spikes["h"], spikes)
    np.testing.assert_allclose(found.predictions, predictions, rtol=1e-13, atol=1e-14)
    together = np.concatenate([found.gradient[name] for name in ("x_h", "h_h", "h_y")])
    np.testing.assert_allclose(together, gradient, rtol=0, atol=1e-12 * abs(gradient).max())


def smooth(rng: np.random.Generator) -> nr.Network:
    """Graded events that depend smoothly on everything: psi is 0 unless g is tiny.

    With the support of the surrogate this narrow, the loss is a smooth function of what is
    learned as long as no spike comes or goes, and the gradient is the true one.
    """
    net = nr.Network(dt="1 ms", seed=1)
    x = net.inputs(2, name="x")
    h = net.neurons(
        4,
        "egru",
        name="h",
        theta=rng.normal(-1.5, 0.3, 4),
        surrogate={"shape": "boxcar", "width": 1e-9},
        learn=("b_u", "b_c", "theta"),
    )
    y = net.neurons(2, "leaky_readout", name="y", learn=("bias",))
    for port in ("cand_x", "gate_u"):
        net.connect(x, h, port=port, weights=rng.normal(0.5, 1, (2, 4)), name=f"in_{port}")
    for port, delay in (("cand_h", "2 ms"), ("gate_r", "0 ms")):
        weights = rng.normal(0, 1, (4, 4))
        net.connect(h, h, port=port, weights=weights, delay=delay, name=f"re_{port}")
    net.connect(h, y, weights=rng.normal(0, 1, (4, 2)), name="out", delay="1 ms")
    return net


def places(net: nr.Network) -> dict[str, np.ndarray]:
    """Learned name -> the array in the description; changing it changes the network."""
    found = {name: p.weights for name, p in net.projections.items() if p.learn}
    for name, group in net.populations.items():
        found |= {f"{name}.{k}": group.parameters[k] for k in group.learn}
    return found


def moved(name: str = "", index: int = 0, by: float = 0.0) -> nr.Network:
    """`smooth`, always the same, but for one learned value."""
    net = smooth(np.random.default_rng(5))
    for group in net.populations.values():
        for key in group.learn:
            full = np.broadcast_to(np.asarray(group.parameters[key], float), group.n).copy()
            group.parameters[key] = full
    if name:
        places(net)[name][index] += by
    return net


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_finite_differences(loss: str, rng: np.random.Generator) -> None:
    inputs, targets = rng.normal(size=(15, 2)), rng.random((15, 2))
    targets /= targets.sum(axis=1, keepdims=True)
    targets[:5] = np.nan
    found = twin(moved(), inputs, targets, loss)
    assert found.spikes["h"].sum() > 10
    assert not found.live["h"].any()
    for name, gradient in found.gradient.items():
        for i in range(len(gradient)):
            above, below = (twin(moved(name, i, by), inputs, targets, loss) for by in (1e-5, -1e-5))
            np.testing.assert_array_equal(above.spikes["h"], below.spikes["h"])
            slope = (above.loss - below.loss) / 2e-5
            assert gradient[i] == pytest.approx(slope, rel=1e-5, abs=1e-7), (name, i)
