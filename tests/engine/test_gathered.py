"""Lanes hold a gradient back until somebody asks for it; it is the same whenever that is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr

STEPS = 24


def learner(rule: str, **options: Any) -> nr.Learner:
    net = nr.Network(dt="1 ms", seed=2)
    x, h = net.inputs(4, name="x"), net.neurons(6, "alif", name="h", learn="bias")
    y = net.neurons(2, "leaky_readout", name="y")
    net.connect(x, h, weights="normal(0.6, 0.4)")
    net.connect(h, h, weights="normal(0, 0.4)", delay="1 ms")
    net.connect(h, y)
    options = {"precision": "float64", "update": "sequence"} | options
    return nr.Learner(net, rule=rule, **options)


@pytest.fixture
def trial(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return (rng.random((STEPS, 4)) < 0.5).astype(float), rng.standard_normal((STEPS, 2))


def held(made: nr.Learner) -> bool:
    return made._session.gathered.held


def summed(made: nr.Learner, name: str) -> np.ndarray:
    """What was handed over by lanes; readouts hand over their own at once."""
    return made._session.gathered.sum[made._built.plan.names[name]]


def assert_equal(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    for name, values in one.items():
        assert values.any()
        np.testing.assert_allclose(values, other[name], rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("rule", ["rtrl", "snap-2", "rtrl-tolerance", "eprop", "d-rtrl"])
def test_the_gradient_does_not_depend_on_who_looks(rule: str, trial: Any) -> None:
    silent, watched = learner(rule), learner(rule)
    for t, (x, target) in enumerate(zip(*trial, strict=True)):
        silent.step(x, target)
        watched.step(x, target)
        assert held(silent) and not summed(silent, "x_h").any()
        if t % 5 == 2:
            assert watched.gradient.keys() == silent.parameters.keys()
            assert not held(watched)
    assert_equal(silent.gradient, watched.gradient)
    assert not held(silent)


def test_it_is_that_of_a_run(trial: Any) -> None:
    stepped, whole = learner("rtrl"), learner("rtrl")
    for x, target in zip(*trial, strict=True):
        stepped.step(x, target)
    whole.run(trial[0][None], trial[1][None], learn=False)
    assert_equal(stepped.gradient, whole.gradient)


@pytest.mark.parametrize("rule", ["rtrl", "eprop"])
def test_what_is_held_is_kept_with_the_state(rule: str, trial: Any) -> None:
    one, other = learner(rule), learner(rule)
    for x, target in zip(*trial, strict=True):
        one.step(x, target)
    assert held(one)
    other.restore(one.state())
    assert_equal(other.gradient, one.gradient)


def test_looking_at_influence_takes_nothing_away(trial: Any) -> None:
    one, other = learner("rtrl"), learner("rtrl")
    for x, target in zip(*trial, strict=True):
        one.step(x, target)
        other.step(x, target)
    one.influence(*trial, units={"h": [0]})
    assert_equal(one.gradient, other.gradient)


def test_nothing_is_held_where_an_update_is_due_or_lanes_share(trial: Any) -> None:
    every, several = learner("rtrl", update=2), learner("rtrl", batch=2)
    every.step(trial[0][0], trial[1][0])
    assert held(every)
    every.step(trial[0][1], trial[1][1])
    assert not held(every)
    several.step(trial[0][:2], trial[1][:2])
    assert not held(several)


def test_a_reset_forgets_what_is_held(trial: Any) -> None:
    one = learner("eprop")
    for x, target in zip(*trial, strict=True):
        one.step(x, target)
    one.reset()
    assert not held(one)
    assert not any(values.any() for values in one.gradient.values())
