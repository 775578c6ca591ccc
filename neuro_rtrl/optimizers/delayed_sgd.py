"""Gradient descent along gradients that come late, as the truth of a forecast does.

The error of a forecast h steps ahead is known h steps later. Whoever learns from it at once looks
into the future: the weights of the next step have seen what the next step is to predict. Here the
gradient of an update waits for `delay` updates, and the rest is plain descent:

    theta_t = theta_{t-1} - eta_t g_{t - delay},    g_t = 0 for t < 0

so that a prediction depends on the past alone (delayed feedback: Langford, Smola & Zinkevich 2009,
"Slow learners are fast", NIPS, algorithm 1).
"""

from __future__ import annotations

from collections import deque

import numpy as np

from neuro_rtrl.errors import check_option
from neuro_rtrl.kernels.descent import MOMENTUM
from neuro_rtrl.optimizers._descent import Form, Steps, followed
from neuro_rtrl.optimizers._options import common


class DelayedSgd:
    """Steps of `learning_rate` against the gradient of `delay` updates ago.

    Args:
        learning_rate: length of a step, above 0.
        delay: updates that a gradient waits; 0 is plain descent.
        clip_norm: largest norm of a gradient; longer ones are shortened.
        clip_value: largest absolute value in a gradient.
        schedule: constant, inverse_sqrt, exponential or cosine.
        steps: updates that set the scale of the schedule.

    Raises:
        DescriptionError: an unknown schedule, or a number outside its range.

    >>> values, late = np.zeros(1), DelayedSgd(1.0, delay=2)
    >>> for gradient in (1.0, 10.0, 100.0, 1000.0):
    ...     late.update(values, np.array([gradient]))
    >>> values
    array([-11.])
    """

    def __init__(
        self,
        learning_rate: float,
        delay: int = 0,
        *,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        schedule: str = "constant",
        steps: int | None = None,
    ) -> None:
        shared = common("delayed_sgd", learning_rate, clip_norm, clip_value, schedule, steps)
        check_option("delayed_sgd", "delay", delay, delay >= 0, "a whole number of at least 0")
        self.learning_rate, self.delay = float(learning_rate), int(delay)
        # Not `steps`: kernels, which look for that, have no gradients that wait.
        self._steps = Steps(DelayedSgd, shared, Form(MOMENTUM, second=False))
        self._waiting: deque[np.ndarray] = deque()

    def update(self, values: np.ndarray, gradient: np.ndarray) -> None:
        """Changes `values` (p,) in place; `gradient` (p,) is kept until its time comes."""
        self._waiting.append(gradient.copy())
        due = len(self._waiting) > self.delay
        # theta_t = theta_{t-1} - eta_t g_{t - delay}
        self._steps.take(values, self._waiting.popleft() if due else np.zeros_like(gradient))

    def follow(self, old: np.ndarray) -> None:
        """Parameter i was number `old[i]` until now; -1: it is new, and nothing moves it."""
        self._steps.follow(old)
        self._waiting = deque(followed(gradient, old) for gradient in self._waiting)


OPTIMIZER = DelayedSgd
