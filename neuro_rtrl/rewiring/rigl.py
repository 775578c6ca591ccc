"""RigL: the smallest weights go, and synapses come where the gradient asks for them.

U. Evci, T. Gale, J. Menick, P. S. Castro and E. Elsen, "Rigging the lottery: making all tickets
winners", ICML 2020, arXiv:1911.11134, Algorithm 1. Every `every` updates until `end` the k smallest
magnitudes go, and k absent synapses come, of weight 0, where |dL/dw| is largest;

    k = f(t) K,    f(t) = alpha/2 (1 + cos(t pi/end))

Forward in time there is no gradient of what is absent. So `trial` updates before, candidates get a
synapse of weight 0 that is held at 0: it changes nothing in the network, but has its own column of
influence like any other, so that its gradient is the rule's own, summed over these updates.
`candidates` times k of them are drawn at random; with all absent pairs as candidates the choice is
that of the paper, at the price of a dense influence matrix while they are on trial. As a new column
knows only events from its birth on, a trial should last as long as the task's memory.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.contracts_rewiring import Change, Synapses
from neuro_rtrl.errors import check_option
from neuro_rtrl.network.rewired import absent_pairs
from neuro_rtrl.rewiring._options import count, fraction, number, smallest


class RigL:
    """Rewiring by magnitude and gradient; the number of synapses stays, but for those on trial.

    Args:
        end: updates after which the wiring stays as it is.
        every: updates from one time of rewiring to the next.
        fraction: alpha, the share of synapses that move the first time.
        trial: updates that candidates are on trial, fewer than `every`.
        candidates: candidates for each place; those there are if they are fewer.

    Raises:
        DescriptionError: a number lies outside its range.
    """

    def __init__(
        self,
        end: int,
        every: int = 100,
        fraction: float = 0.3,
        trial: int = 1,
        candidates: float = 10.0,
    ) -> None:
        self.end, self.every = count("rigl", "end", end), count("rigl", "every", every)
        self.fraction = _fraction(fraction)
        self.trial = count("rigl", "trial", trial)
        check_option(
            "rigl", "trial", trial, self.trial < self.every, f"less than every ({self.every})"
        )
        self.candidates = number("rigl", "candidates", candidates, 1.0, "a number from 1")

    def start(self, synapses: Synapses, rng: np.random.Generator) -> _ByGradient:
        """Takes care of one projection."""
        return _ByGradient(self, synapses, rng)

    def moving(self, updates: int, count: int) -> int:
        """k: how many of `count` synapses move after `updates` updates."""
        # f(t) = alpha/2 (1 + cos(t pi/end))
        return int(self.fraction / 2 * (1 + np.cos(min(updates / self.end, 1.0) * np.pi)) * count)


def _fraction(given: float) -> float:
    return fraction("rigl", "fraction", given)


class _ByGradient:
    def __init__(self, options: RigL, synapses: Synapses, rng: np.random.Generator) -> None:
        self._options, self._rng, self._updates = options, rng, 0
        self._active = synapses.pre.size
        self._asked = np.zeros(0)

    def update(self, synapses: Synapses, gradient: np.ndarray) -> Change | None:
        """Candidates come, are held at 0, and the best of them take the places of the smallest."""
        synapses.weights[self._active :] = 0.0
        self._asked += gradient[self._active :]
        self._updates += 1
        options = self._options
        left = -self._updates % options.every
        if self._asked.size and left == 0:
            return self._chosen(synapses)
        due = self._updates + options.trial
        if left == options.trial % options.every and due <= options.end and not self._asked.size:
            return self._on_trial(synapses, due)
        return None

    def _on_trial(self, synapses: Synapses, due: int) -> Change | None:
        wanted = round(self._options.candidates * self._options.moving(due, self._active))
        pre, post = absent_pairs(
            synapses.pre,
            synapses.post,
            synapses.shape,
            synapses.self_connections,
            wanted,
            self._rng,
        )
        self._asked = np.zeros(pre.size)
        if pre.size == 0:
            return None
        return Change(np.ones(self._active, bool), pre, post, np.zeros(pre.size))

    def _chosen(self, synapses: Synapses) -> Change:
        moving = min(self._options.moving(self._updates, self._active), self._asked.size)
        keep = np.zeros(synapses.pre.size, bool)
        keep[: self._active] = True
        keep[smallest(synapses.weights[: self._active], moving)] = False
        best = np.argsort(-np.abs(self._asked), kind="stable")[:moving]
        keep[self._active + best] = True
        self._asked = np.zeros(0)
        none = np.zeros(0, np.int64)
        return Change(keep, none, none, np.zeros(0))


REWIRING = RigL
