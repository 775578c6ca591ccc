"""The readable twin of plastic synapses: one Python object a synapse, every step computed.

Nothing is lazy here: between two events each variable is carried on step by step, with the matrix
exponential of its equations over one step. The units are those of the twin of the engine.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import scipy.linalg
import sympy

from neuro_rtrl.equations.evaluate import evaluate
from tests.reference.dual import value
from tests.reference.twin import Simulation


class Synapse:
    """A plastic synapse; weight times event is the arrival of a spike."""

    def __init__(self, projection: Any, e: int, post: Any, dt: float) -> None:
        given = projection.plasticity
        self.model, n = given.synapse, projection.pre.size
        self.post, self.unit, self.port = post, int(projection.post[e]), projection.port.name
        self.delay = int(projection.delay[e])
        self.known = {k: float(np.broadcast_to(v, n)[e]) for k, v in given.parameters.items()}
        self.known |= {k: float(np.broadcast_to(v, n)[e]) for k, v in given.initial.items()}
        self.known["w"] = float(projection.weights[e])
        self.matrix = scipy.linalg.expm(self._equations() * dt)

    def _equations(self) -> np.ndarray:
        """[[A, b], [0, 0]] of dx/dt = A x + b."""
        names = list(self.model.rates)
        found = np.zeros((len(names) + 1, len(names) + 1))
        for i, rate in enumerate(self.model.rates.values()):
            at_zero = self.known | dict.fromkeys(names, 0.0)
            found[i, -1] = evaluate(rate, at_zero)
            for j, name in enumerate(names):
                slope = sympy.diff(rate, sympy.Symbol(name, real=True))
                found[i, j] = evaluate(slope, at_zero)
        return found

    def step(self) -> None:
        names = list(self.model.rates)
        if names:
            after = self.matrix @ np.array([*(self.known[k] for k in names), 1.0])
            self.known |= dict(zip(names, after.tolist(), strict=False))

    def hear(self, event: str, reward: float = 0.0) -> float:
        """The statements of an event; what they send."""
        sent = 0.0
        for statement in self.model.on.get(event, ()):
            found = float(evaluate(statement.expression, self.known | {"reward": reward}))
            if statement.name == "post":
                sent = found
            else:
                self.known[statement.name] = found
        return sent

    @property
    def weight(self) -> Synapse:
        return self

    def __mul__(self, event: Any) -> Any:
        """What an event brings. Its value is 0 if there was no spike, but only a sensitivity."""
        return self.hear("pre") * event if value(event) != 0.0 else 0.0


class PlasticTwin:
    """A network whose projections do not learn by gradients; some of them are plastic."""

    def __init__(self, net: Any) -> None:
        self.run, self.net = Simulation(net), net
        self.synapses: dict[str, list[Synapse]] = {}
        self.spikes: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for name, projection in net.projections.items():
            if projection.plasticity is not None:
                self._replace(name, projection)

    def _replace(self, name: str, projection: Any) -> None:
        group = self.run.groups[projection.target.name]
        made = [Synapse(projection, e, group, self.net.dt) for e in range(projection.pre.size)]
        self.synapses[name] = made
        for source in {int(k) for k in projection.pre}:
            own = [s for s, k in zip(made, projection.pre, strict=True) if k == source]
            rows = self.run.fan_out[projection.source.name, source]
            kept = [s for s in rows if s.post is not group or s.port != projection.port.name]
            # Synapses of other projections onto the same entry would have to stay.
            assert len(rows) - len(kept) == len(own)
            self.run.fan_out[projection.source.name, source] = kept + own

    def step(self, t: int, x: np.ndarray) -> None:
        for synapse in self._all() if t else []:
            synapse.step()
        self.run.step(t, x)
        for name, group in self.run.groups.items():
            fired = [k for k, s in enumerate(group.spike) if value(s) == 1.0]
            self.spikes[name] += [(t, k) for k in fired]
            for synapse in self._all():
                if synapse.post is group and synapse.unit in fired:
                    synapse.hear("post")
        self._reward(t, x)

    def _reward(self, t: int, x: np.ndarray) -> None:
        given = dict(zip(self.run.inputs, x, strict=True))
        for name, synapses in self.synapses.items():
            giver = self.net.projections[name].plasticity.modulator
            if giver is None:
                continue
            reward = sum(v for (source, _), v in given.items() if source == giver.name)
            reward += sum((t, k) in self.spikes[giver.name][-giver.n :] for k in range(giver.n))
            for synapse in synapses if reward else []:
                synapse.hear("reward", float(reward))

    def _all(self) -> list[Synapse]:
        return [s for synapses in self.synapses.values() for s in synapses]
