"""Which populations share the traces of their sources, and the arrays for that (kernels/traces.py).

A population shares if its Jacobian is constant and the same for all units, if it never blocks an
arrival (no refractory period), and if every group of synapses that ends in it acts on one of its
states and on no population that does not share. Where delays are so many that there are more groups
than arrivals would be worth, nothing is shared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.flows import learns_flow
from neuro_rtrl.engine.runs import groups_of
from neuro_rtrl.kernels.layout import Mask
from neuro_rtrl.kernels.traces import Traces

MOST_GROUPS = 4  # for each source


@dataclass(frozen=True)
class _Ends:
    """Learned synapses: group, population of the target, and state it acts on."""

    group: np.ndarray
    population: np.ndarray
    variable: np.ndarray


def _ends(built: Built, mask: Mask) -> _Ends:
    wires, synapse = built.wires, mask.own_parameter
    group = groups_of(wires)[synapse]
    return _Ends(group, built.units.population[wires.target[synapse]], wires.variable[synapse])


def flows(built: Built, p: int) -> np.ndarray:
    """(n, d*d) constant Jacobians of population number p."""
    size, at, n = int(built.units.d[p]) ** 2, int(built.units.at_dd[p]), int(built.units.size[p])
    return built.units.flow_d[at : at + n * size].reshape(n, size)


def decay_alike(built: Built, p: int) -> bool:
    """Whether D is constant and the same for all units of population number p, and stays so."""
    if not built.units.constant[p] or built.units.size[p] == 0 or learns_flow(built, p):
        return False
    each = flows(built, p)
    return bool((each == each[0]).all())


def _never_blocks(built: Built, p: int) -> bool:
    first, n = int(built.units.first[p]), int(built.units.size[p])
    return not built.units.hold[first : first + n].any()


def _entries(ends: _Ends, p: int, groups: int) -> np.ndarray | None:
    """(G,) state that each group acts on in population p, -1 for none; None if one acts on more."""
    inside = ends.population == p
    entry = np.full(groups, -1)
    entry[ends.group[inside]] = ends.variable[inside]
    return entry if (entry[ends.group[inside]] == ends.variable[inside]).all() else None


def _sharing(
    built: Built, ends: _Ends, one_state: bool
) -> tuple[dict[int, np.ndarray], np.ndarray]:
    """Populations that share, with the state that each group acts on; (G,) groups that do not."""
    groups = built.wires.delay.size
    sources = built.wires.group.size - 1
    if groups > MOST_GROUPS * sources:
        return {}, np.ones(groups, bool)
    found = {
        p: entry
        for p in range(built.units.first.size)
        if not (one_state and built.units.d[p] > 1)
        and decay_alike(built, p)
        and _never_blocks(built, p)
        and (entry := _entries(ends, p, groups)) is not None
    }
    collects = built.wires.collects.astype(bool)
    while True:
        alone = collects.copy()  # groups that bring something to populations that do not share
        alone[ends.group[~np.isin(ends.population, list(found))]] = True
        kept = {p: e for p, e in found.items() if not alone[e >= 0].any()}
        if len(kept) == len(found):
            return kept, alone
        found = kept


def make_traces(built: Built, mask: Mask, precision: str, one_state: bool = False) -> Traces:
    """Traces of all populations that share them; without any, arrays of no length.

    With `one_state` only populations of such units are asked.
    """
    ends = _ends(built, mask)
    sharing, alone = _sharing(built, ends, one_state)
    units, groups = built.units, built.wires.delay.size
    numbers = np.full(units.first.size, -1)
    numbers[list(sharing)] = np.arange(len(sharing))
    inside = numbers[ends.population] >= 0
    learned = np.bincount(ends.group[inside], minlength=groups)
    wide = int(units.d.max(initial=1))
    flow = np.zeros((len(sharing), wide * wide))
    for c, p in enumerate(sharing):
        flow[c, : int(units.d[p]) ** 2] = flows(built, p)[0]
    entries = [*sharing.values()]
    gain = np.where(inside, built.wires.gain[mask.own_parameter], 1.0).astype(precision)
    return Traces(
        shared=numbers[units.population],
        shares=(~alone).astype(np.uint8),
        group=ends.group.astype(np.int32),
        gain=gain,
        worth=_by_synapse(built, mask, gain),
        d=units.d[list(sharing)],
        flow=flow,
        variable=np.stack(entries) if entries else np.zeros((0, groups), np.int64),
        learned=learned,
        heard=np.zeros(groups, np.uint8),
        columns=np.zeros(1, np.int64),
        z=np.zeros((len(sharing), wide, groups), precision),
        delta=np.zeros(groups, precision),
        **_runs(mask, ends.group),
        common=np.zeros(2 * wide * int(np.diff(mask.own).max(initial=0)), precision),
        came=np.zeros(groups, np.int64),
        coming=np.zeros(1, np.int64),
    )


def _by_synapse(built: Built, mask: Mask, gain: np.ndarray) -> np.ndarray:
    """(synapses,) the gain of each, from that of own entries."""
    worth = np.zeros(built.wires.target.size, gain.dtype)
    worth[mask.own_parameter] = gain
    return worth


def _runs(mask: Mask, group: np.ndarray) -> dict[str, np.ndarray]:
    """Own synapses of a unit whose groups follow each other by one."""
    starts = np.ones(group.size, bool)
    starts[1:] = np.diff(group) != 1
    starts[mask.own[:-1][mask.own[:-1] < group.size]] = True
    first = np.flatnonzero(starts)
    return {"run": np.searchsorted(first, mask.own), "run_first": np.append(first, group.size)}
