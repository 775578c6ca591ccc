"""The plastic projections of a simulation: their arrays, and what users see of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuro_rtrl.compile import plastic as code
from neuro_rtrl.compile.source import layout
from neuro_rtrl.contracts_plasticity import EVENTS, Synapse
from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.cut_plastic import Woven, cut_weave, places_of_groups
from neuro_rtrl.equations.evaluate import evaluate
from neuro_rtrl.equations.synapse_flow import GAP, Flow, solve
from neuro_rtrl.errors import SimulationError, unknown
from neuro_rtrl.kernels.cells import Cells, Fan
from neuro_rtrl.kernels.plastic import Weave
from neuro_rtrl.network.describe import Projection
from neuro_rtrl.network.plasticity import Plasticity
from neuro_rtrl.network.wires import firsts, plastic


@dataclass(frozen=True)
class Synapses:
    """The synapses of a plastic projection at some step, in the projection's own order.

    Attributes:
        i, j: (synapses,) units that they come from and go to, under Brian2's names.
        values: variable -> (synapses,) at the end of the last step; what decays is brought up to
            date.
    """

    i: np.ndarray
    j: np.ndarray
    values: dict[str, np.ndarray]

    @property
    def w(self) -> np.ndarray:
        """(synapses,) weights."""
        return self.values["w"]

    def __getitem__(self, variable: str) -> np.ndarray:
        """(synapses,) values of a variable."""
        if variable not in self.values:
            raise unknown("variable of the synapse", variable, self.values)
        return self.values[variable]


@dataclass(frozen=True)
class Part:
    """One plastic projection: `rank` is the place of each synapse in the order of events."""

    synapse: Synapse
    pre: np.ndarray
    post: np.ndarray
    rank: np.ndarray
    at_z: int
    flow: Flow
    coefficients: dict[str, np.ndarray]

    @property
    def places(self) -> dict[str, np.ndarray]:
        """Variable -> places in z, in the projection's own order."""
        first = self.at_z + self.rank * (len(self.synapse.states) + 1)
        return {s.name: first + v for v, s in enumerate(self.synapse.states)}

    def values(self, z: np.ndarray, step: int) -> dict[str, np.ndarray]:
        """Variable -> (synapses,) when the events of `step` are over."""
        n = self.rank.size
        found = {name: z[places] for name, places in self.places.items()}
        last = z[self.places["w"] + len(found)]  # behind the variables, of which w is the first
        known = found | self.coefficients | {GAP.name: np.maximum(step - last, 0.0)}
        late = {k: np.asarray(evaluate(e, known)) for k, e in self.flow.after.items()}
        return found | {k: np.broadcast_to(v, (n,)).copy() for k, v in late.items()}


