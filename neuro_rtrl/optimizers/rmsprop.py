"""RMSProp: steps divided by a running root mean square of the gradient.

T. Tieleman and G. Hinton, "Neural networks for machine learning", lecture 6.5, Coursera 2012 (the
slide "rmsprop: a mini-batch version of rprop", which has no numbered equation).
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.errors import check_option
from neuro_rtrl.kernels.descent import ROOT
from neuro_rtrl.optimizers._descent import Form, Steps
from neuro_rtrl.optimizers._options import common


class RmsProp:
    """RMSProp with the lecture's rate of decay.

    Args:
        learning_rate: about the change of a value in one step; above 0.
        decay: of the running mean of the squared gradient, in [0, 1).
        epsilon: keeps the division finite; above 0.
        clip_norm: largest norm of a gradient; longer ones are shortened.
        clip_value: largest absolute value in a gradient.
        schedule: constant, inverse_sqrt, exponential or cosine.
        steps: updates that set the scale of the schedule.

    Raises:
        DescriptionError: an unknown schedule, or a number outside its range.

    >>> values = np.array([1.0, 2.0])
    >>> RmsProp(0.1, decay=0.75).update(values, np.array([3.0, -0.01]))
    >>> values.round(6)
    array([0.8, 2.2])
    """

    def __init__(
        self,
        learning_rate: float,
        decay: float = 0.9,
        epsilon: float = 1e-8,
        *,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        schedule: str = "constant",
        steps: int | None = None,
    ) -> None:
        shared = common("rmsprop", learning_rate, clip_norm, clip_value, schedule, steps)
        check_option("rmsprop", "decay", decay, 0 <= decay < 1, "a number in [0, 1)")
        check_option("rmsprop", "epsilon", epsilon, epsilon > 0, "a number above 0")
        self.learning_rate = float(learning_rate)
        self.decay, self.epsilon = float(decay), float(epsilon)
        self.steps = Steps(RmsProp, shared, Form(ROOT, first=False), beta2=decay, epsilon=epsilon)

    def update(self, values: np.ndarray, gradient: np.ndarray) -> None:
        """Changes `values` (p,) in place along `gradient` (p,), in the precision of `values`."""
        self.steps.take(values, gradient)

    def follow(self, old: np.ndarray) -> None:
        """Parameter i was number `old[i]` until now; -1: it is new, and nothing moves it."""
        self.steps.follow(old)


OPTIMIZER = RmsProp
