"""KF-RTRL: right on average, and nearer than UORO in each draw."""

from __future__ import annotations

import numpy as np

import neuro_rtrl as nr
from neuro_rtrl.rules.kf_rtrl import RULE
from tests.reference.tangents import data, deviations, draws, exact, flat


def test_it_says_what_it_is() -> None:
    assert RULE.name == "kf-rtrl" and RULE.online and "unbiased" in RULE.exactness


def test_the_mean_of_draws_is_the_exact_gradient() -> None:
    distance = deviations(draws("kf-rtrl", 300))
    assert distance.max() < 4.5 and 0.5 < np.sqrt((distance**2).mean()) < 1.5


def test_its_variance_is_less_than_that_of_uoro() -> None:
    kf, uoro = (((draws(rule, 50) - exact()) ** 2).sum() for rule in ("kf-rtrl", "uoro"))
    assert kf < 0.5 * uoro


def test_one_phase_is_exact() -> None:
    """What a single phase adds is one Kronecker product: no noise at all until the next."""
    net = nr.Network(dt="1 ms", seed=2)
    x, h = net.inputs(3, name="x"), net.neurons(4, "lif", name="h", surrogate={"width": 3.0})
    y = net.neurons(1, "leaky_readout", name="y")
    net.connect(x, h, weights="normal(0.3, 0.2)")
    net.connect(h, y)
    inputs = np.zeros((1, 8, 3))
    inputs[0, 1] = [1.0, 0.5, 2.0]
    found = []
    for rule in ("rtrl", "kf-rtrl"):
        learner = nr.Learner(net, rule, update="sequence", precision="float64")
        learner.run(inputs, data(steps=8)[1])
        found.append(flat(learner))
    assert abs(found[0]).max() > 0
    np.testing.assert_allclose(found[1], found[0], atol=1e-12 * abs(found[0]).max())