class Plastic:
    """All plastic projections of a simulation, in their initial state."""

    def __init__(self, built: Built, fan: Fan) -> None:
        net, wiring = built.plan.net, built.plan.wiring
        pairs = plastic(net)
        projections = [p for p, _ in pairs]
        first, _, _ = firsts(net)
        loose = [_Loose(p, given, wiring.places[p.name], built, fan) for p, given in pairs]
        givers = [given.modulator for _, given in pairs]
        spans = [(first[g.name], first[g.name] + g.n) if g is not None else (0, 0) for g in givers]
        self.weave = Weave(
            of=wiring.plastic - 1,
            place=places_of_groups(wiring.plastic - 1, fan.first),
            size=_whole(x.n for x in loose),
            width=_whole(x.z.size // max(1, x.n) for x in loose),
            first=_whole(first[p.target.name] for p in projections),
            units=_whole(p.target.n for p in projections),
            giver=np.array(spans, np.int64).reshape(-1, 2).T.copy(),
            at_z=_starts(x.z.size for x in loose),
            at_c=_starts(x.c.size for x in loose),
            at_in=_starts(x.incoming.size for x in loose),
            at_heard=_starts(x.index.size for x in loose),
            call=np.array([x.call for x in loose], np.int64).reshape(-1, len(EVENTS)),
            incoming=_join([x.incoming for x in loose], np.int64),
            heard=_join([x.index for x in loose], np.uint32),
            z=_join([x.z for x in loose], np.float64),
            c=_join([x.c for x in loose], np.float64),
            signal=np.zeros(len(loose)),
            room=np.zeros(max((x.room for x in loose), default=0)),
        )
        self._parts = {
            p.name: Part(given.synapse, p.pre, p.post, x.rank, int(at), x.flow, x.rates)
            for (p, given), x, at in zip(pairs, loose, self.weave.at_z, strict=True)
        }
        self._shared = [x.shared for x in loose]
        self._cuts: list[Woven] = []

    def cut(self, fan: Fan, part: Fan, cells: Cells, own: Cells, kept: np.ndarray) -> Woven:
        """The synapses of a share, which from now on has their variables; see `cut_weave`."""
        self._cuts.append(cut_weave(self.weave, self._shared, fan, part, cells, own, kept))
        return self._cuts[-1]

    def _z(self) -> np.ndarray:
        """The present variables of all synapses."""
        for woven in self._cuts:
            woven.give()
        return self.weave.z

    @property
    def monitored(self) -> dict[str, np.ndarray]:
        """ "projection.variable" -> what stands for its synapses in `Tape.traced`."""
        return {
            f"{name}.{variable}": -1 - places
            for name, part in self._parts.items()
            for variable, places in part.places.items()
        }

    def synapses(self, name: str, step: int) -> Synapses:
        """The state of a projection when the events of `step` are over.

        Raises:
            DescriptionError: there is no plastic projection of this name.
        """
        if name not in self._parts:
            raise unknown("plastic projection", name, self._parts)
        part = self._parts[name]
        return Synapses(part.pre, part.post, part.values(self._z(), step))

    def check(self) -> None:
        """Refuses variables that are not finite.

        Raises:
            SimulationError: with projection, variable and synapse.
        """
        if all(np.isfinite(x.z).all() for x in [w.weave for w in self._cuts] or [self.weave]):
            return
        z = self._z()
        for name, part in self._parts.items():
            for variable, places in part.places.items():
                wrong = np.flatnonzero(~np.isfinite(z[places]))
                if wrong.size:
                    raise SimulationError(
                        "a variable of a synapse is not finite",
                        where=f"{name}.{variable}, synapse {wrong[0]}",
                        given=z[places[wrong[0]]],
                        expected="finite numbers",
                        remedy="Keep what grows within bounds, as in clip(w, 0, w_max).",
                    )


class _Loose:
    """The arrays of one projection, in the order in which events visit its synapses."""

    def __init__(
        self,
        projection: Projection,
        given: Plasticity,
        places: np.ndarray,
        built: Built,
        fan: Fan,
    ) -> None:
        synapse, flow = given.synapse, solve(given.synapse)
        self.n, self.flow = places.size, flow
        order = np.argsort(places)
        self.rank = np.empty_like(order)
        self.rank[order] = np.arange(self.n)
        fan.jump[places] = 0.0  # until an arrival says what is sent
        self.rates = flow.values(given.parameters, built.plan.net.dt)
        gain = built.plan.wiring.wires.gain[places]
        values = _coefficients(given, self.rates, gain, built.plan.net.dt)
        values = {k: v[order] if v.ndim else v for k, v in values.items()}
        where = layout(values)
        self.call, self.room = code.addresses(synapse, flow, where), code.room(synapse, where)
        self.c, self.shared = where.pack(values, self.n), len(where.shared)
        start = {"w": np.asarray(projection.weights, float)} | given.initial
        rows = [np.broadcast_to(start[s.name], (self.n,))[order] for s in synapse.states]
        rows.append(np.zeros(self.n))  # steps of last events
        self.z = np.stack(rows, axis=1).ravel()
        target = projection.post[order]
        self.index = np.argsort(target, kind="stable")
        count = np.bincount(target, minlength=projection.target.n)
        self.incoming = np.concatenate([[0], np.cumsum(count)])


def _coefficients(
    given: Plasticity, rates: dict[str, np.ndarray], gain: np.ndarray, dt: float
) -> dict[str, np.ndarray]:
    """Name -> (), or one value for each synapse, in the projection's own order."""
    same = gain.size > 0 and bool((gain == gain[0]).all())
    values = given.parameters | rates
    values["dt"] = np.asarray(dt)
    values[code.GAIN] = np.asarray(gain[0] if same else gain)
    return {k: np.asarray(v, float) for k, v in values.items()}


def _whole(values: object) -> np.ndarray:
    return np.array(list(values), np.int64)  # type: ignore[call-overload]


def _starts(sizes: object) -> np.ndarray:
    counts = _whole(sizes)
    return np.cumsum(counts) - counts


def _join(parts: list[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype), *parts]).astype(dtype)
