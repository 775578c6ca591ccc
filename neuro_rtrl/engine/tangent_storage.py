"""What lanes with tangents share, and the storage of one of them; it grows with what is under way.

Learned values split in two: those of readouts have exact rows, as in `rtrl`; those of all other
units (`learned`) are what a rule with tangents approximates. Float64 throughout: the columns are
few, and the rules divide by their norms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.kernels.layout import Mask
from neuro_rtrl.kernels.tangent import FREE_ROWS, Tangents
from neuro_rtrl.network.patterns import within_steps
from neuro_rtrl.network.plan import Plan
from neuro_rtrl.network.plan import mask as make_mask
from neuro_rtrl.network.reach import Reach

FIRST_EVENT_ROWS = 16


@dataclass(frozen=True)
class Shared:
    """What the lanes of a network have in common.

    Attributes:
        mask: shape of the exact rows.
        hidden: (units,) those that V stands for.
        learned: (parameters,) the learned ones that act on hidden units.
        seeds: parent of the lanes' seeds.
    """

    mask: Mask
    hidden: np.ndarray
    learned: np.ndarray
    seeds: np.random.SeedSequence


def share(built: Built, residual: bool) -> Shared:
    """The mask and who is hidden.

    Args:
        residual: rows of hidden units are kept as SnAp-1 does, and tangents are for the rest;
            otherwise hidden units have no rows.
    """
    plan = built.plan
    hidden = (~plan.is_readout).astype(np.uint8)
    unit = np.full(built.values.size, -1)
    unit[: built.wires.target.size] = built.wires.target
    for at, population in zip(plan.at_theta, plan.populations, strict=True):
        count = population.n * len(population.learn)
        unit[at : at + count] = plan.first[population.name] + np.arange(count) % population.n
    learned = np.zeros(built.values.size, np.uint8)
    learned[plan.learned] = hidden[unit[plan.learned]]
    if residual:
        mask = make_mask(plan, lambda made, own: within_steps(made, own, 1))
    else:
        exact = plan.wiring.learn & (hidden[built.wires.target] == 0)
        wiring = replace(plan.wiring, learn=exact)
        mask = make_mask(replace(plan, wiring=wiring), _own_only)
    return Shared(mask, hidden, learned, np.random.SeedSequence(plan.net.seed))


def _own_only(plan: Plan, own: np.ndarray) -> Reach:
    """Rows without any segment: no event carries a sensitivity of theirs."""
    nothing = np.zeros(0, np.int64)
    return Reach(np.full(plan.n, -1), nothing, np.zeros(plan.n + 1, np.int64), nothing)


def make_tangents(built: Built, shared: Shared, columns: int, residual: bool) -> Tangents:
    """Fresh storage: no influence, nothing under way."""
    synapses, states, wide = built.wires.target.size, built.units.initial.size, built.widest
    unit_values = int((built.units.size * built.units.m).sum())
    most = 1 if residual else (synapses + unit_values) * wide + unit_values + 1
    terms = built.wires.delay.size + 1 if residual else 1
    sources, ring = built.wires.group.size - 1, int(built.wires.ring[0])
    return Tangents(
        V=np.zeros((states + FIRST_EVENT_ROWS, columns)),
        bound=np.zeros(states + FIRST_EVENT_ROWS),
        row=np.full(sources * (ring + 2), -1, np.int64),
        free=states + np.arange(FIRST_EVENT_ROWS, dtype=np.int64),
        counts=np.array([FIRST_EVENT_ROWS, 0, 0, 0]),
        hidden=shared.hidden,
        learned=shared.learned[:synapses].copy(),
        residual=np.array([residual], np.uint8),
        entry_row=np.zeros(most, np.int64),
        entry_parameter=np.zeros(most, np.int64),
        effect=np.zeros(most),
        amount=np.zeros(most),
        term_event=np.zeros(terms, np.int64),
        term_end=np.zeros(terms, np.int64),
        term_row=np.zeros(synapses * wide + 1 if residual else 1, np.int64),
        term_effect=np.zeros(synapses * wide + 1 if residual else 1),
        tile=np.zeros((wide, columns)),
        edge=np.zeros(wide),
        entry=np.zeros(wide),
    )


def restart_tangents(tangents: Tangents, states: int) -> None:
    """No influence, nothing under way."""
    rows = tangents.V.shape[0] - states
    tangents.V[:] = 0.0
    tangents.bound[:] = 0.0
    tangents.row[:] = -1
    tangents.free[:] = states + np.arange(rows)
    tangents.counts[:] = 0
    tangents.counts[FREE_ROWS] = rows


def with_room(tangents: Tangents, needed: int) -> Tangents:
    """The same with at least `needed` free event rows."""
    left = int(tangents.counts[FREE_ROWS])
    if left >= needed:
        return tangents
    rows = tangents.V.shape[0]
    more = max(tangents.free.size, needed - left)
    free = np.zeros(tangents.free.size + more, np.int64)
    free[:left] = tangents.free[:left]
    free[left : left + more] = rows + np.arange(more)
    tangents.counts[FREE_ROWS] = left + more
    return tangents._replace(
        V=np.concatenate([tangents.V, np.zeros((more, tangents.V.shape[1]))]),
        bound=np.concatenate([tangents.bound, np.zeros(more)]),
        free=free,
    )
