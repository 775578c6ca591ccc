"""Sine and regime switch: predict a signal whose law changes while one looks at it.

The online adaptation tasks of Shalev-Merin 2026 (arXiv 2603.15195): one-step prediction of a signal
that changes its law every `every` steps; what counts is how fast a network adapts to the new law.
The numbers are this package's own. Kind "sine", with period P by turns `first` and `second`, the
phase going on at a switch:

    x(t) = sin(phi(t)),    phi(t+1) = phi(t) + 2 pi/P

Kind "regime", a noisy resonance at the period P (r = 0.98, unit variance of x in each regime):

    x(t) = 2 r cos(2 pi/P) x(t-1) - r^2 x(t-2) + s_P xi(t)

The target of a step is x(t+1); loss "mse".
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.contracts import Trial
from neuro_rtrl.errors import unknown
from neuro_rtrl.tasks._common import DrawnTask, explained, need, need_counts, new_key

KINDS = ("sine", "regime")
RADIUS = 0.98
"""r of the resonances: about 50 steps of memory."""
WARM_UP = 300
"""Steps that a resonance runs unseen, until its start is forgotten."""


def make(
    rng: np.random.Generator,
    *,
    kind: str = "sine",
    batch: int = 1,
    steps: int = 1000,
    every: int = 500,
    first: float = 40.0,
    second: float = 17.0,
    test_size: int = 4,
) -> DrawnTask:
    """The switching signal.

    Args:
        rng: source of phases and noise.
        kind: "sine" or "regime".
        batch: sequences in a training batch.
        steps: length of a sequence.
        every: steps between switches.
        first, second: the two periods in steps, above 2.
        test_size: sequences of the held-out batch.

    Raises:
        DescriptionError: an unknown kind, or a number outside its range.

    The score is 1 - (mean squared error)/(variance).

    >>> trial = make(np.random.default_rng(0), steps=6, every=3).train(0)
    >>> bool(np.array_equal(trial.inputs[:, 1:], trial.targets[:, :-1]))
    True
    """
    if kind not in KINDS:
        raise unknown("kind", kind, KINDS, where="sine_switch: kind")
    need_counts("sine_switch", batch=batch, steps=steps, every=every, test_size=test_size)
    for option, period in (("first", first), ("second", second)):
        need(period > 2, f"sine_switch: {option}", period, "a period above 2 steps")
    signal = _sines if kind == "sine" else _resonances
    # steps of x, and the one after them
    periods = np.where(np.arange(steps + 1) // every % 2 == 0, first, second)

    def draw(source: np.random.Generator, sequences: int) -> Trial:
        x = signal(source, sequences, periods)[:, :, None]
        return Trial(x[:, :-1], x[:, 1:])

    return DrawnTask(draw, explained, 1, 1, batch, test_size, new_key(rng))


def _sines(source: np.random.Generator, sequences: int, periods: np.ndarray) -> np.ndarray:
    start = source.uniform(0, 2 * np.pi, size=(sequences, 1))
    # phi(t) = phi(0) + sum_{u <= t} 2 pi/P(u)
    return np.sin(start + np.cumsum(2 * np.pi / periods))


def _resonances(source: np.random.Generator, sequences: int, periods: np.ndarray) -> np.ndarray:
    laws = np.concatenate([np.full(WARM_UP, periods[0]), periods])
    noise = source.normal(size=(len(laws), sequences))
    x = np.zeros((len(laws) + 2, sequences))
    for t, (period, xi) in enumerate(zip(laws, noise, strict=True), start=2):
        a, b = 2 * RADIUS * np.cos(2 * np.pi / period), -(RADIUS**2)
        # variance 1 (Box & Jenkins 1976, section 3.2.4): s^2 = (1 + b)((1 - b)^2 - a^2)/(1 - b)
        s = np.sqrt((1 + b) * ((1 - b) ** 2 - a**2) / (1 - b))
        x[t] = a * x[t - 1] + b * x[t - 2] + s * xi
    return x[2 + WARM_UP :].T
