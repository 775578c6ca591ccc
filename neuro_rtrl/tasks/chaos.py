"""Chaos: predict the next value of a chaotic system.

Three systems by name. "mackey_glass" (Mackey & Glass 1977, Science 197:287; tau = 17)

    dx/dt = 0.2 x(t - 17)/(1 + x(t - 17)^10) - 0.1 x(t)           one step: 1 unit of time

"lorenz" (Lorenz 1963, J. Atmos. Sci. 20:130, eqs. 25-27; sigma = 10, r = 28, b = 8/3)

    dx/dt = 10 (y - x),  dy/dt = x (28 - z) - y,  dz/dt = x y - 8/3 z     one step: 0.02

"henon" (Henon 1976, Commun. Math. Phys. 50:69; a = 1.4, b = 0.3)

    x(t+1) = 1 - 1.4 x(t)^2 + y(t),  y(t+1) = 0.3 x(t)

The first two are integrated by the Runge-Kutta method of fourth order in substeps. Values are
brought to mean 0 and variance 1 by fixed numbers (`SCALES`); every sequence starts elsewhere on the
attractor. The target of a step is the value of the next; loss "mse".
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neuro_rtrl.contracts import Trial
from neuro_rtrl.errors import unknown
from neuro_rtrl.tasks._common import DrawnTask, explained, need_counts, new_key

SCALES = {
    "mackey_glass": (np.array([0.93]), np.array([0.226])),
    "lorenz": (np.array([0.0, 0.0, 23.5]), np.array([7.9, 9.0, 8.6])),
    "henon": (np.array([0.257, 0.077]), np.array([0.721, 0.216])),
}
"""System -> mean and standard deviation of its variables, rounded."""

WARM_UP = 200
"""Steps that are thrown away, in which a sequence reaches the attractor."""
LAG, GLASS_SUBSTEPS = 17, 10
LORENZ_STEP, LORENZ_SUBSTEPS = 0.02, 4


def make(
    rng: np.random.Generator,
    *,
    system: str = "mackey_glass",
    batch: int = 1,
    steps: int = 500,
    test_size: int = 4,
) -> DrawnTask:
    """One-step prediction of a chaotic system.

    Args:
        rng: source of the starting points.
        system: "mackey_glass" (1 variable), "lorenz" (3) or "henon" (2).
        batch: sequences in a training batch.
        steps: length of a sequence.
        test_size: sequences of the held-out batch.

    Raises:
        DescriptionError: an unknown system, or a number outside its range.

    The score is 1 - (mean squared error)/(variance).

    >>> trial = make(np.random.default_rng(0), system="henon", steps=5).train(0)
    >>> trial.inputs.shape, bool(np.array_equal(trial.inputs[:, 1:], trial.targets[:, :-1]))
    ((1, 5, 2), True)
    """
    if system not in SCALES:
        raise unknown("system", system, SCALES, where="chaos: system")
    need_counts("chaos", batch=batch, steps=steps, test_size=test_size)
    mean, deviation = SCALES[system]
    run = _RUNS[system]

    def draw(source: np.random.Generator, sequences: int) -> Trial:
        path = run(source, sequences, WARM_UP + steps + 1)[:, WARM_UP:]
        values = (path - mean) / deviation
        return Trial(values[:, :-1], values[:, 1:])

    return DrawnTask(draw, explained, mean.size, mean.size, batch, test_size, new_key(rng))


def _mackey_glass(source: np.random.Generator, sequences: int, steps: int) -> np.ndarray:
    """(sequences, steps, 1); the past before the start is a constant, drawn from U(0.5, 1.5)."""
    lag, h = LAG * GLASS_SUBSTEPS, 1 / GLASS_SUBSTEPS
    x = np.empty((lag + steps * GLASS_SUBSTEPS + 1, sequences))
    x[: lag + 1] = source.uniform(0.5, 1.5, size=sequences)
    for i in range(lag, len(x) - 1):
        then, after = _drive(x[i - lag]), _drive(x[i - lag + 1])
        # The delayed value half a substep later is taken as the mean of its neighbours.
        middle = _drive((x[i - lag] + x[i - lag + 1]) / 2)
        k1 = then - 0.1 * x[i]
        k2 = middle - 0.1 * (x[i] + h / 2 * k1)
        k3 = middle - 0.1 * (x[i] + h / 2 * k2)
        k4 = after - 0.1 * (x[i] + h * k3)
        x[i + 1] = x[i] + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return x[lag + GLASS_SUBSTEPS :: GLASS_SUBSTEPS].T[:, :, None]


def _drive(delayed: np.ndarray) -> np.ndarray:
    driven: np.ndarray = 0.2 * delayed / (1 + delayed**10)
    return driven


def _lorenz(source: np.random.Generator, sequences: int, steps: int) -> np.ndarray:
    """(sequences, steps, 3)."""
    state = np.array([0.0, 0.0, 25.0]) + source.normal(0, 5, size=(sequences, 3))
    path, h = np.empty((sequences, steps, 3)), LORENZ_STEP / LORENZ_SUBSTEPS
    for step in range(steps):
        for _ in range(LORENZ_SUBSTEPS):
            k1 = _lorenz_rate(state)
            k2 = _lorenz_rate(state + h / 2 * k1)
            k3 = _lorenz_rate(state + h / 2 * k2)
            k4 = _lorenz_rate(state + h * k3)
            state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        path[:, step] = state
    return path


def _lorenz_rate(state: np.ndarray) -> np.ndarray:
    x, y, z = state.T
    return np.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z], axis=1)


def _henon(source: np.random.Generator, sequences: int, steps: int) -> np.ndarray:
    """(sequences, steps, 2); the small square of starting points lies in the basin."""
    x, y = source.uniform(-0.1, 0.1, size=(2, sequences))
    path = np.empty((sequences, steps, 2))
    for step in range(steps):
        x, y = 1 - 1.4 * x**2 + y, 0.3 * x
        path[:, step] = np.stack([x, y], axis=1)
    return path


_RUNS: dict[str, Callable[[np.random.Generator, int, int], np.ndarray]] = {
    "mackey_glass": _mackey_glass,
    "lorenz": _lorenz,
    "henon": _henon,
}
