"""How far a rule's gradient is from the exact one, at the weights where a run stands.

With g a gradient of the rule and r the exact one of the same weights and sequences, over B batches
and D draws of a rule that is stochastic (else D = 1), |.| the 2-norm over all learned parameters:

    cosine     = mean_bd <g_bd, r_b> / (|g_bd| |r_b|)
    norm_ratio = mean_bd |g_bd| / |r_b|
    e_bd = g_bd - r_b,   R = |mean_b r_b|
    bias       = |mean_bd e_bd| / R
    variance   = mean_bd |e_bd - mean e|^2 / R^2    so that mean |e|^2 / R^2 = bias^2 + variance
    bias_noise = sqrt(variance / (B D))             the bias that an unbiased rule shows here

Marschall, Cho & Savin 2020 (JMLR 21:86, section 5) compare rules by the alignment of their
gradients along a training; bias and variance are those of an estimator of r.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from neuro_rtrl.contracts import Task, Trial
from neuro_rtrl.experiment_text import Experiment, make_network
from neuro_rtrl.learner import Learner

BATCHES = 3
DRAWS = 4
SEQUENCES = 8
"""Sequences of a batch that are looked at; the exact gradient has its price."""

FIGURES = ("cosine", "cosine_hidden", "norm_ratio", "bias", "bias_noise", "variance")


class Probe:
    """Compares the gradients of one learner with exact ones.

    The learner that learns is asked itself (`learn=False`), in its own precision: so a rule with a
    memory of its own, such as learned feedback, is seen as it is at that moment.

    Args:
        experiment: its text, with the seed of the run.
        reference: an exact rule; it computes in float64.
    """

    def __init__(self, experiment: Experiment, reference: str = "rtrl") -> None:
        network, learning = make_network(experiment), experiment.learning
        self._anew = partial(
            Learner,
            rule=reference,
            loss=learning.loss,
            update="sequence",
            precision="float64",
            firing_rate=learning.firing_rate,
            average=learning.average,
        )
        self._exact = self._anew(network)
        readouts = {
            name
            for name, population in network.populations.items()
            if population.model is not None and population.model.readout is not None
        }
        direct = {name for name, p in network.projections.items() if p.target.name in readouts}
        self._hidden = [
            name
            for name in self._exact.parameters
            if name not in direct and name.split(".")[0] not in readouts
        ]

    def measure(self, learner: Learner, task: Task, iteration: int) -> dict[str, float | None]:
        """The figures at the learner's present weights, on the batches from `iteration` on.

        Returns:
            A value for each of `FIGURES`; None where a gradient is zero.
        """
        if learner.plastic:
            self._exact = self._anew(learner.network)
        names = self._exact.parameters
        self._exact.set_parameters({k: v for k, v in learner.parameters.items() if k in names})
        trials = [task.train(iteration + batch) for batch in range(BATCHES)]
        exact = [_gradient(self._exact, trial, names) for trial in trials]
        found = [_gradient(learner, trials[0], names) for _ in range(2)]
        draws = 1 if _same(*found) else DRAWS
        for batch, trial in enumerate(trials):
            found = found[: (batch + 1) * draws]
            found += [
                _gradient(learner, trial, names) for _ in range((batch + 1) * draws - len(found))
            ]
        return self._figures(exact, found, draws)

    def _figures(
        self, exact: Sequence[dict[str, Any]], found: Sequence[dict[str, Any]], draws: int
    ) -> dict[str, float | None]:
        R = np.repeat([_flat(g, list(g)) for g in exact], draws, axis=0)
        G = np.array([_flat(g, list(g)) for g in found])
        hidden = [
            cosine(_flat(g, self._hidden), _flat(exact[i // draws], self._hidden))
            for i, g in enumerate(found)
        ]
        ratios = [_ratio(np.linalg.norm(g), np.linalg.norm(r)) for g, r in zip(G, R, strict=True)]
        cosines = [cosine(g, r) for g, r in zip(G, R, strict=True)]
        bias, noise, variance = bias_and_variance(G, R)
        parts = mean(cosines), mean(hidden), mean(ratios), bias, noise, variance
        return dict(zip(FIGURES, parts, strict=True))


def mean(values: Iterable[float | None]) -> float | None:
    """Mean of the values that are there and finite; None if there are none.

    >>> mean([1.0, None, float("nan"), 3.0])
    2.0
    """
    found = [v for v in values if v is not None and math.isfinite(v)]
    return float(np.mean(found)) if found else None


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Cosine of the angle between two vectors; NaN if one of them is zero.

    >>> cosine(np.array([1.0, 0.0]), np.array([2.0, 0.0]))
    1.0
    """
    return _ratio(float(a @ b), float(np.linalg.norm(a) * np.linalg.norm(b)))


def bias_and_variance(G: np.ndarray, R: np.ndarray) -> tuple[float, float, float]:
    """Relative bias, the bias that chance alone would show, and relative variance.

    Args:
        G: (draws, parameters) gradients of a rule.
        R: (draws, parameters) exact gradients, row by row of the same batch.

    >>> R = np.ones((2, 4))
    >>> bias_and_variance(R + np.array([[1.0], [-1.0]]), R)
    (0.0, 0.7071067811865476, 1.0)
    """
    E = G - R
    mean = E.mean(axis=0)
    # R = |mean_b r_b|
    size = float(np.linalg.norm(R.mean(axis=0)))
    # mean_bd |e_bd - mean e|^2 / R^2
    variance = _ratio(float(np.mean(np.sum((E - mean) ** 2, axis=1))), size**2)
    return _ratio(float(np.linalg.norm(mean)), size), math.sqrt(variance / len(E)), variance


def _ratio(a: Any, b: Any) -> float:
    return float(a / b) if b > 0 else math.nan


def _gradient(learner: Learner, trial: Trial, names: Any) -> dict[str, np.ndarray]:
    """By name; a parameter that the rule does not know has no gradient.

    Rules that run on a network of their own may have others besides, which count for nothing.
    """
    inputs, targets = trial.inputs[:SEQUENCES], trial.targets[:SEQUENCES]
    learner.run(inputs, targets, learn=False)
    found, known = learner.gradient, learner.parameters
    return {
        name: np.array(found[name]) if name in known else np.zeros(np.shape(names[name]))
        for name in names
    }


def _same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(a[name], b[name]) for name in a)


def _flat(gradient: dict[str, np.ndarray], names: Sequence[str]) -> np.ndarray:
    return np.concatenate([np.zeros(0), *(gradient[name] for name in names)])
