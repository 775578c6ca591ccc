"""The units of the twin: one population, every state a dual number, every unit by itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neuro_rtrl.equations.derive import derive
from neuro_rtrl.equations.evaluate import evaluate
from neuro_rtrl.equations.surrogates import psi
from tests.reference.dual import FUNCTIONS, Dual, Number, gradient, value, variable
from tests.reference.noise import Noise

NEVER = -(10**9)


class Learned:
    """Numbers all learned values of a network from 0 to p - 1."""

    def __init__(self, net: Any) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        for name, projection in net.projections.items():
            if projection.learn:
                self.arrays[name] = np.asarray(projection.weights, float)
        for name, group in net.populations.items():
            for learned in group.learn:
                given = np.asarray(group.parameters[learned], float)
                self.arrays[f"{name}.{learned}"] = np.broadcast_to(given, group.n)
        self.start: dict[str, int] = {}
        self.p = 0
        for name, array in self.arrays.items():
            self.start[name] = self.p
            self.p += len(array)

    def variables(self, name: str) -> list[Dual]:
        """The values called `name` as independent variables."""
        first = self.start[name]
        return [variable(x, first + i, self.p) for i, x in enumerate(self.arrays[name])]

    def constant(self, x: float) -> Dual:
        """A number that depends on nothing learned."""
        return Dual(float(x), np.zeros(self.p))

    def split(self, gradients: np.ndarray) -> dict[str, np.ndarray]:
        """(..., p) -> name -> (..., values)."""
        return {
            name: gradients[..., self.start[name] : self.start[name] + len(array)]
            for name, array in self.arrays.items()
        }


class Group:
    """A population: states h, arrivals collected, spike s of this step, step of the last spike."""

    def __init__(self, population: Any, learned: Learned, dt: float) -> None:
        self.name, self.n, self.model = population.name, population.n, population.model
        self.derived = derive(self.model, tuple(population.learn))
        parameters = {k: np.asarray(v, float) for k, v in population.parameters.items()}
        self.known = self._known(population, parameters, learned, dt)
        self.gains = {
            name: np.broadcast_to(evaluate(port.gain, parameters | {"dt": np.asarray(dt)}), self.n)
            for name, port in self.model.ports.items()
        }
        self.rest = self._rest(parameters, dt)
        self.held = {s.name for s in self.model.states if s.held}
        self.h: list[dict[str, Number]] = [
            {s.name: learned.constant(self._initial(population, s, k)) for s in self.model.states}
            for k in range(self.n)
        ]
        self.collected = [self._nothing() for _ in range(self.n)]
        self.chance = [dict.fromkeys(self.model.noise, 0.0) for _ in range(self.n)]
        self.resting = [False] * self.n  # by a condition
        self.last = [NEVER] * self.n
        self.silent = learned.constant(0.0)
        self.spike = [self.silent] * self.n
        self.live = [False] * self.n

    def _known(
        self, population: Any, parameters: dict[str, np.ndarray], learned: Learned, dt: float
    ) -> list[dict[str, Number]]:
        """For each unit, what its expressions know besides its states: constants and theta."""
        constants = self.derived.values(parameters, self.n, dt) | {"dt": np.asarray(dt)}
        theta = {name: learned.variables(f"{self.name}.{name}") for name in population.learn}
        return [
            {name: float(np.broadcast_to(x, self.n)[k]) for name, x in constants.items()}
            | {name: variables[k] for name, variables in theta.items()}
            for k in range(self.n)
        ]

    def _initial(self, population: Any, state: Any, k: int) -> float:
        given = population.initial.get(state.name, state.initial)
        return float(np.broadcast_to(given, self.n)[k])

    def _rest(self, parameters: dict[str, np.ndarray], dt: float) -> list[int]:
        """Refractory periods in steps, compared as Brian2's `timestep` does."""
        if self.model.refractory is None:
            return [0] * self.n
        seconds = np.broadcast_to(
            evaluate(self.model.refractory, parameters | {"dt": np.asarray(dt)}), self.n
        )
        return [math.floor(x / dt + 1e-3) for x in seconds]

    def _nothing(self) -> dict[str, Number]:
        return dict.fromkeys(self.model.inputs, 0.0)

    def _evaluate(self, expression: Any, k: int) -> Any:
        known = self.known[k] | self.h[k] | self.collected[k] | self.chance[k]
        return evaluate(expression, known, FUNCTIONS)

    def refractory(self, k: int, step: int) -> bool:
        """Whether unit k rests in `step` from a spike before it."""
        if self.model.refractory_while is not None:
            return self.resting[k] and self.last[k] != step
        return step - self.last[k] < self.rest[k] and self.last[k] != step

    def begin(self, noise: Noise) -> None:
        """Draws for every channel and unit; units that a condition holds no longer are free."""
        for name in self.model.noise:
            draw = noise.uniform if name.startswith("rand_") else noise.normal
            for k in range(self.n):
                self.chance[k][name] = draw()
        if self.model.refractory_while is not None:
            for k in range(self.n):
                holds = value(self._evaluate(self.model.refractory_while, k)) == 1.0
                self.resting[k] = self.resting[k] and holds

    def update(self, step: int) -> None:
        """h <- Phi(h, a), then a <- 0."""
        names = self.derived.states
        for k in range(self.n):
            held = self.derived.held_flow if self.refractory(k, step) else None
            flow = held or self.derived.flow
            self.h[k] = {s: self._evaluate(e, k) for s, e in zip(names, flow, strict=True)}
            self.collected[k] = self._nothing()

    def threshold(self, step: int) -> list[Number | None]:
        """Each unit's event y = s, or y = s f(h); None from a unit that cannot emit now."""
        self.spike, self.live = [self.silent] * self.n, [False] * self.n
        if self.model.threshold is None:
            return [None] * self.n
        return [None if self.refractory(k, step) else self._event(k, step) for k in range(self.n)]

    def _event(self, k: int, step: int) -> Number:
        g = self._evaluate(self.model.threshold, k)
        fired = value(g) > 0 or (value(g) == 0 and not self.model.strict)
        slope = psi(self.model.surrogate, value(g), fired)
        s = self.spike[k] = Dual(float(fired), slope * gradient(g) + self.silent.gradient)
        self.live[k] = slope != 0
        if fired:
            self.last[k] = step
            self.resting[k] = True
        return s if self.model.output is None else s * self._evaluate(self.model.output, k)

    def arrive(self, k: int, port: str, amount: Number, step: int) -> None:
        """An arrival of weight times event; held states are blind to it while the unit rests.

        A unit rests from its own spike on, if the population has refractory periods at all.
        """
        target, to_state = self.model.ports[port].target, self.model.ports[port].is_state
        rests = max(self.rest) > 0 or self.model.refractory_while is not None
        resting = self.refractory(k, step) or (self.last[k] == step and rests)
        if target in self.held and resting:
            return
        place = self.h[k] if to_state else self.collected[k]
        place[target] = place[target] + float(self.gains[port][k]) * amount

    def reset(self) -> None:
        """h <- h + s (R(h) - h), with h after the arrivals and s of the threshold test."""
        for k in range(self.n):
            after = dict(self.h[k])
            for name, expression in self.model.reset.items():
                h, R = self.h[k][name], self._evaluate(expression, k)
                jump = value(R) - value(h) if self.model.differentiates(name) else 0.0
                kept = R if self.spike[k].value == 1.0 else h
                after[name] = Dual(value(kept), gradient(kept) + jump * self.spike[k].gradient)
            self.h[k] = after
