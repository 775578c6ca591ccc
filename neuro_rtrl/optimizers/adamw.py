"""AdamW: Adam with a decay of the weights that is not scaled by the moments.

I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019, arXiv:1711.05101,
Algorithm 2. As in common use the decay is multiplied by the learning rate: their lambda is
learning_rate * weight_decay here.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.errors import check_option
from neuro_rtrl.kernels.descent import MOMENTS
from neuro_rtrl.optimizers._descent import Form, Steps
from neuro_rtrl.optimizers._moments import moments
from neuro_rtrl.optimizers._options import common


class AdamW:
    """Adam and, beside it, a pull of every value towards 0.

    Args:
        learning_rate: alpha, about the largest change of a value in one step; above 0.
        beta1: decay of the running mean of the gradient, in [0, 1).
        beta2: decay of the running mean of its square, in [0, 1).
        epsilon: keeps the division finite; above 0.
        weight_decay: fraction of a value that is taken away in a step, per learning rate; from 0.
        clip_norm: largest norm of a gradient; longer ones are shortened.
        clip_value: largest absolute value in a gradient.
        schedule: constant, inverse_sqrt, exponential or cosine.
        steps: updates that set the scale of the schedule.

    Raises:
        DescriptionError: an unknown schedule, or a number outside its range.

    >>> values = np.array([1.0, 2.0])
    >>> AdamW(0.1, weight_decay=0.5).update(values, np.array([3.0, 0.0]))
    >>> values.round(6)
    array([0.85, 1.9 ])
    """

    def __init__(
        self,
        learning_rate: float,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
        *,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        schedule: str = "constant",
        steps: int | None = None,
    ) -> None:
        shared = common("adamw", learning_rate, clip_norm, clip_value, schedule, steps)
        options = moments("adamw", beta1, beta2, epsilon)
        check_option("adamw", "weight_decay", weight_decay, weight_decay >= 0, "a number from 0")
        self.steps = Steps(AdamW, shared, Form(MOMENTS), decay=weight_decay, **options)
        self.learning_rate, self.weight_decay = float(learning_rate), float(weight_decay)

    def update(self, values: np.ndarray, gradient: np.ndarray) -> None:
        """Changes `values` (p,) in place along `gradient` (p,), in the precision of `values`."""
        self.steps.take(values, gradient)

    def follow(self, old: np.ndarray) -> None:
        """Parameter i was number `old[i]` until now; -1: it is new, and nothing moves it."""
        self.steps.follow(old)


OPTIMIZER = AdamW
