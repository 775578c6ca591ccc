"""Cosine, norm ratio, bias and variance: on vectors by hand, on rules by what is known of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from neuro_rtrl import registry
from neuro_rtrl.compare_gradient import DRAWS, Probe, bias_and_variance, cosine, mean
from neuro_rtrl.experiment_text import Experiment, load_experiment
from neuro_rtrl.experiment_training import Job, make_job

SMALL = ["task.batch=4", "task.test_size=8", "populations.hidden.n=4", "learning.precision=float64"]


@dataclass
class NoisyLane:
    """Scales what an exact lane adds by 1 + 0.5 z, z standard normal: unbiased."""

    lane: Any
    rng: np.random.Generator

    @property
    def run(self) -> Any:
        return self.lane.run

    @property
    def rows(self) -> Any:
        return self.lane.rows

    def restart(self) -> None:
        self.lane.restart()

    def advance(self, stream: Any, gradient: np.ndarray, restart: bool) -> bool:
        before = gradient.copy()
        full: bool = self.lane.advance(stream, gradient, restart)
        gradient[:] = before + (1 + 0.5 * self.rng.standard_normal()) * (gradient - before)
        return full


class Noisy:
    """Exact RTRL times a random number."""

    name, exactness, online = "noisy", "drops nothing on average", True

    def __init__(self) -> None:
        self.exact = registry.find("rules", "rtrl")

    def prepare(self, built: Any) -> Any:
        return self.exact.prepare(built)

    def start(self, built: Any, shared: Any, precision: str) -> NoisyLane:
        return NoisyLane(self.exact.start(built, shared, precision), np.random.default_rng(5))

    def ledger(self, built: Any, shared: Any, lanes: Any) -> Any:
        return self.exact.ledger(built, shared, [lane.lane for lane in lanes])


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return load_experiment("spiral", SMALL)


@pytest.fixture(scope="module")
def probe(experiment: Experiment) -> Probe:
    return Probe(experiment)


def job(experiment: Experiment, rule: Any) -> Job:
    return make_job(experiment, "a job", rule)


def test_bias_and_variance_add_up_to_the_mean_square(rng: np.random.Generator) -> None:
    R, G = rng.standard_normal((6, 5)), rng.standard_normal((6, 5))
    bias, noise, variance = bias_and_variance(G, R)
    size = np.linalg.norm(R.mean(axis=0))
    assert bias**2 + variance == pytest.approx(np.mean(np.sum((G - R) ** 2, axis=1)) / size**2)
    assert noise == pytest.approx(math.sqrt(variance / 6))


def test_a_constant_error_is_all_bias_and_a_changing_one_all_variance() -> None:
    R = np.ones((4, 3))
    assert bias_and_variance(2 * R, R) == (1.0, 0.0, 0.0)
    bias, _, variance = bias_and_variance(R + np.array([[1], [-1], [1], [-1]]), R)
    assert (bias, variance) == pytest.approx((0.0, 1.0))


def test_the_cosine_to_nothing_is_not_a_number() -> None:
    assert math.isnan(cosine(np.zeros(3), np.ones(3)))
    assert mean([math.nan, None]) is None


@pytest.mark.parametrize("rule", ["rtrl", "bptt"])
def test_exact_rules_have_no_error(experiment: Experiment, probe: Probe, rule: str) -> None:
    made = job(experiment, rule)
    found = probe.measure(made.learner, made.task, 0)
    assert found["cosine"] == pytest.approx(1, abs=1e-10)
    assert found["cosine_hidden"] == pytest.approx(1, abs=1e-10)
    assert found["norm_ratio"] == pytest.approx(1, abs=1e-10)
    assert found["bias"] is not None and found["bias"] < 1e-10
    assert found["variance"] is not None and found["variance"] < 1e-20


def test_an_approximation_errs_in_hidden_units_most(experiment: Experiment, probe: Probe) -> None:
    """Weights into a readout have their exact gradient under every pattern."""
    made = job(experiment, "eprop")
    strong = {
        k: 8 * v if k.startswith("hidden_") else v for k, v in made.learner.parameters.items()
    }
    made.learner.set_parameters(strong)
    found = probe.measure(made.learner, made.task, 0)
    assert found["cosine"] is not None and found["cosine_hidden"] is not None
    assert 0.2 < found["cosine_hidden"] < found["cosine"] < 1 - 1e-5
    assert found["bias"] is not None and found["bias"] > 1e-4


def test_weights_are_those_of_the_learner(experiment: Experiment, probe: Probe) -> None:
    made = job(experiment, "rtrl")
    made.learner.set_parameters({k: 0.5 * v for k, v in made.learner.parameters.items()})
    found = probe.measure(made.learner, made.task, 3)
    assert found["norm_ratio"] == pytest.approx(1, abs=1e-10)


def test_a_stochastic_rule_is_drawn_several_times(experiment: Experiment, probe: Probe) -> None:
    made = job(experiment, Noisy())
    found = probe.measure(made.learner, made.task, 0)
    bias, noise, variance = found["bias"], found["bias_noise"], found["variance"]
    assert bias is not None and noise is not None and variance is not None
    # The factor has the variance 0.25; batches differ in the size of their gradients.
    assert 0.02 < variance < 2
    assert noise == pytest.approx(math.sqrt(variance / (3 * DRAWS)))
    assert bias < 4 * noise
    assert found["cosine"] is not None and found["cosine"] > 0.9


def test_probing_leaves_the_weights_alone(experiment: Experiment, probe: Probe) -> None:
    made = job(experiment, "rtrl")
    before = {name: values.copy() for name, values in made.learner.parameters.items()}
    probe.measure(made.learner, made.task, 0)
    for name, values in made.learner.parameters.items():
        np.testing.assert_array_equal(values, before[name])
