"""Patterns of kept entries for rules that approximate: which blocks each row holds.

Every unit with learned parameters is a block of its own here. With the boolean matrix A of synapses
between units (target, source) and n-step reachability

    K_1 = 1,   K_{q+1} = K_q or A K_q          (Menick et al. 2021, arXiv 2006.07232, section 3)

SnAp-n keeps entry (k, parameters of b) where K_n[k, b]. A row needs a segment for the kept blocks
that synapses can bring: K_n and (A K_n). Rows of readouts, which feed back to nothing, are never
cut.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neuro_rtrl.network.plan import Plan
from neuro_rtrl.network.reach import Reach

Matrix = Any  # a scipy.sparse.csr_matrix, which has no annotations


def within_steps(plan: Plan, own: np.ndarray, n: int, recurrent: bool = True) -> Reach:
    """Blocks within n steps of the graph.

    Args:
        plan: the network.
        own: (units,) number of own learned parameters.
        n: SnAp's order, from 1.
        recurrent: False also cuts what n = 1 would keep: synapses between spiking units.
    """
    from scipy.sparse import identity  # late, as in reach.py

    units = plan.n
    between = plan.wiring.source < units
    pre, post = plan.wiring.source[between], plan.wiring.wires.target[between]
    readouts = plan.is_readout
    every = boolean(units, pre, post)
    inside = boolean(units, pre[~readouts[post]], post[~readouts[post]])
    kept = identity(units, dtype=bool, format="csr")
    for _ in range(n - 1):
        wider = (kept + inside @ kept).astype(bool)
        if wider.nnz == kept.nnz:
            break
        kept = wider
    brought = (every @ kept).astype(bool)
    chosen = np.flatnonzero(readouts)
    rows = (boolean(units, chosen, chosen) @ brought).astype(bool)
    if recurrent:
        rows = (rows + kept.multiply(brought)).astype(bool)
    return as_reach(rows, own)


def boolean(units: int, pre: np.ndarray, post: np.ndarray) -> Matrix:
    """(units, units) where post[i] hears pre[i]."""
    from scipy.sparse import csr_matrix

    ones = np.ones(pre.size, dtype=bool)
    return csr_matrix((ones, (post, pre)), shape=(units, units), dtype=bool)


def as_reach(rows: Matrix, own: np.ndarray) -> Reach:
    """Segments of each row: the columns of `rows` that have parameters (`own` counts them)."""
    block = np.full(own.size, -1, dtype=np.int64)
    named = own > 0
    block[named] = np.arange(int(named.sum()))
    table = rows.tocsr()
    table.sort_indices()
    count = table.shape[0]
    indices, unit = table.indices, np.repeat(np.arange(count), np.diff(table.indptr))
    keep = named[indices]
    counts = np.bincount(unit[keep], minlength=count)
    pointer = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Reach(block, own[named].astype(np.int64), pointer, block[indices[keep]])
