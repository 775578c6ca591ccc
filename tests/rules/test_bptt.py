"""The rule `bptt`: its tape, its counts, and what stops it. Its gradient has tests of its own."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.contracts import Rule
from neuro_rtrl.engine import stream as streams
from neuro_rtrl.engine.build import build
from neuro_rtrl.errors import SimulationError
from neuro_rtrl.learner import Learner
from neuro_rtrl.network.describe import Network
from neuro_rtrl.rules._windows import make_tape
from neuro_rtrl.rules.bptt import RULE


def network() -> Network:
    net = Network(dt="1 ms", seed=4)
    x, h = net.inputs(3, name="x"), net.neurons(6, "alif", name="h", learn=("bias",))
    y = net.neurons(2, "leaky_readout", name="y")
    net.connect(x, h, weights="normal(0.6, 0.4)")
    net.connect(h, h, delay="uniform(0 ms, 2 ms)")
    net.connect(h, y)
    return net


def data(steps: int, batch: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(steps)
    inputs = (rng.random((batch, steps, 3)) < 0.5).astype(float)
    return inputs, rng.standard_normal((batch, steps, 2))


def learner() -> Learner:
    return Learner(network(), rule="bptt", update="sequence")


def test_it_says_what_it_is() -> None:
    rule: Rule = RULE
    assert rule.name == "bptt" and not rule.online
    assert rule.prepare(None).matrix.size == 0
    assert "drops nothing" in rule.exactness


def test_sequences_of_different_lengths() -> None:
    """A tape that is too short is made anew, and what it counts goes on."""
    one = learner()
    for steps in (5, 20, 5):
        one.run(*data(steps))
        fresh = learner()
        fresh.run(*data(steps))
        for name, gradient in fresh.gradient.items():
            np.testing.assert_array_equal(one.gradient[name], gradient)
    assert one.ledger.steps == 2 * (5 + 20 + 5)


def test_counts_by_hand() -> None:
    """One spike through a chain of one unit each; three events pass one synapse each.

    The way back takes 2 multiply-adds for each of them, and 1 for each of 3 units in 3 steps.
    """
    net = Network(dt="1 ms")
    x, a = net.inputs(1), net.neurons(1, "lif")
    b, y = net.neurons(1, "lif"), net.neurons(1, "leaky_readout")
    for source, target in ((x, a), (a, b), (b, y)):
        net.connect(source, target, weights=2.0)
    one = Learner(net, rule="bptt", update="sequence")
    one.run([[[1.0], [0.0], [0.0]]], [[[np.nan], [np.nan], [5.0]]])
    ledger = one.ledger
    assert (ledger.steps, ledger.spikes, ledger.sensitive) == (3, 2, 2)
    assert ledger.multiply_adds == 3 * 2 + 3 * 3
    assert ledger.densities == {"rows": pytest.approx(2 / 6), "columns": 0.0, "mask": 0.0}


def test_it_counts_events_as_rtrl_does() -> None:
    ledgers = []
    for rule in ("bptt", "rtrl"):
        one = Learner(network(), rule=rule, update="sequence")
        one.run(*data(30))
        ledgers.append(one.ledger)
    bptt, rtrl = ledgers
    assert bptt.steps == rtrl.steps == 60
    assert (bptt.spikes, bptt.sensitive) == (rtrl.spikes, rtrl.sensitive)
    assert bptt.densities["rows"] == rtrl.densities["rows"]
    assert 0 < bptt.multiply_adds < rtrl.multiply_adds


def test_the_tape_grows_with_the_steps() -> None:
    built, counts = build(network()), np.zeros(9, np.int64)
    short, long = (make_tape(built, steps, counts) for steps in (10, 20))
    assert long.before.shape == (21, 14) and long.slope.shape == (20, 2)
    sizes = [
        sum(a.nbytes for n, a in t._asdict().items() if n[:5] != "entry") for t in (short, long)
    ]
    assert 1.8 < sizes[1] / sizes[0] < 2.0


def test_a_full_record_of_spikes_is_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = learner()
    wanted = whole.run(*data(30), spikes=True).spikes["h"]
    monkeypatch.setattr(streams, "RECORD_EVENTS", 3)
    parts = learner()
    found = parts.run(*data(30), spikes=True).spikes["h"]
    assert wanted[0].size > 12
    np.testing.assert_array_equal(found, wanted)
    for name, gradient in whole.gradient.items():
        np.testing.assert_array_equal(parts.gradient[name], gradient)


def test_a_state_that_overflows_is_named() -> None:
    one, fresh = learner(), learner()
    inputs, targets = data(30)
    with pytest.raises(SimulationError, match=r"unit \d+, step 30 or shortly before"):
        one.run(inputs * 1.7e308, targets)
    one.run(inputs, targets)
    fresh.run(inputs, targets)
    for name, gradient in fresh.gradient.items():
        np.testing.assert_array_equal(one.gradient[name], gradient)
