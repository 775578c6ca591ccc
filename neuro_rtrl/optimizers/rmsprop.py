"""RMSProp: steps divided by a running root mean square of the gradient.

T. Tieleman and G. Hinton, "Neural networks for machine learning", lecture 6.5, Coursera 2012 (the
slide "rmsprop: a mini-batch version of rprop", which has no numbered equation).
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.errors import check_option
from neuro_rtrl.optimizers._awake import Awake, followed
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
        self._common = common("rmsprop", learning_rate, clip_norm, clip_value, schedule, steps)
        check_option("rmsprop", "decay", decay, 0 <= decay < 1, "a number in [0, 1)")
        check_option("rmsprop", "epsilon", epsilon, epsilon > 0, "a number above 0")
        self.learning_rate = float(learning_rate)
        self.decay, self.epsilon = float(decay), float(epsilon)
        self._t = 0
        self._awake = Awake()
        self._v: np.ndarray | None = None
        self._seen = np.zeros(0, np.int64)

    def update(self, values: np.ndarray, gradient: np.ndarray) -> None:
        """Changes `values` (p,) in place along `gradient` (p,), in the precision of `values`."""
        if self._v is None:
            self._v, self._seen = np.zeros_like(values), np.zeros(values.size, np.int64)
        rate, gradient = self._common.pace.rate(self._t), self._common.clip.clipped(gradient)
        self._t += 1
        at = self._awake.places(gradient)
        # v_t = rho v_{t-1} + (1 - rho) g_t^2; since the last gradient there was, v only decayed
        rested = self._t - self._seen[at]
        decays = self.decay ** np.arange(rested.max(initial=0) + 1.0)
        v = self._v[at] * decays.astype(self._v.dtype)[rested]
        v += (1 - self.decay) * gradient[at] * gradient[at]
        self._v[at], self._seen[at] = v, self._t
        self._awake.rest(at, False)
        # theta_t = theta_{t-1} - eta_t g_t / (sqrt(v_t) + epsilon)
        values[at] -= rate * gradient[at] / (np.sqrt(v) + self.epsilon)

    def follow(self, old: np.ndarray) -> None:
        """Parameter i was number `old[i]` until now; -1: it is new, and nothing moves it."""
        self._awake.follow(old)
        if self._v is not None:
            self._v, self._seen = followed(self._v, old), followed(self._seen, old)


OPTIMIZER = RmsProp
