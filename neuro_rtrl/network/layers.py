"""Patterns of rules that treat populations as layers, and how long their entries are kept.

A population is a layer. In the rows of a unit, what belongs to its own layer (or what its own
dynamics carry) is kept for ever; what comes from other layers only from one arrival to the next:
for readouts and for units that collect their arrivals, until the end of the step; for units whose
states are reached directly, until they emit in the step after.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neuro_rtrl.kernels.layout import Mask
from neuro_rtrl.network.patterns import as_reach, boolean
from neuro_rtrl.network.plan import Plan
from neuro_rtrl.network.reach import Reach

Matrix = Any  # a scipy.sparse matrix, which has no annotations


def population_of(plan: Plan) -> np.ndarray:
    """(N,) number of each unit's population."""
    return np.repeat(np.arange(len(plan.populations)), [p.n for p in plan.populations])


def _between(plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """(pre, post) of all synapses between units."""
    between = plan.wiring.source < plan.n
    return plan.wiring.source[between], plan.wiring.wires.target[between]


def layers(plan: Plan, own: np.ndarray) -> Reach:
    """A block for the parameters of each population, in every row that a path leads to."""
    from scipy.sparse import csr_matrix  # late, as in reach.py

    pre, post = _between(plan)
    synapses, of = boolean(plan.n, pre, post), population_of(plan)
    ones = np.ones(plan.n, bool)
    shape = (plan.n, len(plan.populations))
    emitted = csr_matrix((ones, (np.arange(plan.n), of)), shape=shape, dtype=bool)
    arrived = _closure(synapses, emitted)
    counts = np.bincount(of, weights=own, minlength=shape[1]).astype(np.int64)
    reach = as_reach(arrived, counts)
    block = np.where(own > 0, reach.block[of], -1)
    return Reach(block, reach.columns, reach.pointer, reach.blocks)


def units_and_paths(plan: Plan, own: np.ndarray) -> Reach:
    """A block for each unit, in every row that a path between populations leads to."""
    from scipy.sparse import identity

    pre, post = _between(plan)
    of = population_of(plan)
    across = of[pre] != of[post]
    itself = identity(plan.n, dtype=bool, format="csr")
    arrived = _closure(boolean(plan.n, pre[across], post[across]), itself)
    return as_reach(arrived, own)


def _closure(synapses: Matrix, own: Matrix) -> Matrix:
    """What arrives at each row if every unit passes on its own and all that has arrived."""
    arrived = (synapses @ own).astype(bool)
    while True:
        wider = (arrived + synapses @ arrived).astype(bool)
        if wider.nnz == arrived.nnz:
            return arrived
        arrived = wider


def keep_own_layer(plan: Plan, mask: Mask) -> np.ndarray:
    """(segments,) -1 for the own population's block, else how many steps it is kept."""
    of = population_of(plan)
    unit = np.repeat(np.arange(plan.n), np.diff(mask.segment))
    owner = np.full(mask.columns.size, -1)
    named = mask.block >= 0
    owner[mask.block[named]] = of[named]
    return np.where(owner[mask.segment_block] == of[unit], -1, _steps(plan)[unit])


def keep_no_path(plan: Plan, mask: Mask) -> np.ndarray:
    """(segments,) how many steps each is kept; what a unit's own dynamics carry is no segment."""
    return _steps(plan)[np.repeat(np.arange(plan.n), np.diff(mask.segment))]


def _steps(plan: Plan) -> np.ndarray:
    """(N,) steps from an arrival to the emission (or loss) that it takes part in."""
    steps = []
    for population in plan.populations:
        model = population.model
        later = model is not None and model.threshold is not None and model.kind == "ode"
        steps.append(int(later))
    return np.array(steps)[population_of(plan)]
