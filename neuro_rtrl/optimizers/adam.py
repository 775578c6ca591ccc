"""Adam: steps scaled by running moments of the gradient (Kingma & Ba 2015, Algorithm 1).

D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015,
arXiv:1412.6980. The bias corrections are Algorithm 1's own, not the shortened form of its
section 2, so epsilon is added to the square root of the corrected second moment.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.errors import DescriptionError


class Adam:
    """Adam with the paper's default rates of decay.

    Args:
        learning_rate: alpha, about the largest change of a value in one step; above 0.
        beta1: decay of the running mean of the gradient, in [0, 1).
        beta2: decay of the running mean of its square, in [0, 1).
        epsilon: keeps the division finite; above 0.

    Raises:
        DescriptionError: a number lies outside its range.

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
    ) -> None:
        _check("learning_rate", learning_rate, learning_rate > 0, "a number above 0")
        _check("beta1", beta1, 0 <= beta1 < 1, "a number in [0, 1)")
        _check("beta2", beta2, 0 <= beta2 < 1, "a number in [0, 1)")
        _check("epsilon", epsilon, epsilon > 0, "a number above 0")
        self.learning_rate = float(learning_rate)
        self.beta1, self.beta2, self.epsilon = float(beta1), float(beta2), float(epsilon)
        self._t = 0
        self._m: np.ndarray | None = None
        self._v: np.ndarray | None = None

    def update(self, values: np.ndarray, gradient: np.ndarray) -> None:
        """Changes `values` (p,) in place along `gradient` (p,), in the precision of `values`."""
        if self._m is None or self._v is None:
            self._m, self._v = np.zeros_like(values), np.zeros_like(values)
        self._t += 1
        # m_t = beta1 m_{t-1} + (1 - beta1) g_t
        self._m *= self.beta1
        self._m += (1 - self.beta1) * gradient
        # v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
        self._v *= self.beta2
        self._v += (1 - self.beta2) * gradient * gradient
        # theta_t = theta_{t-1} - alpha (m_t / (1 - beta1^t)) / (sqrt(v_t / (1 - beta2^t)) + eps)
        mean = self._m / (1 - self.beta1**self._t)
        scale = np.sqrt(self._v / (1 - self.beta2**self._t)) + self.epsilon
        values -= self.learning_rate * mean / scale


def _check(name: str, given: float, good: bool, expected: str) -> None:
    if not good:
        raise DescriptionError(
            f"{name} is out of range", where=f"adam: {name}", given=given, expected=expected
        )


OPTIMIZER = Adam
