"""Gradient descent with an optional heavy-ball momentum (Polyak 1964, equation 9).

B. T. Polyak, "Some methods of speeding up the convergence of iteration methods", USSR
Computational Mathematics and Mathematical Physics 4(5), 1964; in the form of I. Sutskever,
J. Martens, G. Dahl and G. Hinton, ICML 2013, equations 1 and 2.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.errors import check_option
from neuro_rtrl.optimizers._awake import Awake, followed
from neuro_rtrl.optimizers._options import common


class Sgd:
    """Steps of `learning_rate` against the gradient.

    Args:
        learning_rate: length of a step, above 0.
        momentum: fraction of the last step that is kept, in [0, 1); 0 is plain descent.
        clip_norm: largest norm of a gradient; longer ones are shortened.
        clip_value: largest absolute value in a gradient.
        schedule: constant, inverse_sqrt, exponential or cosine.
        steps: updates that set the scale of the schedule.

    Raises:
        DescriptionError: an unknown schedule, or a number outside its range.

    >>> values = np.array([1.0, 2.0])
    >>> Sgd(0.5).update(values, np.array([1.0, -1.0]))
    >>> values
    array([0.5, 2.5])
    """

    def __init__(
        self,
        learning_rate: float,
        momentum: float = 0.0,
        *,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        schedule: str = "constant",
        steps: int | None = None,
    ) -> None:
        self._common = common("sgd", learning_rate, clip_norm, clip_value, schedule, steps)
        check_option("sgd", "momentum", momentum, 0 <= momentum < 1, "a number in [0, 1)")
        self.learning_rate = float(learning_rate)
        self.momentum = float(momentum)
        self._t = 0
        self._awake = Awake()
        self._step: np.ndarray | None = None

    def update(self, values: np.ndarray, gradient: np.ndarray) -> None:
        """Changes `values` (p,) in place along `gradient` (p,), in the precision of `values`."""
        if self._step is None:
            self._step = np.zeros_like(values)
        rate, gradient = self._common.pace.rate(self._t), self._common.clip.clipped(gradient)
        self._t += 1
        at = self._awake.places(gradient)
        # s_t = mu s_{t-1} - eta_t g_t
        step = self._step[at] * self.momentum
        step -= rate * gradient[at]
        self._step[at] = step
        self._awake.rest(at, (step != 0) if self.momentum else False)
        # theta_t = theta_{t-1} + s_t
        values[at] += step

    def follow(self, old: np.ndarray) -> None:
        """Parameter i was number `old[i]` until now; -1: it is new, and nothing moves it."""
        self._awake.follow(old)
        if self._step is not None:
            self._step = followed(self._step, old)


OPTIMIZER = Sgd
