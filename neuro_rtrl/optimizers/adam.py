"""Adam: steps scaled by running moments of the gradient (Kingma & Ba 2015, Algorithm 1).

D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015,
arXiv:1412.6980. The bias corrections are Algorithm 1's own, so epsilon is added to the square root
of the corrected second moment; with `epsilon_hat` they are those of the shortened form at the end
of its section 2, where the root of the uncorrected one has it:

    theta_t = theta_{t-1} - alpha_t sqrt(1 - beta2^t)/(1 - beta1^t) m_t / (sqrt(v_t) + epsilon_hat)
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.descent import MOMENTS
from neuro_rtrl.optimizers._descent import Form, Steps
from neuro_rtrl.optimizers._moments import moments
from neuro_rtrl.optimizers._options import common


class Adam:
    """Adam with the paper's default rates of decay.

    Args:
        learning_rate: alpha, about the largest change of a value in one step; above 0.
        beta1: decay of the running mean of the gradient, in [0, 1).
        beta2: decay of the running mean of its square, in [0, 1).
        epsilon: keeps the division finite; above 0.
        epsilon_hat: epsilon is that of the shortened form.
        clip_norm: largest norm of a gradient; longer ones are shortened.
        clip_value: largest absolute value in a gradient.
        schedule: constant, inverse_sqrt, exponential or cosine.
        steps: updates that set the scale of the schedule.

    Raises:
        DescriptionError: an unknown schedule, or a number outside its range.

    >>> values = np.array([1.0, 2.0])
    >>> Adam(0.1).update(values, np.array([3.0, -0.01]))
    >>> values.round(6)
    array([0.9, 2.1])
    """

    def __init__(
        self,
        learning_rate: float,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        *,
        epsilon_hat: bool = False,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        schedule: str = "constant",
        steps: int | None = None,
    ) -> None:
        shared = common("adam", learning_rate, clip_norm, clip_value, schedule, steps)
        options = moments("adam", beta1, beta2, epsilon) | {"epsilon_hat": float(epsilon_hat)}
        self.steps = Steps(Adam, shared, Form(MOMENTS), **options)
        self.learning_rate = float(learning_rate)

    def update(self, values: np.ndarray, gradient: np.ndarray) -> None:
        """Changes `values` (p,) in place along `gradient` (p,), in the precision of `values`."""
        self.steps.take(values, gradient)

    def follow(self, old: np.ndarray) -> None:
        """Parameter i was number `old[i]` until now; -1: it is new, and nothing moves it."""
        self.steps.follow(old)


OPTIMIZER = Adam
