"""Where local rules let hidden units have one trace for all readouts, and the arrays for that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.feedback import Route
from neuro_rtrl.engine.runs import groups_of
from neuro_rtrl.engine.shared import decay_alike, flows
from neuro_rtrl.kernels.filters import Filters
from neuro_rtrl.kernels.layout import Mask
from neuro_rtrl.network.describe import Population
from neuro_rtrl.network.plan import Plan
from neuro_rtrl.network.reach import Reach

MOST_FEEDBACK = 1 << 24  # entries of the dense feedback matrix
MOST_FILTERS = 64  # readouts that remember each in its own way


@dataclass(frozen=True)
class Local:
    """What a rule keeps beside a unit's own dynamics, where one trace does for all readouts.

    Attributes:
        loops: synapses of a unit with itself (w_kk).
        forgets: readouts remember nothing of the influence of hidden units.
        past: what readouts remember was brought by the weights of the time. One trace for all of
            them has the present ones: where weights change within a sequence, each has its own.
        apart: each readout has a trace of its own.
    """

    loops: bool = False
    forgets: bool = False
    past: bool = False
    apart: bool = False


def own_blocks_only(plan: Plan, own: np.ndarray) -> Reach:
    """Nothing but each unit's own parameters, also in readouts."""
    block = np.full(own.size, -1, np.int64)
    named = own > 0
    block[named] = np.arange(int(named.sum()))
    nothing = np.zeros(0, np.int64)
    return Reach(block, own[named].astype(np.int64), np.zeros(own.size + 1, np.int64), nothing)


def fits(built: Built, mask: Mask, kept: Local) -> bool:
    """Whether hidden units keep nothing but their own rows, and readouts filter plainly.

    That is: in `mask` (the rule's), no hidden unit keeps what others bring; it hears itself without
    delay, if at all; readouts have constant Jacobians, of which not too many are different, and
    synapses from hidden units that act on one state, in the step of the event, no two of them
    between the same units.
    """
    return _keep_to_themselves(built, mask) and filters_fit(built, kept)


def filters_fit(built: Built, kept: Local) -> bool:
    """The same, whatever hidden units keep."""
    if built.outputs[0].size * built.plan.n > MOST_FEEDBACK:
        return False
    if kept.loops and not _plain_loops(built):
        return False
    filters = _filters(built, kept)
    return len(filters) <= MOST_FILTERS and all(
        built.units.constant[p] and _heard_plainly(built, first, n) for p, first, n in filters
    )


def _filters(built: Built, kept: Local) -> list[tuple[int, int, int]]:
    """(population, first unit, units) of readouts that filter alike: whole populations, or one."""
    found = []
    for population in built.plan.readouts:
        p, first = _number(built, population), built.plan.first[population.name]
        if decay_alike(built, p) and not kept.apart:
            found.append((p, first, population.n))
        else:
            found += [(p, first + i, 1) for i in range(population.n)]
    return found


def _keep_to_themselves(built: Built, mask: Mask) -> bool:
    """Whether all segments of hidden units are of their own blocks."""
    unit = np.repeat(np.arange(built.plan.n), np.diff(mask.segment))
    own = mask.segment_block == mask.block[unit]
    return bool((own | built.plan.is_readout[unit]).all())


def _plain_loops(built: Built) -> bool:
    """Whether hidden units hear themselves by one synapse, on a state, without delay."""
    loops, wires = _loops(built), built.wires
    groups = groups_of(wires)[loops]
    once = np.unique(wires.target[loops]).size == loops.size
    return bool(once and (wires.delay[groups] == 0).all() and not wires.collects[groups].any())


def _loops(built: Built) -> np.ndarray:
    """Synapses of hidden units with themselves."""
    target = built.wires.target
    return np.flatnonzero((built.plan.wiring.source == target) & ~built.plan.is_readout[target])


def _heard_from_itself(built: Built, kept: Local) -> tuple[np.ndarray, np.ndarray]:
    """(N,) the synapse of each unit with itself that is kept, and its group; -1: none."""
    loop, group = np.full(built.plan.n, -1), np.full(built.plan.n, -1)
    if kept.loops:
        loops = _loops(built)
        loop[built.wires.target[loops]] = loops
        group[built.wires.target[loops]] = groups_of(built.wires)[loops]
    return loop, group


def _number(built: Built, population: Population) -> int:
    return [p.name for p in built.plan.populations].index(population.name)


def _sent(built: Built, first: int, n: int) -> np.ndarray:
    """Synapses from units to some that follow each other."""
    wires = built.wires
    inside = (wires.target >= first) & (wires.target < first + n)
    return np.flatnonzero(inside & (built.plan.wiring.source < built.plan.n))


