"""Pruning by magnitude on a schedule: the smallest weights go until a density is reached.

M. Zhu and S. Gupta, "To prune, or not to prune: exploring the efficacy of pruning for model
compression", arXiv:1710.01878, 2017, equation 1. With s the share of pairs without a synapse,

    s_t = s_f + (s_i - s_f) (1 - (t - t_0)/(t_1 - t_0))^3,    t = t_0, t_0 + every, ..., t_1
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.contracts_rewiring import Change, Synapses
from neuro_rtrl.errors import BuildError, check_option
from neuro_rtrl.network.rewired import possible
from neuro_rtrl.rewiring._options import count, fraction, smallest, without


class MagnitudePruning:
    """The smallest weights go, fast at first and then ever more slowly.

    Args:
        density: share of all pairs that have a synapse at the end, above 0.
        begin: updates before the first pruning (t_0).
        end: updates after which the density is reached (t_1).
        every: updates from one pruning to the next.

    Raises:
        DescriptionError: a number lies outside its range; BuildError (when it is started): the
            projection is sparser already.

    >>> net = Synapses("w", np.arange(4), np.zeros(4, int), np.array([3.0, -1, 2, 0]), (4, 1), True)
    >>> rewirer = MagnitudePruning(0.5, end=1, every=1).start(net, np.random.default_rng(0))
    >>> rewirer.update(net, np.zeros(4)).keep.tolist()
    [True, False, True, False]
    """

    def __init__(self, density: float, end: int, begin: int = 0, every: int = 10) -> None:
        self.density = fraction("magnitude", "density", density)
        self.begin, self.end = count("magnitude", "begin", begin, 0), count("magnitude", "end", end)
        check_option(
            "magnitude", "end", end, self.end > self.begin, f"more than begin ({self.begin})"
        )
        self.every = count("magnitude", "every", every)

    def start(self, synapses: Synapses, rng: np.random.Generator) -> _Smallest:
        """Takes care of one projection."""
        return _Smallest(self, synapses)

    def density_after(self, updates: int, initial: float) -> float:
        """The density that is due, of a projection that had the density `initial`."""
        done = min(max((updates - self.begin) / (self.end - self.begin), 0.0), 1.0)
        # 1 - s_t, with s_i = 1 - initial and s_f = 1 - density
        return self.density + (initial - self.density) * (1.0 - done) ** 3


class _Smallest:
    def __init__(self, options: MagnitudePruning, synapses: Synapses) -> None:
        self._options, self._updates = options, 0
        self._pairs = possible(synapses.shape, synapses.self_connections)
        self._initial = synapses.pre.size / max(self._pairs, 1)
        if self._initial < options.density:
            raise BuildError(
                "the projection is sparser already than it is to become",
                where=f"rewiring: {synapses.name}: density",
                given=options.density,
                expected=f"at most its density now, {self._initial:.3g}",
                remedy="Connect it with a higher density, or leave it out.",
            )

    def update(self, synapses: Synapses, gradient: np.ndarray) -> Change | None:
        """Who goes, if it is time."""
        options = self._options
        self._updates += 1
        late = self._updates == options.end
        if (self._updates - options.begin) % options.every and not late:
            return None
        wanted = options.density_after(self._updates, self._initial) * self._pairs
        surplus = synapses.pre.size - round(wanted)
        if surplus <= 0 or self._updates > options.end:
            return None
        return without(synapses, smallest(synapses.weights, surplus))


REWIRING = MagnitudePruning
