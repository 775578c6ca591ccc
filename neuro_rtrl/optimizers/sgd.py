"""Gradient descent with an optional heavy-ball momentum (Polyak 1964, equation 9).

B. T. Polyak, "Some methods of speeding up the convergence of iteration methods", USSR
Computational Mathematics and Mathematical Physics 4(5), 1964; in the form of I. Sutskever,
J. Martens, G. Dahl and G. Hinton, ICML 2013, equations 1 and 2.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.errors import check_option
from neuro_rtrl.kernels.descent import MOMENTUM
from neuro_rtrl.optimizers._descent import Form, Steps
from neuro_rtrl.optimizers._options import common


class Sgd:
    """Steps of `learning_rate` against the gradient.

    Without momentum and clipping, `Learner.run` of a local rule with `update="step"` takes them
    when somebody hears of a weight, so that an update of all weights costs what events cost.

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
        shared = common("sgd", learning_rate, clip_norm, clip_value, schedule, steps)
        check_option("sgd", "momentum", momentum, 0 <= momentum < 1, "a number in [0, 1)")
        self.learning_rate = float(learning_rate)
        self.momentum = float(momentum)
        self.steps = Steps(Sgd, shared, Form(MOMENTUM, second=False), beta1=momentum)

    def update(self, values: np.ndarray, gradient: np.ndarray) -> None:
        """Changes `values` (p,) in place along `gradient` (p,), in the precision of `values`."""
        self.steps.take(values, gradient)

    def follow(self, old: np.ndarray) -> None:
        """Parameter i was number `old[i]` until now; -1: it is new, and nothing moves it."""
        self.steps.follow(old)


OPTIMIZER = Sgd
