"""Weights through which sensitivities pass, where a rule replaces those of the network.

Feedback alignment (Lillicrap, Cownden, Tweed & Akerman 2016, Nature Communications 7:13276) in our
terms: the row of readout o gathers b_ok q_k instead of w_ok q_k, so a hidden unit's learning signal
is sum_o b_ok dL/dy_o, seen through the readout's own filter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.errors import unknown
from neuro_rtrl.network.wiring import weights as drawn_weights

Replace = Callable[[Built], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Feedback:
    """Which synapses get other weights for their sensitivities.

    Attributes:
        replace: (synapses, weights) of those that do.
        decay: None: they are fixed. A number: they change as the synapses' own weights do, and
            lose this share at every update (Kolen & Pollack 1994; Bellec et al. 2020, adaptive
            e-prop).
        given: whether users may give the weights themselves.
    """

    replace: Replace
    decay: float | None = None
    given: bool = False


class Route:
    """The weights through which sensitivities pass, kept up with those of the network."""

    def __init__(self, built: Built, feedback: Feedback | None) -> None:
        self.places, self.fixed = np.zeros(0, np.int64), np.zeros(0)
        self.decay = None if feedback is None else feedback.decay
        self._carried: np.ndarray | None = None
        if feedback is not None:
            self.places, self.fixed = feedback.replace(built)
            self._carried = built.values.copy()
        self._seen = built.values[self.places]

    def follow(self, before: Route, old: np.ndarray) -> None:
        """Keeps the feedback of `before` for synapses that were there; `old` are their numbers."""
        places, at = old[self.places], np.full(old.max(initial=0) + 2, -1, np.int64)
        known = before.places[before.places < at.size - 1]
        at[known] = np.flatnonzero(before.places < at.size - 1)
        there = np.flatnonzero(at[places] >= 0)
        # What survives has learned since it was last seen; adaptive feedback is still to follow.
        self.fixed[there] = before.fixed[at[places[there]]]
        self._seen[there] = before._seen[at[places[there]]]

    def replaced(self, values: np.ndarray) -> np.ndarray:
        """(places,) the weights that stand in for those of the network, kept up with them."""
        if self.decay is not None:
            change = values[self.places] - self._seen
            if change.any():
                self.fixed = (1.0 - self.decay) * self.fixed + change
                self._seen = values[self.places]
        return self.fixed

    def weights(self, values: np.ndarray) -> np.ndarray:
        """(parameters,) what sensitivities are multiplied by."""
        if self._carried is None:
            return values
        self._carried[:] = values
        self._carried[self.places] = self.replaced(values)
        return self._carried


def synapses_between(built: Built, sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Synapses from units where `sources` (N,) holds to units where `targets` (N,) holds."""
    wiring, n = built.plan.wiring, built.plan.n
    source, target = wiring.source, wiring.wires.target
    between = source < n
    chosen = between & targets[target]
    chosen[between] &= sources[source[between]]
    return np.flatnonzero(chosen)


def units_of(built: Built, names: list[str]) -> np.ndarray:
    """(N,) whether a unit belongs to one of the populations."""
    found = np.zeros(built.plan.n, bool)
    for population in built.plan.populations:
        if population.name in names:
            first = built.plan.first[population.name]
            found[first : first + population.n] = True
    return found


def to_readouts(built: Built, *, auxiliary: bool = False) -> np.ndarray:
    """Synapses from spiking units to readouts (to the auxiliary ones, or to the others)."""
    spiking = [p.name for p in built.plan.populations if p not in built.plan.readouts]
    readouts = [p.name for p in built.plan.readouts if p.auxiliary is auxiliary]
    return synapses_between(built, units_of(built, spiking), units_of(built, readouts))


def random_feedback(built: Built) -> tuple[np.ndarray, np.ndarray]:
    """Normal weights for all synapses to readouts, as large as the weights there are."""
    places = to_readouts(built)
    own = built.values[places]
    size = float(np.sqrt(np.mean(own[own != 0] ** 2))) if own.any() else 1.0
    rng = np.random.default_rng([built.plan.net.seed, 5])
    return places, size * rng.standard_normal(places.size)


def with_weights(feedback: Feedback, weights: Mapping[str, Any]) -> Feedback:
    """The same, with the weights that a user gives for some projections."""

    def given(built: Built) -> tuple[np.ndarray, np.ndarray]:
        places, values = feedback.replace(built)
        net, values = built.plan.net, values.copy()
        synapses = built.plan.wiring.places
        known = {n: e for n, e in synapses.items() if e.size and np.isin(e, places).all()}
        for number, (name, value) in enumerate(weights.items()):
            if name not in known:
                raise unknown("projection from spiking units to readouts", name, known)
            p, rng = net.projections[name], np.random.default_rng([net.seed, 6, number])
            made = drawn_weights(value, p.pre, p.post, (p.source.n, p.target.n), rng, name)
            values[np.searchsorted(places, known[name])] = made
        return places, values

    return replace(feedback, replace=given)


def no_feedback(built: Built) -> tuple[np.ndarray, np.ndarray]:
    """Zero for all synapses to readouts with targets."""
    places = to_readouts(built)
    return places, np.zeros(places.size)


def within_populations(built: Built) -> tuple[np.ndarray, np.ndarray]:
    """Zero for all synapses between units of one population."""
    wiring, n = built.plan.wiring, built.plan.n
    population = np.asarray(built.units.population)
    places = np.flatnonzero(wiring.source < n)
    same = population[wiring.source[places]] == population[wiring.wires.target[places]]
    return places[same], np.zeros(int(same.sum()))
