"""Sum of sines: draw a slow curve from frozen random input spikes.

The pattern generation task of Bellec et al. 2020 ("A solution to the learning dilemma for
recurrent networks of spiking neurons", Nature Communications 11:3625, figure 3 and supplementary
note on pattern generation): y*(t) = sum_k A_k sin(2 pi t/P_k + phi_k), with P = 1000, 500, 333
and 200 steps, A_k from U(0.5, 2), phi_k from U(0, 2 pi); shifted to begin at 0 and divided by its
largest absolute value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuro_rtrl.contracts import Trial
from neuro_rtrl.errors import DescriptionError

PERIODS = (1000, 500, 333, 200)


@dataclass(frozen=True)
class SumOfSines:
    """The sum-of-sines task; see `make`. Every iteration is the same trial."""

    trial: Trial
    inputs: int
    outputs: int

    def train(self, iteration: int) -> Trial:
        """The trial, whatever the `iteration`."""
        return self.trial

    def test(self) -> Trial:
        """The same trial: the task is to learn this one pattern."""
        return self.trial

    def score(self, predictions: np.ndarray, trial: Trial) -> float:
        """1 - (mean squared error) / (variance of the target); 1 is perfect, 0 a constant."""
        error = np.mean((predictions - trial.targets) ** 2)
        return float(1 - error / np.var(trial.targets))


def make(
    rng: np.random.Generator,
    *,
    inputs: int = 100,
    outputs: int = 1,
    steps: int = 1000,
    rate: float = 0.05,
) -> SumOfSines:
    """The sum-of-sines task.

    Args:
        rng: source of the input spikes, amplitudes and phases.
        inputs: input units; each spikes with probability `rate` in each step but the first.
        outputs: curves to draw, each with its own amplitudes and phases.
        steps: length of the trial (the periods are 1000, 500, 333 and 200 steps).
        rate: spikes per step and input unit, in (0, 1]; 0.05 is 50 Hz at steps of 1 ms.

    Raises:
        DescriptionError: a number lies outside its range.

    >>> trial = make(np.random.default_rng(0), inputs=3, steps=200).train(0)
    >>> trial.inputs.shape, trial.targets.shape, float(trial.targets[0, 0, 0])
    ((1, 200, 3), (1, 200, 1), 0.0)
    """
    for option, given in (("inputs", inputs), ("outputs", outputs)):
        if given < 1:
            raise _refuse(option, given, "a whole number of at least 1")
    if steps < 2:
        raise _refuse("steps", steps, "a whole number of at least 2")
    if not 0 < rate <= 1:
        raise _refuse("rate", rate, "a number in (0, 1]")
    spikes = (rng.random((1, steps, inputs)) < rate).astype(float)
    # As in the reference code, a trial begins in silence.
    spikes[:, 0] = 0
    curves = np.stack([_curve(rng, steps) for _ in range(outputs)], axis=1)
    return SumOfSines(Trial(spikes, curves[None]), inputs, outputs)


def _curve(rng: np.random.Generator, steps: int) -> np.ndarray:
    """One target (steps,): starts at 0, largest absolute value 1."""
    amplitude = rng.uniform(0.5, 2, size=len(PERIODS))
    phase = rng.uniform(0, 2 * np.pi, size=len(PERIODS))
    t = np.arange(steps)[:, None]
    curve = (amplitude * np.sin(2 * np.pi * t / np.array(PERIODS) + phase)).sum(axis=1)
    curve -= curve[0]
    return curve / np.abs(curve).max()


def _refuse(option: str, given: float, expected: str) -> DescriptionError:
    return DescriptionError(
        "the value is out of range",
        where=f"sum_of_sines: {option}",
        given=given,
        expected=expected,
    )
