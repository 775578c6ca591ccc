"""`dni`: predicted credit in closed form, credit that is learned, and what it is good for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.contracts import Rule
from neuro_rtrl.rules.dni import RATE, RULE

LINEAR = """
summary = "Linear rate unit"
reference = "made for a test, 2024"
equations = '''
h[t+1] = drive : 1
'''
output = "h"
[states]
h = { initial = 0, meaning = "activity" }
[inputs]
drive = { unit = "1", meaning = "what arrived" }
[synapses]
drive = "drive += w"
"""
UNITS, OUTPUTS = 4, 2


@pytest.fixture
def net(tmp_path: Path) -> nr.Network:
    """x -> h <-> h -> y, all linear, with a loop that forgets."""
    file = tmp_path / "linear.toml"
    file.write_text(LINEAR)
    made = nr.Network(seed=1)
    x, h = made.inputs(2, name="x"), made.neurons(UNITS, file, name="h")
    y = made.neurons(OUTPUTS, "readout", name="y")
    made.connect(x, h, name="in")
    made.connect(h, h, name="loop")
    made.connect(h, y, name="out")
    loop = np.random.default_rng(3).standard_normal((UNITS, UNITS))
    loop *= 0.8 / np.abs(np.linalg.eigvals(loop)).max()
    made.projections["loop"].weights[:] = loop.ravel()
    return made


def exact(net: nr.Network) -> np.ndarray:
    """A in closed form: h' = W a, and L = |C h - y*|^2 / outputs at all later steps.

    Without more input h_{t+1+k} = M^k a_t: c_a = sum_k (M^k)^T 2/n C^T (C M^k a - y*).
    """
    loop, out = net.projections["loop"], net.projections["out"]
    M, C = np.zeros((UNITS, UNITS)), np.zeros((OUTPUTS, UNITS))
    M[loop.post, loop.pre] = loop.weights
    C[out.post, out.pre] = out.weights
    states, width = UNITS + OUTPUTS, 2 * UNITS + 2 * OUTPUTS + 1
    A, power = np.zeros((states + UNITS, width)), np.eye(UNITS)
    for _ in range(400):
        back = 2 / OUTPUTS * power.T @ C.T
        A[states:, states : states + UNITS] += back @ C @ power
        A[states:, states + UNITS : -1] -= back
        power = M @ power
    return A


def learner(net: nr.Network, rule: str) -> nr.Learner:
    return nr.Learner(net, rule=rule, precision="float64", update="sequence")


def matrix(one: nr.Learner) -> np.ndarray:
    return one._session.shared.matrix


def cosine(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> float:
    x, y = (np.concatenate([g[k] for k in sorted(g)]) for g in (a, b))
    return float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))


def test_it_says_what_it_is() -> None:
    rule: Rule = RULE
    assert (rule.name, rule.online, RATE) == ("dni", 1, 0.002)
    assert "delays" in rule.exactness


def test_with_the_exact_predictor_the_gradient_is_that_of_bptt(net: nr.Network) -> None:
    """An impulse at the start, constant targets: later credit is linear in states and targets."""
    inputs = np.zeros((1, 300, 2))
    inputs[0, 0] = 1.0, -0.7
    targets = np.broadcast_to([0.4, -0.3], (1, 300, OUTPUTS))
    found, wanted, short = (learner(net, rule) for rule in ("dni", "bptt", "tbptt-1"))
    A = matrix(found)
    A[:] = exact(net)
    for one in (found, wanted, short):
        one.run(inputs, targets)
    for name, array in wanted.gradient.items():
        size = abs(array).max()
        np.testing.assert_allclose(found.gradient[name], array, rtol=0, atol=1e-10 * size)
    assert abs(short.gradient["loop"] - wanted.gradient["loop"]).max() > 0.1 * size
    # The exact predictor agrees with its own targets, so it has nothing to learn.
    np.testing.assert_allclose(A, exact(net), rtol=0, atol=1e-12)


def test_the_predictor_is_learned(net: nr.Network) -> None:
    """On white noise it comes near to the closed form, and the gradient near to that of bptt."""
    rng = np.random.default_rng(4)
    one, wanted, short = (learner(net, rule) for rule in ("dni", "bptt", "tbptt-1"))

    def data(steps: int) -> tuple[np.ndarray, np.ndarray]:
        targets = np.repeat(rng.standard_normal((1, steps // 100, OUTPUTS)), 100, axis=1)
        return rng.standard_normal((1, steps, 2)), targets

    one.run(*data(60_000))
    test = data(3000)
    for learning in (one, wanted, short):
        learning.run(*test)
    near = cosine(one.gradient, wanted.gradient)
    assert near > 0.98
    assert cosine(short.gradient, wanted.gradient) < near - 0.02


def test_delayed_events_have_no_credit(net: nr.Network) -> None:
    """As the statement says: through a delay the gradient is that of windows of one step."""
    for name in ("in", "loop"):
        net.projections[name].delay[:] = 2
    rng = np.random.default_rng(5)
    inputs, targets = rng.standard_normal((1, 50, 2)), rng.standard_normal((1, 50, OUTPUTS))
    one, short = learner(net, "dni"), learner(net, "tbptt-1")
    for learning in (one, short):
        learning.run(inputs, targets)
    np.testing.assert_array_equal(one.gradient["out"], short.gradient["out"])
    np.testing.assert_array_equal(one.gradient["loop"], short.gradient["loop"])
    assert matrix(one).any()


def test_it_goes_step_by_step_and_keeps_what_it_knows(net: nr.Network) -> None:
    rng = np.random.default_rng(6)
    inputs, targets = rng.standard_normal((1, 40, 2)), rng.standard_normal((1, 40, OUTPUTS))
    whole, steps, online = (learner(net, "dni") for _ in range(3))
    whole.run(inputs, targets)
    for x, y in zip(inputs[0], targets[0], strict=True):
        steps.step(x, y)
    online = nr.Learner(net, rule="dni", precision="float64", update=7)
    online.run(inputs, targets)
    np.testing.assert_allclose(steps.gradient["loop"], whole.gradient["loop"], rtol=1e-12)
    np.testing.assert_allclose(matrix(steps), matrix(whole), rtol=1e-12)
    np.testing.assert_allclose(matrix(online), matrix(whole), rtol=1e-12)
    before = matrix(whole).copy()
    assert before.any()
    whole.reset()
    np.testing.assert_array_equal(matrix(whole), before)


def test_sequences_do_not_teach_across_their_ends(net: nr.Network) -> None:
    """A batch: the predictor learns from pairs of steps of the same sequence only."""
    rng = np.random.default_rng(7)
    inputs, targets = rng.standard_normal((9, 1, 2)), rng.standard_normal((9, 1, OUTPUTS))
    one = learner(net, "dni")
    one.run(inputs, targets)
    assert not matrix(one).any()
    one.run(inputs.reshape(3, 3, 2), targets.reshape(3, 3, OUTPUTS))
    assert matrix(one).any()


def test_large_features_do_not_make_it_overshoot(net: nr.Network) -> None:
    rng = np.random.default_rng(8)
    one = learner(net, "dni")
    one.run(1e3 * rng.standard_normal((1, 2000, 2)), rng.standard_normal((1, 2000, OUTPUTS)))
    assert np.abs(matrix(one)).max() < 1e3


def test_it_learns_better_than_windows_of_one_step() -> None:
    """To say what came in two steps ago, the loop has to learn to hold it."""
    losses: dict[str, list[float]] = {"dni": [], "tbptt-1": []}
    for rule, found in losses.items():
        for seed in range(3):
            net, rng = nr.Network(seed=seed), np.random.default_rng(seed)
            x, h, y = net.inputs(1), net.neurons(4, "vanilla"), net.neurons(1, "readout")
            net.connect(x, h, weights="normal(0, 0.5)")
            net.connect(h, h, weights="normal(0, 0.1)")
            net.connect(h, y)
            one = nr.Learner(net, rule=rule, optimizer=nr.Sgd(3e-3), precision="float64")
            inputs = rng.choice([-1.0, 1.0], (1, 12_000, 1))
            result = one.run(inputs, np.roll(inputs, 2, axis=1))
            found.append(float(result.losses[0, -2000:].mean()))
    assert all(a < b for a, b in zip(losses["dni"], losses["tbptt-1"], strict=True))
    assert np.mean(losses["dni"]) < 0.4 * np.mean(losses["tbptt-1"])
