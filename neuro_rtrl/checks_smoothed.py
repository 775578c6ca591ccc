"""The smoothed network: a differentiable system whose true derivative is what RTRL computes.

A spike s = H(g) has no derivative; a surrogate psi is put in its place by convention. Here is a
system in which nothing is a convention. Run the network once, and let g*(k, t) be what the
threshold function of unit k is in step t, s*(k, t) whether it spikes. With Psi' = psi,

    s(k, t) = s* + Psi(g) - Psi(g*)       (0 while the unit is refractory in that run)
    event     y = s f(h)
    reset     h <- h + s (R(h) - h)       (with s* for s in states without `reset_gradient`)
    refractoriness and noise as in that run

and everything else as in the network. At the present parameters this system runs exactly as the
network does, because there g = g*; but it is smooth in the parameters (as smooth as Psi), so finite
differences find its true derivative. No Jacobian, no influence and no adjoint is used: only the
expressions of the models' texts, evaluated by NumPy for many copies of the network at once. Copy 0
has the present parameters, and is where g* and s* come from.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import numpy as np
import scipy.sparse

from neuro_rtrl.contracts import Surrogate
from neuro_rtrl.engine.build import hold_steps, noise_seed
from neuro_rtrl.equations.evaluate import evaluate
from neuro_rtrl.equations.surrogates import cutoff
from neuro_rtrl.errors import BuildError
from neuro_rtrl.network.describe import Network, Population, Projection

NEVER = -(2**60)
Values = dict[str, np.ndarray]


class Noise:
    """What the first run of a network draws, number by number (as kernels/chance.py does)."""

    def __init__(self, seed: int) -> None:
        # Run number 0 is the one that computes constant Jacobians.
        self.word = int(noise_seed(seed, 1)[0])

    def uniform(self) -> float:
        """The next number in [0, 1)."""
        self.word ^= self.word << 13 & (2**64 - 1)
        self.word ^= self.word >> 7
        self.word ^= self.word << 17 & (2**64 - 1)
        return (self.word >> 11) / 2**53

    def normal(self) -> float:
        """The next standard normal number."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self.uniform()))
        return radius * math.cos(2.0 * math.pi * self.uniform())


def smooth_step(surrogate: Surrogate, g: np.ndarray) -> np.ndarray:
    """Psi, the integral of psi from 0 to g.

    >>> smooth_step(Surrogate("triangle", height=0.3, width=1.0), np.array([-2.0, 0.0, 1.0]))
    array([-0.15,  0.  ,  0.15])
    """
    end = cutoff(surrogate)
    a = np.clip(g, -end, end) / surrogate.width
    size = np.abs(a)
    shapes = {
        "triangle": a - 0.5 * a * size,
        "boxcar": a,
        "exponential": np.sign(a) * -np.expm1(-size),
        "fast_sigmoid": a / (1.0 + size),
        "arctan": np.arctan(a),
        "spike_only": a,
        "none": 0.0 * a,
    }
    return surrogate.height * surrogate.width * shapes[surrogate.shape]


