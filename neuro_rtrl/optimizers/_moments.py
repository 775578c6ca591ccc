"""The running moments of Adam (Kingma & Ba 2015, Algorithm 1), which AdamW shares."""

from __future__ import annotations

import numpy as np

from neuro_rtrl.errors import RunFileError, check_option
from neuro_rtrl.optimizers._awake import Awake, followed


class Moments:
    """Running means of a gradient and of its square.

    Args:
        optimizer: its name, for errors.
        beta1, beta2: their decays, in [0, 1).
        epsilon: keeps the division finite; above 0.
        epsilon_hat: whether epsilon is added to the root of the moment that is not corrected.

    Raises:
        DescriptionError: a number lies outside its range.
    """

    def __init__(
        self,
        optimizer: str,
        beta1: float,
        beta2: float,
        epsilon: float,
        epsilon_hat: bool = False,
    ) -> None:
        check_option(optimizer, "beta1", beta1, 0 <= beta1 < 1, "a number in [0, 1)")
        check_option(optimizer, "beta2", beta2, 0 <= beta2 < 1, "a number in [0, 1)")
        check_option(optimizer, "epsilon", epsilon, epsilon > 0, "a number above 0")
        self.beta1, self.beta2, self.epsilon = float(beta1), float(beta2), float(epsilon)
        self.epsilon_hat = bool(epsilon_hat)
        self.t = 0
        self._awake = Awake()
        self._m: np.ndarray | None = None
        self._v: np.ndarray | None = None

    def direction(
        self, values: np.ndarray, gradient: np.ndarray
    ) -> tuple[np.ndarray | slice, np.ndarray]:
        """One more update: where the scaled mean gradient is not 0, and what it is there.

        In the precision of `values` (p,).

        Raises:
            RunFileError: the number of updates came from a checkpoint that no run has written.
        """
        if self.t < 0:
            raise RunFileError("a negative number of updates", given=self.t, expected="0 or more")
        if self._m is None or self._v is None:
            self._m, self._v = np.zeros_like(values), np.zeros_like(values)
        self.t += 1
        at = self._awake.places(gradient)
        m, v, g = self._m[at], self._v[at], gradient[at]
        # m_t = beta1 m_{t-1} + (1 - beta1) g_t
        m *= self.beta1
        m += (1 - self.beta1) * g
        # v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
        v *= self.beta2
        v += (1 - self.beta2) * g * g
        if not isinstance(at, slice):  # of a slice, m and v are the arrays themselves
            self._m[at], self._v[at] = m, v
            self._awake.rest(at, (m != 0) | (v != 0))
        # (m_t / (1 - beta1^t)) / (sqrt(v_t / (1 - beta2^t)) + epsilon), where
        # epsilon = epsilon_hat / sqrt(1 - beta2^t) in the form of section 2
        corrected = 1 - self.beta2**self.t
        epsilon = self.epsilon / np.sqrt(corrected) if self.epsilon_hat else self.epsilon
        scale = np.sqrt(v / corrected) + epsilon
        return at, m / (1 - self.beta1**self.t) / scale

    def follow(self, old: np.ndarray) -> None:
        """Parameter i was number `old[i]` until now; -1: it is new, and nothing moves it."""
        self._awake.follow(old)
        if self._m is not None and self._v is not None:
            self._m, self._v = followed(self._m, old), followed(self._v, old)