def _feedback(built: Built, route: Route) -> np.ndarray:
    """(4, synapses) to readouts: numbers, units, outputs, places among the replaced weights."""
    sent = [_sent(built, built.plan.first[p.name], p.n) for p in built.plan.readouts]
    synapses = np.concatenate([np.zeros(0, np.int64), *sent])
    order, replaced = np.full(built.plan.n, -1), np.full(built.values.size, -1)
    order[built.outputs[0]] = np.arange(built.outputs[0].size)
    replaced[route.places] = np.arange(route.places.size)
    source, target = built.plan.wiring.source, built.wires.target
    return np.stack([synapses, source[synapses], order[target[synapses]], replaced[synapses]])


def _heard_plainly(built: Built, first: int, n: int) -> bool:
    sent, wires = _sent(built, first, n), built.wires
    if sent.size == 0:
        return True
    groups = groups_of(wires)[sent]
    pairs = built.plan.wiring.source[sent] * built.plan.n + wires.target[sent]
    plain = (wires.delay[groups] == 0).all() and not wires.collects[groups].any()
    one_state = (wires.variable[sent] == wires.variable[sent[0]]).all()
    return bool(plain and one_state and np.unique(pairs).size == pairs.size)


def make_filters(built: Built, mask: Mask, route: Route, kept: Local, precision: str) -> Filters:
    """Traces behind the filters of all readouts; feedback is filled in later."""
    plan, units, n = built.plan, built.units, built.plan.n
    readouts, outputs = _filters(built, kept), built.outputs
    d = units.d[[p for p, _, _ in readouts]]
    wide = int(d.max())
    own = np.diff(mask.own) + units.m[units.population]
    sends = np.zeros((len(readouts), n), np.uint8)
    entry, at, size = np.zeros((d.size, wide)), np.zeros((d.size, n + 1), np.int64), 0
    for f, (p, first, count) in enumerate(readouts):
        sent = _sent(built, first, count)
        sends[f, plan.wiring.source[sent]] = 1
        entry[f, int(built.wires.variable[sent[0]]) if sent.size else 0] = 1.0
        at[f] = size + np.concatenate([[0], np.cumsum(own * int(units.d[p]) * sends[f])])
        size = int(at[f, -1])
    of = np.searchsorted([first for _, first, _ in readouts], outputs[0], side="right") - 1
    loop, loop_group = _heard_from_itself(built, kept)
    made = Filters(
        d=d,
        flow=np.zeros((len(readouts), wide * wide)),
        entry=entry,
        read=np.array([outputs[1][np.flatnonzero(of == f)[0]] for f in range(len(readouts))]),
        of=of,
        feedback=np.zeros((outputs[0].size, n)),
        brought=np.ones((len(readouts), n)),
        apart=np.array([kept.apart]),
        sent=_feedback(built, route),
        sends=sends,
        at=at,
        z=np.zeros(size, precision),
        pending=np.zeros((len(readouts), n, wide * wide)),
        signal=np.zeros((len(readouts), n, wide)),
        filled=np.zeros((len(readouts), n), np.uint8),
        q=np.zeros(int(own.max(initial=0)) + 1, precision),
        **_gathered(built, mask, own, precision),
        waits=np.zeros(n, np.uint8),
        loop=loop,
        loop_group=loop_group,
    )
    fill_flows(built, kept, made)
    return made


def _gathered(built: Built, mask: Mask, own: np.ndarray, precision: str) -> dict[str, np.ndarray]:
    """Room for the gradient of `own` (N,) entries of each unit, and where each synapse finds its
    part of it; the place behind them: it is nobody's own."""
    total, first = int(own.sum()), np.cumsum(own) - own
    slot = np.full(built.wires.target.size, total, np.int32 if total < 1 << 31 else np.int64)
    shift = np.repeat(first - mask.own[:-1], np.diff(mask.own))
    slot[mask.own_parameter] = np.arange(mask.own_parameter.size) + shift
    offsets = np.concatenate([first, [total]]).astype(np.int64)
    return {"own": offsets, "gathered": np.zeros(total + 1, precision), "slot": slot}


def fill_flows(built: Built, kept: Local, filters: Filters) -> None:
    """D of each filter, as it is now; zero where readouts forget."""
    for f, (p, first, _) in enumerate(_filters(built, kept)):
        d, i = int(built.units.d[p]), first - int(built.units.first[p])
        filters.flow[f, : d * d] = 0.0 if kept.forgets else flows(built, p)[i]
