"""Options that all optimizers share: clipped gradients and learning rates that change.

Clipping by norm is Pascanu, Mikolov & Bengio 2013 ("On the difficulty of training recurrent neural
networks", ICML, algorithm 1), first the values and then the norm:

    g <- clip(g, -clip_value, clip_value),    g <- g min(1, clip_norm/|g|)

Learning rates, with t = 0, 1, 2, ... the number of updates done and T = `steps`:

    constant        eta
    inverse_sqrt    eta / sqrt(1 + t/T)                     T = 1 unless given
    exponential     eta exp(-t/T)
    cosine          eta (1 + cos(pi min(t, T)/T))/2         (Loshchilov & Hutter 2017, ICLR, eq. 5)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neuro_rtrl.errors import check_option, unknown

_SHAPES: dict[str, Callable[[float], float]] = {
    "constant": lambda x: 1.0,
    "inverse_sqrt": lambda x: 1 / math.sqrt(1 + x),
    "exponential": lambda x: math.exp(-x),
    "cosine": lambda x: (1 + math.cos(math.pi * min(x, 1.0))) / 2,
}
"""Name -> the learning rate at t/T, as a fraction of the first one."""


@dataclass(frozen=True)
class Pace:
    """A learning rate that changes from update to update.

    Attributes:
        learning_rate: eta, the first one.
        schedule: constant, inverse_sqrt, exponential or cosine.
        steps: T in updates.

    >>> pace = Pace(0.1, "cosine", 100)
    >>> [round(pace.rate(t), 4) for t in (0, 50, 100, 200)]
    [0.1, 0.05, 0.0, 0.0]
    """

    learning_rate: float
    schedule: str
    steps: int

    def rate(self, done: int) -> float:
        """The learning rate when `done` updates are done."""
        return self.learning_rate * _SHAPES[self.schedule](done / self.steps)

    def fill(self, rates: np.ndarray, done: int) -> None:
        """`rates` (updates,) <- those of the next updates."""
        if self.schedule == "constant":
            rates[:] = self.learning_rate
        else:
            rates[:] = [self.rate(t) for t in range(done, done + rates.size)]


@dataclass(frozen=True)
class Clip:
    """Bounds of a gradient; None: no bound."""

    norm: float | None
    value: float | None


@dataclass(frozen=True)
class Common:
    """The shared options of one optimizer, checked; see `common`."""

    pace: Pace
    clip: Clip


def common(
    optimizer: str,
    learning_rate: float,
    clip_norm: float | None,
    clip_value: float | None,
    schedule: str,
    steps: int | None,
) -> Common:
    """The shared options as an optimizer was given them.

    Args:
        optimizer: its name, for errors.
        learning_rate: above 0.
        clip_norm: largest Euclidean norm of a gradient, above 0; None: any.
        clip_value: largest absolute value in a gradient, above 0; None: any.
        schedule: constant, inverse_sqrt, exponential or cosine.
        steps: updates that set the schedule's scale; exponential and cosine need it.

    Raises:
        DescriptionError: an unknown schedule, a number outside its range, or `steps` where they
            are missing or mean nothing.
    """
    check_option(optimizer, "learning_rate", learning_rate, learning_rate > 0, "a number above 0")
    for name, bound in (("clip_norm", clip_norm), ("clip_value", clip_value)):
        if bound is not None:
            check_option(optimizer, name, bound, bound > 0, "a number above 0")
    if schedule not in _SHAPES:
        raise unknown("schedule", schedule, _SHAPES, where=f"{optimizer}: schedule")
    pace = Pace(float(learning_rate), schedule, _steps(optimizer, schedule, steps))
    return Common(pace, Clip(clip_norm, clip_value))


def _steps(optimizer: str, schedule: str, steps: int | None) -> int:
    if steps is None:
        needed = schedule in ("exponential", "cosine")
        expected = f"a number of updates, which the schedule '{schedule}' needs"
        check_option(optimizer, "steps", "nothing", not needed, expected)
        return 1
    check_option(optimizer, "steps", steps, steps >= 1, "a whole number of at least 1")
    expected = f"nothing, or one of the schedules {', '.join(sorted(set(_SHAPES) - {'constant'}))}"
    check_option(
        optimizer, "steps", f"{steps} for a constant rate", schedule != "constant", expected
    )
    return steps
