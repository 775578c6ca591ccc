"""A network description -> everything that kernels need: arrays, native functions, storage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuro_rtrl.compile import native, source
from neuro_rtrl.equations import surrogates
from neuro_rtrl.errors import BuildError
from neuro_rtrl.kernels import layout
from neuro_rtrl.kernels.entry import local_jacobians, start_run
from neuro_rtrl.network.describe import Network, Population
from neuro_rtrl.network.plan import Plan, plan


@dataclass
class Built:
    """A network ready to run.

    Attributes:
        plan: arrays of the description and names.
        units: populations and units for the kernels.
        sources: population -> generated source text.
        values: (parameters,) current values; what learning changes.
    """

    plan: Plan
    units: layout.Units
    sources: dict[str, str]
    natives: list[native.Native]
    values: np.ndarray
    widest: int

    @property
    def wires(self) -> layout.Wires:
        """Groups and synapses."""
        return self.plan.wiring.wires


def build(net: Network) -> Built:
    """Compile the models of a network and lay out its arrays."""
    made = plan(net)
    natives, coefficients = [], []
    for population in made.populations:
        compiled, packed = _population(population, net.dt)
        natives.append(compiled)
        coefficients.append(packed)
    units, widest = _units(made, natives, coefficients)
    sources = {p.name: c.source for p, c in zip(made.populations, natives, strict=True)}
    built = Built(made, units, sources, natives, made.values.copy(), widest)
    _fill_constant_jacobians(built)
    return built


def _population(population: Population, dt: float) -> tuple[native.Native, np.ndarray]:
    derived, model = population.derived, population.model
    if derived is None or model is None:
        raise BuildError("inputs have no model", where=population.name)
    values = derived.values(population.parameters, population.n, dt)
    if model.threshold is not None:
        surrogates.cutoff(model.surrogate)
        values = values | source.psi_values(model.surrogate)
    where = source.layout(values)
    compiled = native.compile_source(source.source(derived, model.surrogate, where))
    return compiled, where.pack(values, population.n)


def hold_steps(population: Population, dt: float) -> np.ndarray:
    """(n,) refractory period in steps, counted as Brian2 does."""
    from neuro_rtrl.equations.evaluate import evaluate

    model = population.model
    if model is None or model.refractory is None:
        return np.zeros(population.n, dtype=np.int64)
    seconds = np.asarray(evaluate(model.refractory, population.parameters), float)
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
    populations = made.populations
    derived = [p.derived for p in populations if p.derived is not None]
    models = [x.model for x in derived]
    n = np.array([p.n for p in populations])
    d, a, m = (np.array([x.size[j] for x in derived]) for j in range(3))
    hold = [hold_steps(p, made.net.dt) for p in populations]
    widest = int(d.max())
    blind = np.zeros((len(populations), widest), dtype=np.uint8)
    for row, model in zip(blind, models, strict=True):
        row[: len(model.states)] = [s.held for s in model.states]
    constant = np.array([x.constant for x in derived])
    initial = [np.broadcast_to(p.initial[s], (p.n,)) for p, x in zip(populations, derived, strict=True) for s in x.states]
    units = layout.Units(
        first=np.array([made.first[p.name] for p in populations]),
        size=n,
        d=d,
        inputs=a,
        m=m,
        at_h=_starts(n * d),
        at_a=_starts(n * a),
        at_c=_starts([c.size for c in coefficients]),
        at_theta=made.at_theta,
        at_dd=_starts(n * d * d),
        at_df=_starts(n * d * a),
        at_dm=_starts(n * d * m),
        at_m=_starts(n * m),
        call=np.array([x.addresses for x in natives], dtype=np.int64),
        spiking=_flags(x.threshold is not None for x in models),
        resets=_flags(bool(x.reset) for x in models),
        reset_gradient=_flags(x.reset_gradient for x in models),
        constant=_flags(constant),
        eager=_flags(~constant | (m > 0) | (a > 0)),
        refractory=_flags(h.max(initial=0) > 0 for h in hold),
        blind=blind,
        population=np.repeat(np.arange(len(populations)), n),
        hold=np.concatenate(hold),
        c=np.concatenate(coefficients),
        flow_d=np.zeros(int((n * d * d).sum())),
        held_d=np.zeros(int((n * d * d).sum())),
        initial=np.concatenate(initial).astype(float),
    )
    return units, widest


def _starts(sizes: object) -> np.ndarray:
    counts = np.asarray(sizes, dtype=np.int64)
    return np.cumsum(counts) - counts


def _flags(values: object) -> np.ndarray:
    return np.array(list(values), dtype=np.uint8)  # type: ignore[call-overload]


def _fill_constant_jacobians(built: Built) -> None:
    """D of constant populations, free and refractory, from the derived functions themselves."""
    run = make_run(built)
    every = built.units._replace(eager=np.ones_like(built.units.eager))
    for held, target in ((0, built.units.flow_d), (1, built.units.held_d)):
        run.held[:] = held
        local_jacobians(every, built.values, run)
        target[:] = run.D


def make_run(built: Built) -> layout.Run:
    """Fresh state of one lane of the simulation."""
    units, wires = built.units, built.wires
    n, sources, groups = units.population.size, wires.group.size - 1, wires.delay.size
    events = sources * int(wires.ring[0] + 2)
    d, a, m = units.d, units.inputs, units.m
    size = units.size
    longest = built.widest + built.widest**2 + built.widest * int(m.max(initial=0)) + 1

    def whole(count: int) -> np.ndarray:
        return np.zeros(int(count), dtype=np.int64)

    def real(count: int) -> np.ndarray:
        return np.zeros(int(count))

    run = layout.Run(
        clock=whole(layout.CLOCK_SIZE),
        count=whole(4),
        h=units.initial.copy(),
        a=real((size * a).sum()),
        y=real(n),
        s=np.zeros(n, np.uint8),
        held=np.zeros(n, np.uint8),
        last=whole(n),
        live=whole(n),
        free=whole(events),
        source=whole(events),
        value=real(events),
        emitted=whole(events),
        next_group=whole(events),
        link=whole(events),
        row=whole(events),
        head=whole(wires.ring[0]),
        tail=whole(wires.ring[0]),
        done=whole(events),
        arrived=np.zeros((2, groups + 1), np.int64),
        deferred=np.zeros((2, groups + 1), np.int64),
        D=real((size * d * d).sum()),
        F=real((size * d * a).sum()),
        U=real((size * d * m).sum()),
        ds=real((size * d).sum()),
        dy=real((size * d).sum()),
        dst=real((size * m).sum()),
        dyt=real((size * m).sum()),
        work=real(longest),
    )
    start_run(units, run)
    return run
