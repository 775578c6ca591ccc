"""Which parameters can ever influence which unit: the static mask of the influence matrix.

The graph of units falls into strongly connected components. Inside one, everything reaches
everything; between them the graph has no loops. So the parameters of a component's units form one
*block* of columns, and a unit's row holds exactly the blocks that reach it through at least one
synapse. (Its own parameters act on it directly; that part of the row, the own block, is kept
apart.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Reach:
    """Blocks of columns, and which rows hold them.

    Attributes:
        block: (units,) block of the unit's own parameters, -1 if it has none.
        columns: (blocks,) number of parameters of each block.
        pointer, blocks: unit k's row holds `blocks[pointer[k]:pointer[k+1]]`, ascending.
    """

    block: np.ndarray
    columns: np.ndarray
    pointer: np.ndarray
    blocks: np.ndarray


def reach(n: int, pre: np.ndarray, post: np.ndarray, own: np.ndarray) -> Reach:
    """The blocks of a graph of `n` units.

    Args:
        pre, post: synapses between units (inputs left out).
        own: (n,) number of learned parameters that act directly on each unit.

    >>> chain = reach(3, np.array([0, 1]), np.array([1, 2]), np.array([2, 1, 1]))
    >>> chain.blocks[chain.pointer[2]:chain.pointer[3]].size
    2
    """
    # Not at the top: a simulation does without, and it takes a tenth of a second to import.
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(pre.size, np.int8), (pre, post)), shape=(n, n)).tocsr()
    count, component = connected_components(graph, directed=True, connection="strong")
    columns = np.bincount(component, weights=own, minlength=count).astype(np.int64)
    named = columns > 0
    number = np.full(count, -1, dtype=np.int64)
    number[named] = np.arange(int(named.sum()))
    reached = _ancestors(count, component, pre, post, number)
    rows = [reached[c] for c in component]
    pointer = np.concatenate([[0], np.cumsum([r.size for r in rows])]).astype(np.int64)
    blocks = np.concatenate(rows) if rows else np.zeros(0, np.int64)
    block = np.where(own > 0, number[component], -1)
    return Reach(block, columns[named], pointer, blocks.astype(np.int64))


def _ancestors(
    count: int, component: np.ndarray, pre: np.ndarray, post: np.ndarray, number: np.ndarray
) -> list[np.ndarray]:
    """For each component the sorted block numbers that reach it through at least one synapse."""
    before: list[set[int]] = [set() for _ in range(count)]
    edges = np.unique(np.stack([component[pre], component[post]], axis=1), axis=0)
    for a, b in edges.tolist():
        before[b].add(a)
    masks = [0] * count  # bit j: block j reaches this component
    for c in _in_order(count, before):
        mask = 0
        for a in before[c]:
            mask |= masks[a] if a != c else 0
            mask |= 1 << int(number[a]) if number[a] >= 0 else 0
        masks[c] = mask
    return [_bits(mask) for mask in masks]


def _in_order(count: int, before: list[set[int]]) -> list[int]:
    """Components, each after all that lead to it (loops within one do not count)."""
    left = [len(sources - {c}) for c, sources in enumerate(before)]
    after: list[list[int]] = [[] for _ in range(count)]
    for c, sources in enumerate(before):
        for a in sources - {c}:
            after[a].append(c)
    ready = [c for c in range(count) if left[c] == 0]
    for c in ready:  # grows while it is walked
        for b in after[c]:
            left[b] -= 1
            if left[b] == 0:
                ready.append(b)
    return ready


def _bits(mask: int) -> np.ndarray:
    if mask == 0:
        return np.zeros(0, dtype=np.int64)
    raw = np.frombuffer(mask.to_bytes((mask.bit_length() + 7) // 8, "little"), np.uint8)
    return np.flatnonzero(np.unpackbits(raw, bitorder="little")).astype(np.int64)
