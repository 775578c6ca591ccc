"""Pattern generation: draw one slow curve from one frozen pattern of input spikes, by a recipe.

The task of Bellec et al. 2020 (Nature Communications 11:3625, figure 3), with the numbers that
Korcsak-Gorzo et al. use to compare simulators digit by digit (arXiv 2511.21674). A seed of NumPy's
old generator fixes everything; in this order are drawn the weights of a network
(`initial_weights`), the spikes, and the target

    y*(t) = sum_k A_k sin(linspace(phi_k, phi_k + 2 pi (1000 // P_k), 1000)[t])

with P = 1000, 500, 333, 200, all A_k ~ U(0.5, 2) before all phi_k ~ U(0, 2 pi); shifted to begin at
0 and divided by its largest absolute value. The task `sum_of_sines` is the same without the recipe.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuro_rtrl.contracts import Trial
from neuro_rtrl.tasks._common import explained, need, need_counts
from neuro_rtrl.tasks._recipes import LARGEST_SEED, no_loops, rounded

PERIODS = (1000, 500, 333, 200)
STEPS = 1000
RATE = 0.05
"""Spikes per step and input unit: 50 Hz at steps of 1 ms."""


@dataclass(frozen=True)
class PatternGeneration:
    """The pattern generation task; see `make`. Every iteration is the same trial.

    Attributes:
        weights: of the network that the recipe draws first; see `initial_weights`.
    """

    trial: Trial
    weights: dict[str, np.ndarray]
    inputs: int
    outputs: int = 1

    def train(self, iteration: int) -> Trial:
        """The trial, whatever the `iteration`."""
        return self.trial

    def test(self) -> Trial:
        """The same trial: the task is to learn this one pattern."""
        return self.trial

    def score(self, predictions: np.ndarray, trial: Trial) -> float:
        """1 - (mean squared error)/(variance of the target); 1 is perfect, 0 a constant."""
        return explained(predictions, trial)


def make(
    rng: np.random.Generator,
    *,
    recipe_seed: int | None = None,
    inputs: int = 100,
    units: int = 100,
) -> PatternGeneration:
    """The pattern generation task.

    Args:
        rng: source of the recipe's seed, if none is given.
        recipe_seed: seed of the recipe; 1 in the publication.
        inputs: input units.
        units: units of the network whose weights are drawn first.

    Raises:
        DescriptionError: a number lies outside its range.

    >>> trial = make(np.random.default_rng(0), recipe_seed=1).train(0)
    >>> trial.inputs.shape, int(trial.inputs.sum()), float(trial.targets[0, 0, 0])
    ((1, 1000, 100), 5053, 0.0)
    """
    need_counts("pattern_generation", inputs=inputs, units=units)
    seed = int(rng.integers(LARGEST_SEED)) if recipe_seed is None else recipe_seed
    _check_seed(seed)
    source = np.random.RandomState(seed)
    weights = _weights(source, inputs, units)
    spikes = (source.rand(STEPS, inputs) < RATE).astype(float)
    spikes[0] = 0
    trial = Trial(spikes[None], _curve(source)[None, :, None])
    return PatternGeneration(trial, weights, inputs)


def initial_weights(
    recipe_seed: int = 1, *, inputs: int = 100, units: int = 100
) -> dict[str, np.ndarray]:
    """The weights that the recipe draws before the task.

    Returns:
        "in" (inputs, units), "recurrent" (units, units) without loops, "out" (units, 1), and
        "feedback" (units, 1): the fixed weights that broadcast the error.

    Raises:
        DescriptionError: a number lies outside its range.

    >>> {name: weights.shape for name, weights in initial_weights().items()}
    {'in': (100, 100), 'recurrent': (100, 100), 'out': (100, 1), 'feedback': (100, 1)}
    """
    need_counts("pattern_generation", inputs=inputs, units=units)
    _check_seed(recipe_seed)
    return _weights(np.random.RandomState(recipe_seed), inputs, units)


def _weights(source: np.random.RandomState, inputs: int, units: int) -> dict[str, np.ndarray]:
    return {
        "in": rounded(source.randn(inputs, units) / np.sqrt(inputs)),
        "recurrent": no_loops(rounded(source.randn(units, units) / np.sqrt(units))),
        "out": rounded(source.randn(units, 1) / np.sqrt(units)),
        "feedback": rounded(source.randn(units, 1) / np.sqrt(units)),
    }


def _curve(source: np.random.RandomState) -> np.ndarray:
    """The target (STEPS,): starts at 0, largest absolute value 1."""
    amplitudes = source.uniform(0.5, 2, size=len(PERIODS))
    phases = source.uniform(0, 2 * np.pi, size=len(PERIODS))
    curve = np.zeros(STEPS)
    for amplitude, phase, period in zip(amplitudes, phases, PERIODS, strict=True):
        curve += amplitude * np.sin(
            np.linspace(phase, phase + 2 * np.pi * (STEPS // period), STEPS)
        )
    curve -= curve[0]
    return curve / np.abs(curve).max()


def _check_seed(seed: int) -> None:
    need(
        0 <= seed <= LARGEST_SEED,
        "pattern_generation: recipe_seed",
        seed,
        "a whole number from 0 to 2**32 - 1",
    )