class _Group:
    """All copies of one population: states (copies, n)."""

    def __init__(self, population: Population, values: Values, copies: int, dt: float) -> None:
        if population.model is None or population.derived is None:
            raise BuildError("inputs have no states", where=population.name, expected="neurons")
        self.model, self.derived, self.n = population.model, population.derived, population.n
        parameters = {k: np.asarray(v, float) for k, v in population.parameters.items()}
        known = parameters | {"dt": np.asarray(dt)}
        self.known: dict[str, Any] = dict(self.derived.values(parameters, self.n, dt))
        self.known |= {p: values[f"{population.name}.{p}"] for p in population.learn}
        self.gain = {
            name: np.broadcast_to(np.asarray(evaluate(port.gain, known), float), self.n)
            for name, port in self.model.ports.items()
        }
        self.rest, self.shape = hold_steps(population, dt), (copies, self.n)
        self.last = np.full(self.n, NEVER)
        self.h = {k: self._full(v) for k, v in population.initial.items()}
        self.collected = {name: np.zeros(self.shape) for name in self.model.inputs}
        self.chance = {name: np.zeros(self.n) for name in self.model.noise}
        self.held = np.zeros(self.n, bool)
        self.fired, self.s = np.zeros(self.n, bool), np.zeros(self.shape)

    def _full(self, value: Any) -> np.ndarray:
        return np.broadcast_to(np.asarray(value, float), self.shape).copy()

    def _evaluate(self, expression: Any) -> np.ndarray:
        return self._full(evaluate(expression, self.known | self.h | self.collected | self.chance))

    def begin(self, t: int, noise: Noise) -> None:
        """Draws for every channel and unit; who is refractory, by time or by a condition."""
        for name in self.model.noise:
            draw = noise.uniform if name.startswith("rand_") else noise.normal
            self.chance[name] = np.array([draw() for _ in range(self.n)])
        if self.model.refractory_while is None:
            self.held = t - self.last < self.rest
        else:
            holds = self._evaluate(self.model.refractory_while)[0] == 1.0
            self.held = (self.held | self.fired) & holds

    def update(self) -> None:
        """h <- Phi(h, a), a <- 0."""
        free = [self._evaluate(e) for e in self.derived.flow]
        if self.derived.held_flow is not None:
            rest = [self._evaluate(e) for e in self.derived.held_flow]
            free = [np.where(self.held, a, b) for a, b in zip(rest, free, strict=True)]
        self.h = dict(zip(self.derived.states, free, strict=True))
        self.collected = {name: np.zeros(self.shape) for name in self.model.inputs}

    def threshold(self, t: int) -> np.ndarray:
        """The events y = s f(h)."""
        g, surrogate = self._evaluate(self.derived.threshold), self.model.surrogate
        above = g[0] > 0.0 if self.model.strict else g[0] >= 0.0
        self.fired = above & ~self.held
        gate = self.fired if surrogate.shape == "spike_only" else ~self.held
        # psi is 0 from the cutoff on, and there `Psi(g) - Psi(g*)` is flat as well.
        soft = smooth_step(surrogate, g) - smooth_step(surrogate, g[:1])
        self.s = self.fired + np.where(gate, soft, 0.0)
        self.last[self.fired] = t
        return (
            self.s if self.derived.output is None else self.s * self._evaluate(self.derived.output)
        )

    def arrive(self, port: str, amount: np.ndarray) -> None:
        """Arrivals (copies, n) at an entry; a resting unit's held states are blind to them."""
        entry = self.model.ports[port]
        if not entry.is_state:
            self.collected[entry.target] = self.collected[entry.target] + self.gain[port] * amount
            return
        blind = np.zeros(self.n, bool)
        if any(s.held for s in self.model.states if s.name == entry.target):
            rests = self.rest.max(initial=0) > 0 or self.model.refractory_while is not None
            blind = self.held | (self.fired & rests)
        self.h[entry.target] = self.h[entry.target] + np.where(blind, 0.0, self.gain[port] * amount)

    def reset(self) -> None:
        """h <- h + s (R(h) - h)."""
        hard = self._full(self.fired)
        before = dict(self.h)
        jumps = [self._evaluate(e) for e in self.derived.reset]
        for name, after in zip(self.derived.states, jumps, strict=True):
            if name in self.model.reset:
                s = self.s if self.model.differentiates(name) else hard
                # With s = 1 exactly R(h), however large h has become (exp, x^2 in the flow).
                mixed = before[name] + s * (after - before[name])
                self.h[name] = np.where(s == 1.0, after, mixed)


