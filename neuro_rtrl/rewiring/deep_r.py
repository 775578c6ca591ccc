"""DEEP R: weights that reach 0 go, and as many come elsewhere; how many there are never changes.

G. Bellec, D. Kappel, W. Maass and R. Legenstein, "Deep rewiring: training very sparse deep
networks", ICLR 2018, arXiv:1711.05136, Algorithm 1. A synapse k has a sign s_k and w_k = s_k
theta_k; beside the optimizer's step along the gradient, at each update

    theta_k <- theta_k - eta alpha + sqrt(2 eta T) nu_k,    nu_k ~ N(0, 1)

and one with theta_k < 0 becomes dormant. For each of these a pair without a synapse, all equally
likely, gets one with theta = 0 and a sign drawn at random.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.contracts_rewiring import Change, Synapses
from neuro_rtrl.errors import check_option
from neuro_rtrl.network.rewired import absent_pairs
from neuro_rtrl.rewiring._options import count, number


class DeepR:
    """Rewiring at random, driven by noise and by a pull towards 0.

    Args:
        learning_rate: eta of the pull and the noise; usually that of the optimizer.
        l1: alpha, the pull towards 0; from 0.
        temperature: T, the strength of the noise; from 0.
        excitatory: probability that a new synapse has a positive sign.
        every: updates from one time of rewiring to the next; what has become dormant in between
            stays at weight 0 until then.

    Raises:
        DescriptionError: a number lies outside its range.

    >>> synapses = Synapses("w", np.array([0]), np.array([1]), np.array([0.5]), (2, 2), True)
    >>> rewirer = DeepR().start(synapses, np.random.default_rng(0))
    >>> synapses.weights[:] = -0.1
    >>> change = rewirer.update(synapses, np.zeros(1))
    >>> change.keep.tolist(), change.pre.size, change.weights.tolist()
    ([False], 1, [0.0])
    """

    def __init__(
        self,
        learning_rate: float = 1e-3,
        l1: float = 1e-4,
        temperature: float = 0.0,
        excitatory: float = 0.5,
        every: int = 1,
    ) -> None:
        self.learning_rate = number("deep_r", "learning_rate", learning_rate, 0.0, "0 or more")
        self.l1 = number("deep_r", "l1", l1, 0.0, "a number from 0")
        self.temperature = number("deep_r", "temperature", temperature, 0.0, "a number from 0")
        share = number("deep_r", "excitatory", excitatory, 0.0, "a number in [0, 1]")
        check_option("deep_r", "excitatory", excitatory, share <= 1, "a number in [0, 1]")
        self.excitatory, self.every = share, count("deep_r", "every", every)

    def start(self, synapses: Synapses, rng: np.random.Generator) -> _Random:
        """Takes care of one projection; weights of 0 get a sign at random."""
        return _Random(self, synapses, rng)


class _Random:
    def __init__(self, options: DeepR, synapses: Synapses, rng: np.random.Generator) -> None:
        self._options, self._rng, self._updates = options, rng, 0
        w = synapses.weights
        self._sign = np.where(w == 0, self._signs(w.size), np.sign(w))
        self._dormant = np.zeros(w.size, bool)

    def _signs(self, count: int) -> np.ndarray:
        signs: np.ndarray = np.where(self._rng.random(count) < self._options.excitatory, 1.0, -1.0)
        return signs

    def update(self, synapses: Synapses, gradient: np.ndarray) -> Change | None:
        """The pull and the noise; then, if it is time, who goes and who comes."""
        options, w = self._options, synapses.weights
        eta, theta = options.learning_rate, self._sign * w
        # theta_k <- theta_k - eta alpha + sqrt(2 eta T) nu_k
        theta -= eta * options.l1
        if options.temperature > 0:
            nu = self._rng.standard_normal(theta.size)
            theta += np.sqrt(2 * eta * options.temperature) * nu
        self._dormant |= theta < 0
        theta[self._dormant] = 0.0
        w[:] = self._sign * theta
        self._updates += 1
        if self._updates % options.every or not self._dormant.any():
            return None
        return self._moved(synapses)

    def _moved(self, synapses: Synapses) -> Change | None:
        keep = ~self._dormant
        going = np.flatnonzero(self._dormant)
        pre, post = absent_pairs(
            synapses.pre[keep],
            synapses.post[keep],
            synapses.shape,
            synapses.self_connections,
            going.size,
            self._rng,
        )
        # Where pairs have several synapses there may be too few without: the rest starts again.
        keep[going[pre.size :]] = True
        self._sign = np.concatenate([self._sign[keep], self._signs(pre.size)])
        self._dormant = np.zeros(self._sign.size, bool)
        return Change(keep, pre, post, np.zeros(pre.size))


REWIRING = DeepR
