"""The random networks cover what they are meant to cover, and they are alive."""

from __future__ import annotations

import functools

import numpy as np

from neuro_rtrl.contracts import Model
from neuro_rtrl.equations.evaluate import evaluate
from neuro_rtrl.equations.model_text import load_model, with_changes
from tests.reference.networks import DT, Case, is_alive, learnable, random_case, shipped
from tests.reference.twin import LOSSES


@functools.cache
def cases() -> tuple[Case, ...]:
    return tuple(random_case(np.random.default_rng([seed, 8])) for seed in range(60))


def models() -> list[Model]:
    groups = [p for c in cases() for p in c.net.populations.values()]
    return [p.model for p in groups if p.model is not None]


def test_they_are_alive() -> None:
    for case in cases():
        assert is_alive(case.net, case.twin)
        assert np.isfinite(case.twin.loss)
        assert case.twin.loss != 0


def test_every_shipped_model_is_drawn() -> None:
    assert {m.name for m in models()} == {*shipped(spiking=True), *shipped(spiking=False)}


def test_both_resets_and_none_of_its_gradient() -> None:
    resets = [m.text["reset"] for m in models() if "reset" in m.text]
    assert any("-=" in text for text in resets)
    assert any("v_reset" in text for text in resets)
    assert {True, False, ("a",)} <= {m.reset_gradient for m in models()}
    assert {m.strict for m in models()} == {True, False}


def test_every_method_surrogate_and_loss() -> None:
    methods = {"exact", "euler", "rk4", "exponential_euler", "recurrence"}
    assert {m.method for m in models()} == methods
    assert len({m.surrogate.shape for m in models() if m.threshold is not None}) == 6
    assert {c.loss for c in cases()} == set(LOSSES)


def test_delays_of_every_kind() -> None:
    delays = [p.delay for c in cases() for p in c.net.projections.values()]
    for steps in (0, 1, 3):
        assert any((d == steps).all() for d in delays)
    assert any(d.min() != d.max() for d in delays)


def test_refractory_periods_that_differ_in_a_population() -> None:
    periods = [
        np.round(np.asarray(evaluate(p.model.refractory, p.parameters)) / DT)
        for c in cases()
        for p in c.net.populations.values()
        if p.model is not None and p.model.refractory is not None
    ]
    assert any(np.all(period == 0) for period in periods)
    assert any(np.ptp(period) > 0 for period in periods)


def test_errors_in_windows_and_all_along() -> None:
    kept = [~np.isnan(c.targets[:, 0]) for c in cases()]
    assert any(k.all() for k in kept)
    assert any(k.sum() == 1 and k[-1] for k in kept)
    assert any(1 < k.sum() < 0.7 * k.size for k in kept)


def test_unit_parameters_learn_and_some_weights_do_not() -> None:
    learned = {name for c in cases() for name in c.twin.gradient if "." in name}
    assert {name.split(".")[1] for name in learned} > {"bias", "v_th", "tau_m"}
    assert not all(p.learn for c in cases() for p in c.net.projections.values())
    assert {len(c.net.populations) for c in cases()} > {3, 4, 5}


def test_what_may_learn_depends_on_the_method() -> None:
    texts = [with_changes(load_model("lif"), {"method": m}) for m in ("exact", "euler")]
    by_method = {m.method: set(learnable(m)) for m in texts}
    assert "tau_m" not in by_method["exact"]
    assert "tau_m" in by_method["euler"]
    assert all("t_ref" not in names for names in by_method.values())