class _Smoothed:
    """All copies of a network, and what is under way in them."""

    def __init__(self, net: Network, values: Values, copies: int) -> None:
        self.groups = {
            name: _Group(p, values, copies, net.dt)
            for name, p in net.populations.items()
            if p.model is not None
        }
        self.inputs = [p for p in net.populations.values() if p.model is None]
        self.bundles = [b for p in net.projections.values() for b in _bundles(p, values)]
        self.early: dict[int, list[tuple[str, str, np.ndarray]]] = defaultdict(list)
        self.late: dict[int, list[tuple[str, str, np.ndarray]]] = defaultdict(list)

    def step(self, t: int, x: np.ndarray, noise: Noise) -> None:
        """One step with external input x (inputs,)."""
        at = 0
        for population in self.inputs:
            self._send(population.name, x[None, at : at + population.n], t, external=True)
            at += population.n
        self._deliver(self.early.pop(t, []))
        for group in self.groups.values():
            group.begin(t, noise)
        for group in self.groups.values():
            group.update()
        for name, group in self.groups.items():
            if group.derived.threshold is not None:
                self._send(name, group.threshold(t), t, external=False)
        self._deliver(self.late.pop(t, []))
        for group in self.groups.values():
            if group.derived.threshold is not None:
                group.reset()

    def _send(self, source: str, y: np.ndarray, t: int, *, external: bool) -> None:
        for projection, delay, pre, weights, spread in self.bundles:
            if projection.source.name == source and y[:, pre].any():
                before = external and not projection.port.is_state
                amount = (spread @ (y[:, pre] * weights).T).T
                calendar = self.early if before else self.late
                calendar[t + delay].append((projection.target.name, projection.port.name, amount))

    def _deliver(self, arrivals: list[tuple[str, str, np.ndarray]]) -> None:
        for target, port, amount in arrivals:
            self.groups[target].arrive(port, amount)

    def predictions(self) -> np.ndarray:
        """(copies, outputs)"""
        return np.concatenate(
            [g.h[g.model.readout] for g in self.groups.values() if g.model.readout is not None],
            axis=1,
        )


def _bundles(projection: Projection, values: Values) -> list[tuple[Any, ...]]:
    """The synapses of each delay: (projection, delay, pre, weights (copies, synapses), spread)."""
    weights = values.get(projection.name, np.asarray(projection.weights, float)[None])
    delays = np.broadcast_to(projection.delay, projection.pre.shape)
    made = []
    for delay in np.unique(delays):
        chosen = np.flatnonzero(delays == delay)
        shape = (projection.target.n, chosen.size)
        places = (projection.post[chosen], np.arange(chosen.size))
        spread = scipy.sparse.csr_matrix((np.ones(chosen.size), places), shape=shape)
        made.append((projection, int(delay), projection.pre[chosen], weights[:, chosen], spread))
    return made


def _losses(kind: str, y: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(copies,) loss of one step, as in kernels/losses.py."""
    if kind == "mse":
        return ((y - target) ** 2).mean(axis=1)
    if kind == "sse":
        return 0.5 * ((y - target) ** 2).sum(axis=1)
    if kind == "bce":
        return (np.logaddexp(0.0, y) - target * y).mean(axis=1)
    return np.logaddexp.reduce(y, axis=1) * target.sum() - y @ target


def smoothed_losses(
    net: Network,
    inputs: np.ndarray,
    targets: np.ndarray,
    loss: str,
    values: Values,
    noise: Noise,
) -> np.ndarray:
    """Losses of one sequence in the smoothed network.

    Args:
        net: the network.
        inputs: (steps, inputs).
        targets: (steps, outputs), NaN where there is no error.
        loss: "mse", "sse", "bce" or "cross_entropy".
        values: learned name -> (copies, values); copy 0 has the present ones.
        noise: where its noise comes from; goes on from sequence to sequence.

    Returns:
        (copies, steps)
    """
    copies = len(next(iter(values.values())))
    run, losses = _Smoothed(net, values, copies), np.zeros((copies, len(inputs)))
    for t, (x, target) in enumerate(zip(inputs, targets, strict=True)):
        # What is not finite shows in the result, and a check takes it for a failure.
        with np.errstate(all="ignore"):
            run.step(t, x, noise)
        if not np.isnan(target).any():
            losses[:, t] = _losses(loss, run.predictions(), target)
    return losses
