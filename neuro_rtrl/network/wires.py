"""Projections -> synapses in the order in which events visit them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neuro_rtrl.equations.evaluate import evaluate
from neuro_rtrl.errors import BuildError
from neuro_rtrl.kernels.layout import Wires
from neuro_rtrl.network.describe import Network, Population, Projection
from neuro_rtrl.network.plasticity import Plasticity


@dataclass(frozen=True)
class Wiring:
    """Synapses sorted by source, delay, kind of target, target.

    Attributes:
        wires: what the kernels read.
        source: (E,) source of each synapse (units first, inputs after them).
        learn: (E,) whether the weight learns.
        weight: (E,) initial weights.
        places: projection name -> place of each of its synapses, in its own order.
        plastic: (G,) 0, or 1 + the number of the plastic projection that a group belongs to.
    """

    wires: Wires
    source: np.ndarray
    learn: np.ndarray
    weight: np.ndarray
    places: dict[str, np.ndarray]
    plastic: np.ndarray


def firsts(net: Network) -> tuple[dict[str, int], int, int]:
    """(first source of each population, number of units, number of sources)."""
    first: dict[str, int] = {}
    count = 0
    for inputs in (False, True):
        for name, population in net.populations.items():
            if (population.model is None) is inputs:
                first[name] = count
                count += population.n
    units = sum(p.n for p in net.populations.values() if p.model is not None)
    return first, units, count


def wire(net: Network) -> Wiring:
    """All synapses of a network."""
    first, _, sources = firsts(net)
    numbers = {p.name: number for number, (p, _) in enumerate(plastic(net), 1)}
    rows = [_columns(p, first, net.dt, numbers.get(p.name, 0)) for p in net.projections.values()]
    table = {k: _join([r[k] for r in rows], dtype) for k, dtype in _KINDS.items()}
    order = _order(table)
    if order is None:
        back = np.arange(table["source"].size)
    else:
        table = {k: v if _constant(v) else v[order] for k, v in table.items()}
        back = np.empty_like(order)
        back[order] = np.arange(order.size)
    splits = np.cumsum([p.pre.size for p in net.projections.values()])[:-1]
    places = dict(zip(net.projections, np.split(back, splits), strict=True)) if rows else {}
    wires, kinds = _grouped(table, sources, _kept(net, first))
    return Wiring(
        wires,
        table["source"],
        table["learn"],
        table["weight"],
        places,
        kinds,
    )


def plastic(net: Network) -> list[tuple[Projection, Plasticity]]:
    """The projections with a plasticity, in order."""
    return [(p, p.plasticity) for p in net.projections.values() if p.plasticity is not None]


def refuse_plastic(net: Network) -> None:
    """Learners change weights by gradients; a plastic synapse changes its own.

    Raises:
        BuildError: a projection is plastic.
    """
    for projection, _ in plastic(net):
        raise BuildError(
            "this projection is plastic, and does not learn by gradients",
            where=projection.name,
            given="plasticity",
            expected="a network without plasticity in connect",
            remedy="Run it with Simulation or simulate.",
        )


_SORTED_BY = ("source", "delay", "collects", "plastic", "target", "variable")


def _order(table: dict[str, np.ndarray]) -> np.ndarray | None:
    """The order of synapses, or None if they are in order already."""
    key = np.zeros(table["source"].size, np.int64)
    room = 2**63
    for name in _SORTED_BY:
        if _constant(table[name]):
            continue
        low, high = int(table[name].min(initial=0)), int(table[name].max(initial=0))
        room //= high - low + 1
        key *= high - low + 1
        key += table[name]
        key -= low
    if room == 0:  # one number cannot hold all of them
        return np.lexsort([table[name] for name in reversed(_SORTED_BY)])
    if (key[1:] >= key[:-1]).all():
        return None
    return np.argsort(key, kind="stable")


def _constant(values: np.ndarray) -> bool:
    """Whether all are the same: most columns are, and putting one in order takes half a second."""
    return values.strides[0] == 0 or bool((values == values[:1]).all())


_KINDS: dict[str, Any] = {
    "source": np.int64, "target": np.int64, "delay": np.int64, "collects": np.uint8,
    "variable": np.int64, "plastic": np.int16, "gain": np.float64, "weight": np.float64,
    "learn": np.bool_,
}  # fmt: skip


def _join(parts: list[np.ndarray], dtype: Any) -> np.ndarray:
    """All in one; where one number stands for all synapses it takes no room."""
    some = [part for part in parts if part.size]
    if len({part[0] for part in some}) == 1 and all(_constant(part) for part in some):
        return np.broadcast_to(np.array(some[0][0], dtype), sum(part.size for part in some))
    return np.concatenate(some, dtype=dtype) if some else np.zeros(0, dtype)


def _columns(
    projection: Projection, first: dict[str, int], dt: float, number: int
) -> dict[str, np.ndarray]:
    """The synapses of a projection; `number` as in `Wiring.plastic`."""
    source, target, port = projection.source, projection.target, projection.port
    size = projection.pre.size
    # External input of a step enters the update of that very step: one step before arrivals do.
    early = source.model is None and not port.is_state
    names = [s.name for s in target.model.states] if target.model is not None else []
    inputs = list(target.model.inputs) if target.model is not None else []
    variable = names.index(port.target) if port.is_state else inputs.index(port.target)
    return {
        "source": _moved(projection.pre, first[source.name]),
        "target": _moved(projection.post, first[target.name]),
        "delay": _moved(projection.delay, -1 if early else 0),
        "collects": np.broadcast_to(not port.is_state, size),
        "variable": np.broadcast_to(variable, size),
        "plastic": np.broadcast_to(number, size),
        "gain": _gain(projection, target, dt),
        "weight": np.asarray(projection.weights, float),
        "learn": np.broadcast_to(projection.learn, size),
    }


def _moved(numbers: np.ndarray, by: int) -> np.ndarray:
    """The sum; no copy where nothing is added."""
    return numbers + by if by else numbers


def _gain(projection: Projection, target: Population, dt: float) -> np.ndarray:
    known = target.parameters | {"dt": np.asarray(dt)}
    value = np.asarray(evaluate(projection.port.gain, known), float)
    if value.size == 1:
        return np.broadcast_to(value.reshape(()), projection.post.size)
    per_unit: np.ndarray = np.broadcast_to(value, (target.n,))[projection.post]
    return per_unit


def _kept(net: Network, first: dict[str, int]) -> np.ndarray:
    """(3, groups) source, delay, kind of target of groups that are there even if empty.

    So the groups stay as they are while synapses come and go, and whatever is under way from a
    source finds the synapses that there are when it arrives.
    """
    parts = [np.zeros((3, 0), np.int64)]
    for projection in net.projections.values():
        if projection.spread is None:
            continue
        source, port = projection.source, projection.port
        delays = projection.spread - (source.model is None and not port.is_state)
        units = np.arange(source.n) + first[source.name]
        pairs = np.stack([np.repeat(units, delays.size), np.tile(delays, source.n)])
        kind = np.full(pairs.shape[1], not port.is_state)
        parts.append(np.concatenate([pairs, kind[None]]))
    return np.concatenate(parts, axis=1).astype(np.int64)


def _grouped(
    table: dict[str, np.ndarray], sources: int, kept: np.ndarray
) -> tuple[Wires, np.ndarray]:
    """The synapses in groups, and the kind of each group: static, or of a plastic projection."""
    source, delay, collects = table["source"], table["delay"], table["collects"]
    changes = np.ones(source.size, dtype=bool)
    changes[1:] = source[1:] != source[:-1]
    for name in ("delay", "collects", "plastic"):
        if not _constant(table[name]):
            changes[1:] |= table[name][1:] != table[name][:-1]
    starts = np.flatnonzero(changes)
    span = max(int(delay.max(initial=0)), int(kept[1].max(initial=0))) + 2
    kinds = 2 * (int(table["plastic"].max(initial=0)) + 1)
    kind = collects[starts] * (kinds // 2) + table["plastic"][starts].astype(np.int64)
    keys = (source[starts] * span + delay[starts] + 1) * kinds + kind
    # Those that there are, and those that are kept; an empty one starts where the next does.
    groups = np.union1d(keys, (kept[0] * span + kept[1] + 1) * kinds + kept[2] * (kinds // 2))
    begins = np.append(starts, source.size)[np.searchsorted(keys, groups)]
    owner, delays = groups // (kinds * span), groups // kinds % span - 1
    group = np.searchsorted(owner, np.arange(sources + 1)).astype(np.int64)
    longest = int(delays.max(initial=0))
    wires = Wires(
        group=group,
        delay=delays.astype(np.int64),
        collects=(groups % kinds // (kinds // 2)).astype(np.uint8),
        first=np.append(begins, source.size).astype(np.int64),
        target=table["target"],
        variable=table["variable"],
        gain=table["gain"],
        slot=np.full(source.size, -1, dtype=np.int64),
        ring=np.array([max(longest, 0) + 2]),
        where=np.zeros(0, np.uint32),
        run=np.zeros(1, np.int64),
        run_first=np.zeros(1, np.int64),
        run_blocks=np.zeros(0, np.uint8),
        run_alike=np.zeros(0, np.uint8),
        run_dense=np.zeros(0, np.uint8),
    )
    return wires, (groups % (kinds // 2)).astype(np.int64)
