"""A network description -> everything that kernels need: arrays, native functions, storage."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from neuro_rtrl.compile import lean, native, source
from neuro_rtrl.engine.counting import Counting
from neuro_rtrl.engine.runs import with_runs
from neuro_rtrl.equations import surrogates
from neuro_rtrl.equations.derive import Derived
from neuro_rtrl.equations.evaluate import evaluate
from neuro_rtrl.errors import BuildError
from neuro_rtrl.kernels import layout
from neuro_rtrl.kernels.uncollected import uncollected
from neuro_rtrl.network.describe import Network, Population
from neuro_rtrl.network.plan import Plan, plan
from neuro_rtrl.network.wires import refuse_plastic


@dataclass
class Built:
    """A network ready to run.

    Attributes:
        plan: arrays of the description and names.
        units: populations and units for the kernels.
        sources: population -> generated source text.
        values: (parameters,) current values; what learning changes.
        shared: (populations,) coefficients that all units share.
        lanes: numbers of the runs that are made, so that each has noise of its own.
    """

    plan: Plan
    units: layout.Units
    sources: dict[str, str]
    natives: list[native.Native]
    values: np.ndarray
    widest: int
    shared: np.ndarray
    lanes: Counting = field(default_factory=Counting)

    @cached_property
    def outputs(self) -> tuple[np.ndarray, np.ndarray]:
        """(units, states) that a loss reads: every unit of every readout population, in order."""
        units, states = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for population in self.plan.readouts:
            if population.model is not None:
                first, model = self.plan.first[population.name], population.model
                place = [s.name for s in model.states].index(str(model.readout))
                units.append(np.arange(first, first + population.n))
                states.append(np.full(population.n, place))
        return np.concatenate(units), np.concatenate(states)

    @property
    def width(self) -> int:
        """Outputs that have targets; those of auxiliary populations come after them."""
        return sum(p.n for p in self.plan.readouts if not p.auxiliary)

    @cached_property
    def wires(self) -> layout.Wires:
        """Groups and synapses, in runs."""
        return with_runs(self.plan.wiring.wires, self.units)


@uncollected()
def build(net: Network, learn: bool = True) -> Built:
    """Compile the models of a network and lay out its arrays.

    Without `learn` models have the functions of compile/lean.py only, and no Jacobians.
    """
    if learn:
        refuse_plastic(net)
    made = plan(net)
    found = [_population(population, net.dt, learn) for population in made.populations]
    natives, coefficients = [x for x, _, _ in found], [x for _, x, _ in found]
    shared = np.array([x for _, _, x in found])
    units, widest = _units(made, natives, coefficients)
    sources = {p.name: c.source for p, c in zip(made.populations, natives, strict=True)}
    values = made.values.copy() if learn else made.values
    built = Built(made, units, sources, natives, values, widest, shared)
    if learn:
        from neuro_rtrl.engine.fresh_run import fill_constant_jacobians, make_run  # not needed else

        fill_constant_jacobians(built, np.ones_like(built.units.eager), make_run(built))
    else:
        next(built.lanes)  # that of the Jacobians: noise is the same with and without them
    return built


def _population(
    population: Population, dt: float, learn: bool = True
) -> tuple[native.Native, np.ndarray, int]:
    """Its functions, its coefficients, and how many of these all units share."""
    derived, model = population.derived, population.model
    if derived is None or model is None:
        raise BuildError(
            "inputs have no model", where=population.name, expected="a population of neurons"
        )
    values = derived.values(population.parameters, population.n, dt)
    if not learn:
        where = source.layout(values)
        compiled = native.compile_source(lean.source(derived, where))
        return compiled, where.pack(values, population.n), len(where.shared)
    if model.threshold is not None:
        surrogates.cutoff(model.surrogate)
        values = values | source.psi_values(model.surrogate)
    where = source.layout(values)
    compiled = native.compile_source(source.source(derived, model.surrogate, where))
    return compiled, where.pack(values, population.n), len(where.shared)


def hold_steps(population: Population, dt: float) -> np.ndarray:
    """(n,) refractory period in steps, counted as Brian2 does."""
    model = population.model
    if model is None or model.refractory is None:
        return np.zeros(population.n, dtype=np.int64)
    seconds = np.asarray(
        evaluate(model.refractory, population.parameters | {"dt": np.asarray(dt)}), float
    )
    if seconds.min() < 0:
        raise BuildError(
            "a negative refractory period",
            where=population.name,
            given=f"{seconds.min():g} s",
            expected="0 s or more",
        )
    steps = np.floor((seconds + 1e-3 * dt) / dt).astype(np.int64)
    return np.broadcast_to(steps, (population.n,)).copy()


def _units(
    made: Plan, natives: list[native.Native], coefficients: list[np.ndarray]
) -> tuple[layout.Units, int]:
    """Populations and units for the kernels, and the largest number of states of a unit."""
    populations = made.populations
    derived = [p.derived for p in populations if p.derived is not None]
    n = np.array([p.n for p in populations])
    d, a, m = (np.array([x.size[j] for x in derived]) for j in range(3))
    hold = [hold_steps(p, made.net.dt) for p in populations]
    units = layout.Units(
        first=np.array([made.first[p.name] for p in populations]),
        size=n,
        d=d,
        inputs=a,
        m=m,
        at_c=_starts([c.size for c in coefficients]),
        at_theta=made.at_theta,
        call=np.array([x.addresses for x in natives], dtype=np.int64),
        refractory=_flags(_ends(p, h) for p, h in zip(populations, hold, strict=True)),
        chance=_chance(derived),
        population=np.repeat(np.arange(len(populations)), n),
        hold=np.concatenate(hold),
        c=np.concatenate(coefficients),
        flow_d=np.zeros(int((n * d * d).sum())),
        held_d=np.zeros(int((n * d * d).sum())),
        initial=_initial(populations),
        **_places(n, d, a, m),
        **_kinds(derived),
    )
    return units, int(d.max())


def _ends(population: Population, hold: np.ndarray) -> int:
    """What ends the refractoriness of a population; periods of 0 steps are none."""
    model = population.model
    if model is not None and model.refractory_while is not None:
        return layout.CONDITION
    return layout.PERIOD if hold.max(initial=0) > 0 else 0


def _chance(derived: list[Derived]) -> np.ndarray:
    """The distribution of each input that is a random channel."""
    made = np.zeros((len(derived), max(len(x.inputs) for x in derived)), dtype=np.uint8)
    for row, x in zip(made, derived, strict=True):
        collecting = len(x.model.inputs)
        for v, name in enumerate(x.model.noise, collecting):
            row[v] = layout.UNIFORM if name.startswith("rand_") else layout.NORMAL
    return made


def _places(n: np.ndarray, d: np.ndarray, a: np.ndarray, m: np.ndarray) -> dict[str, np.ndarray]:
    """Where each population begins in flat arrays of that many numbers a unit."""
    return {
        "at_h": _starts(n * d),
        "at_a": _starts(n * a),
        "at_dd": _starts(n * d * d),
        "at_df": _starts(n * d * a),
        "at_dm": _starts(n * d * m),
        "at_m": _starts(n * m),
    }


def _kinds(derived: list[Derived]) -> dict[str, np.ndarray]:
    """What each population does and does not."""
    models = [x.model for x in derived]
    constant = np.array([x.constant for x in derived])
    driven = np.array([len(x.model.inputs) > 0 or x.size[2] > 0 for x in derived])
    widest = max(len(x.states) for x in models)
    blind, jumps = np.zeros((2, len(models), widest), dtype=np.uint8)
    for p, model in enumerate(models):
        blind[p, : len(model.states)] = [s.held for s in model.states]
        jumps[p, : len(model.states)] = [model.differentiates(s.name) for s in model.states]
    return {
        "spiking": _flags(x.threshold is not None for x in models),
        "resets": _flags(bool(x.reset) for x in models),
        "reset_gradient": _flags(jumps.any(axis=1)),
        "jumps": jumps,
        "constant": _flags(constant),
        "eager": _flags(~constant | driven),
        "blind": blind,
    }


def _initial(populations: list[Population]) -> np.ndarray:
    """Initial states, population by population, state by state."""
    return np.concatenate(
        [
            np.broadcast_to(p.initial[state.name], (p.n,))
            for p in populations
            if p.model is not None
            for state in p.model.states
        ]
    ).astype(float)


def _starts(sizes: object) -> np.ndarray:
    counts = np.asarray(sizes, dtype=np.int64)
    return np.cumsum(counts) - counts


def _flags(values: object) -> np.ndarray:
    return np.array(list(values), dtype=np.uint8)  # type: ignore[call-overload]


def noise_seed(seed: int, lane: int) -> np.ndarray:
    """(1,) the generator of noise of run number `lane` of a built network, at its start.

    >>> noise_seed(0, 1).dtype
    dtype('uint64')
    """
    return np.random.default_rng([seed, lane, 4]).integers(1, 2**63, 1, np.uint64)
