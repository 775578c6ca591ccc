"""Describing a network: populations and projections. Nothing runs here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neuro_rtrl.contracts import SECOND, Model, Port
from neuro_rtrl.equations.derive import Derived, derive
from neuro_rtrl.equations.model_text import load_model, with_changes
from neuro_rtrl.equations.units import quantity
from neuro_rtrl.errors import BuildError, DescriptionError, unknown
from neuro_rtrl.network import plasticity as plastic
from neuro_rtrl.network import wiring
from neuro_rtrl.network.arguments import (
    as_expression,
    count,
    free_name,
    names,
    places,
    with_surrogate,
    within,
)
from neuro_rtrl.network.pair_values import Ends, is_expression, is_plain, pair_values
from neuro_rtrl.network.pairing import Pairing
from neuro_rtrl.network.values import parameters_and_states


@dataclass(eq=False)
class Population:
    """Units of one kind. `model` is None for inputs; `parameters` and `initial` are in SI units.

    `auxiliary` units were put in by a rule (network/auxiliary.py): they have no targets.
    """

    name: str
    n: int
    model: Model | None = None
    parameters: dict[str, np.ndarray] = field(default_factory=dict)
    initial: dict[str, np.ndarray] = field(default_factory=dict)
    learn: tuple[str, ...] = ()
    derived: Derived | None = None
    auxiliary: bool = False
    positions: np.ndarray | None = None


@dataclass(eq=False)
class Projection:
    """Synapses from one population to another; synapse e is pre[e] -> post[e].

    Attributes:
        weights: (synapses,) float64, may be changed before a learner or simulation is made.
        delay: (synapses,) in steps.
        port: the entry of the target's model that the arrivals use.
        learn: whether the weights are learned.
        self_connections: whether a unit may come to be connected to itself.
        spread: delays that new synapses may have, in steps; None: the wiring is fixed.
        plasticity: how the weights change as a simulation runs; None: they stay as they are.
    """

    name: str
    source: Population
    target: Population
    pre: np.ndarray
    post: np.ndarray
    weights: np.ndarray
    delay: np.ndarray
    port: Port
    learn: bool
    self_connections: bool = True
    spread: np.ndarray | None = None
    plasticity: plastic.Plasticity | None = None


class Network:
    """A network to be described step by step.

    Args:
        dt: time step, as a quantity.
        seed: of every random draw (parameters, wiring, weights).

    >>> net = Network(dt="1 ms", seed=1)
    >>> x = net.inputs(3)
    >>> hidden = net.neurons(4, "lif", tau_m="10 ms", surrogate={"width": 0.3})
    >>> net.connect(x, hidden, weights=0.5).weights.size
    12
    """

    def __init__(self, dt: str | float = "1 ms", seed: int = 0) -> None:
        if not isinstance(dt, str):
            within(dt, 0.0, 1e6, "dt")
        self.dt = quantity(dt, SECOND) if isinstance(dt, str) else float(dt)
        if not 0 < self.dt < 1e6:
            raise DescriptionError(
                "the time step is out of range", where="dt", given=dt, expected='a time like "1 ms"'
            )
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
            raise DescriptionError(
                "the seed is not usable", where="seed", given=seed, expected="a whole number from 0"
            )
        self.seed = int(seed)
        self.populations: dict[str, Population] = {}
        self.projections: dict[str, Projection] = {}

    def inputs(self, n: int, name: str | None = None, *, positions: Any = None) -> Population:
        """`n` sources whose events (spikes or values) are given from outside at every step."""
        population = Population(self._name(name, "input"), count(n))
        population.positions = places(positions, population.n, population.name)
        self.populations[population.name] = population
        return population

    def neurons(
        self,
        n: int,
        model: str | Path | Model,
        *,
        name: str | None = None,
        threshold: str | None = None,
        reset: str | None = None,
        refractory: str | None = None,
        method: str | None = None,
        surrogate: Any = None,
        reset_gradient: bool | Sequence[str] | None = None,
        learn: Sequence[str] = (),
        initial: dict[str, Any] | None = None,
        positions: Any = None,
        **parameters: Any,
    ) -> Population:
        """`n` units of a neuron model.

        Args:
            model: name of a shipped text, path of a `.toml`, or a `Model`.
            threshold, reset, refractory, method: replace that line of the text.
            surrogate: a `Surrogate`, a shape's name, or a dict of shape, height, width, cutoff.
            reset_gradient: whether the reset takes part in the gradient; or the names of the states
                whose jumps do.
            learn: unit parameters that learn (`"bias"`).
            initial: initial states, in the forms that parameters have.
            positions: (n, axes) numbers, up to three axes: x, y, z in expressions of `connect`.
            parameters: values of the model's parameters: a number, "20 ms", an array (n,) in SI
                units, a distribution such as "normal(20 ms, 2 ms)", or an expression of other
                parameters, of the unit's number i (of N) and of rand() and randn().

        Raises:
            DescriptionError: an unknown name, a wrong unit or shape.
        """
        texts = {"threshold": threshold, "reset": reset, "refractory": refractory, "method": method}
        changes: dict[str, Any] = {k: v for k, v in texts.items() if v is not None}
        if reset_gradient is not None:
            changes["reset_gradient"] = (
                reset_gradient if isinstance(reset_gradient, bool) else [*names(reset_gradient)]
            )
        if "refractory" in changes:
            changes["refractory"] = as_expression(changes["refractory"])
        made = model if isinstance(model, Model) else load_model(model)
        made = with_changes(made, changes)
        label = self._name(name, made.name)
        if surrogate is not None:
            made = with_surrogate(made, surrogate, label)
        population = Population(label, count(n), made, learn=names(learn))
        population.positions = places(positions, population.n, label)
        rng = self._rng(0, len(self.populations))
        population.parameters, population.initial = parameters_and_states(
            made, population.n, label, rng, parameters, initial or {}
        )
        population.derived = derive(made, population.learn)
        self.populations[label] = population
        return population

    def connect(
        self,
        source: Population | str,
        target: Population | str,
        *,
        density: Any = None,
        indegree: int | None = None,
        outdegree: int | None = None,
        one_to_one: bool = False,
        pairs: Any = None,
        blocks: Any = None,
        weights: Any = None,
        delay: Any = "0 ms",
        port: str | None = None,
        learn: bool = True,
        self_connections: bool = True,
        plasticity: Any = None,
        modulator: Population | str | None = None,
        name: str | None = None,
    ) -> Projection:
        """Synapses from `source` to `target`.

        Args:
            density: probability of each pair: a number (1 by default), an expression such as
                "0.5*exp(-distance**2/0.02)", or a matrix with one row and column for each of the
                `blocks`, which are two lists of labels (one for each source, one for each target).
            indegree, outdegree: instead, sources of each target, or targets of each source.
            one_to_one: instead, unit i to unit i.
            pairs: instead, two index lists (pre, post).
            weights: a number, an array (synapses,), a matrix (n_source, n_target), a distribution,
                an expression, "glorot_normal", or None: normal with standard deviation
                1/sqrt(fan-in). Names of expressions are in network/pair_values.py. Numbers are in
                SI base units; a text may have the entry's own unit: "6 nS".
            delay: "2 ms", an array (synapses,) in seconds, a distribution, or an expression.
            port: entry of the target's model (its first one by default).
            learn: whether the weights learn.
            self_connections: whether a unit may connect to itself.
            plasticity: synapse model by which the weights change in a simulation: the name of a
                shipped text ("stdp"), a path, a `Synapse`, or {"name": "stdp", "tau_pre": "9 ms",
                "initial": {...}}. Learners refuse such a network: they change weights themselves.
            modulator: population whose events are the rewards of such a model.

        Raises:
            DescriptionError: an unknown name, an index out of range, a wrong shape.
        """
        a, b = self._find(source), self._find(target)
        label = self._label(f"{a.name}_{b.name}", name)
        rng = self._rng(1, len(self.projections))
        rule = Pairing(density, indegree, outdegree, one_to_one, pairs, blocks, self_connections)
        ends = Ends(a.n, b.n, (a.positions, b.positions), a is b)
        pre, post = rule.draw(ends, rng, label)
        given = plastic.read(plasticity, f"{label}: plasticity")
        entry = plastic.port_for(given, b.name, b.model, port, label)
        if is_expression(weights):
            unit = () if is_plain(weights, ends) else entry.dimension
            weights = pair_values(weights, ends, pre, post, rng, unit, f"{label}: weights")
        if is_expression(delay):
            delay = pair_values(delay, ends, pre, post, rng, SECOND, f"{label}: delay")
        made = Projection(
            label,
            a,
            b,
            pre,
            post,
            wiring.weights(
                weights, pre, post, (a.n, b.n), rng, f"{label}: weights", entry.dimension
            ),
            wiring.delays(delay, pre.size, self.dt, rng, f"{label}: delay"),
            entry,
            bool(learn),
            bool(self_connections),
        )
        self._modulate(made, given, modulator, rng)
        if a.model is not None and a.model.threshold is None:
            raise BuildError(
                "this population never emits events",
                where=label,
                given=f"a projection from {a.name} ({a.model.name})",
                expected="a source with a threshold, or inputs",
            )
        self.projections[label] = made
        return made

    def _modulate(
        self, made: Projection, given: plastic.Given | None, modulator: Any, rng: Any
    ) -> None:
        """Gives the projection its plasticity."""
        source = None if modulator is None else self._find(modulator)
        if given is not None:
            made.plasticity = plastic.fit(given, made.port, made.pre.size, rng, source, made.name)
        elif source is not None:
            raise DescriptionError(
                "nothing to modulate",
                where=made.name,
                given=f"modulator = {source.name}",
                expected='plasticity="stdp_reward", or another with on_reward',
            )

    def _rng(self, kind: int, index: int) -> np.random.Generator:
        """One branch of the seed's tree for each population (0) and projection (1)."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(kind, index)))

    def _find(self, given: Population | str) -> Population:
        if isinstance(given, Population) and given in self.populations.values():
            return given
        if isinstance(given, str) and given in self.populations:
            return self.populations[given]
        name = given.name if isinstance(given, Population) else given
        raise unknown("population of this network", name, self.populations)

    def _name(self, name: str | None, stem: str) -> str:
        return free_name(name, stem, self.populations, "population")

    def _label(self, stem: str, name: str | None) -> str:
        return free_name(name, stem, self.projections, "projection")
