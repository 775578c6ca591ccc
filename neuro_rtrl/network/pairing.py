"""Which pairs of units are connected: one rule of several, all of them drawn from one generator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.network import wiring
from neuro_rtrl.network.arguments import within
from neuro_rtrl.network.pair_values import Ends, pair_values

AT_ONCE = 1 << 21  # pairs whose probability is computed together


@dataclass(frozen=True)
class Pairing:
    """The rule of a projection: at most one of these is given, and every pair otherwise.

    Attributes:
        density: probability of a pair: a number, an expression, or with `blocks` a matrix.
        indegree, outdegree: sources of each target; targets of each source.
        one_to_one: unit i to unit i.
        pairs: (pre, post).
        blocks: (labels of sources, labels of targets), rows and columns of `density`.
        loops: whether a unit may connect to itself.
    """

    density: Any = None
    indegree: Any = None
    outdegree: Any = None
    one_to_one: bool = False
    pairs: Any = None
    blocks: Any = None
    loops: bool = True

    def draw(self, ends: Ends, rng: np.random.Generator, where: str) -> wiring.Pairs:
        """The (pre, post) of all synapses.

        Raises:
            DescriptionError: two rules at once, or one with impossible numbers.
        """
        self._check(where)
        n_pre, n_post = ends.n_pre, ends.n_post
        if self.pairs is not None:
            return wiring.given_pairs(self.pairs, n_pre, n_post, f"{where}: pairs")
        if self.one_to_one:
            return _one_to_one(n_pre, n_post, where)
        loops = self.loops or not ends.same
        if self.indegree is not None:
            within(self.indegree, 0, n_pre - (not loops), f"{where}: indegree", whole=True)
            return wiring.pairs_by_indegree(n_pre, n_post, int(self.indegree), rng, loops)
        if self.outdegree is not None:
            within(self.outdegree, 0, n_post - (not loops), f"{where}: outdegree", whole=True)
            post, pre = wiring.pairs_by_indegree(n_post, n_pre, int(self.outdegree), rng, loops)
            return pre, post
        pre, post = self._by_probability(ends, rng, where)
        keep = slice(None) if loops else pre != post
        return pre[keep], post[keep]

    def _check(self, where: str) -> None:
        options = ("density", "indegree", "outdegree", "pairs")
        given = [k for k in options if vars(self)[k] is not None]
        given += ["one_to_one"] if self.one_to_one else []
        if len(given) > 1:
            raise DescriptionError(
                "more than one rule for the pairs",
                where=where,
                given=" and ".join(given),
                expected="one of density, indegree, outdegree, one_to_one, pairs",
            )
        if self.blocks is not None and np.ndim(self.density) != 2:
            raise DescriptionError(
                "blocks need a probability for each pair of them",
                where=f"{where}: blocks",
                given=f"density = {self.density!r}",
                expected="density as a matrix (blocks of sources, blocks of targets)",
            )

    def _by_probability(self, ends: Ends, rng: np.random.Generator, where: str) -> wiring.Pairs:
        if isinstance(self.density, str):
            return _by_expression(self.density, ends, rng, where)
        if np.ndim(self.density) == 2:
            return _by_blocks(self.density, self.blocks, ends, rng, where)
        density = 1.0 if self.density is None else self.density
        within(density, 0.0, 1.0, f"{where}: density")
        expected = ends.n_pre * ends.n_post * density
        within(expected, 0, wiring.MOST_SYNAPSES, f"{where}: number of synapses")
        return wiring.pairs_by_density(ends.n_pre, ends.n_post, float(density), rng)


def _one_to_one(n_pre: int, n_post: int, where: str) -> wiring.Pairs:
    if n_pre != n_post:
        raise DescriptionError(
            "one to one needs as many sources as targets",
            where=where,
            given=f"{n_pre} sources and {n_post} targets",
            expected="populations of one size",
        )
    return np.arange(n_pre), np.arange(n_post)


def _by_expression(text: str, ends: Ends, rng: np.random.Generator, where: str) -> wiring.Pairs:
    """A probability for each pair, some rows of sources at a time."""
    rows = max(1, AT_ONCE // ends.n_post)
    found = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
    count = 0
    for low in range(0, ends.n_pre, rows):
        block = np.arange(low, min(low + rows, ends.n_pre))
        pre = np.repeat(block, ends.n_post)
        post = np.tile(np.arange(ends.n_post), block.size)
        chance = pair_values(text, ends, pre, post, rng, (), f"{where}: density")
        keep = np.flatnonzero(rng.random(pre.size) < chance)
        count += keep.size
        within(count, 0, wiring.MOST_SYNAPSES, f"{where}: number of synapses")
        found.append((pre[keep], post[keep]))
    return np.concatenate([p for p, _ in found]), np.concatenate([q for _, q in found])


def _by_blocks(
    density: Any, blocks: Any, ends: Ends, rng: np.random.Generator, where: str
) -> wiring.Pairs:
    """Each pair of blocks by its own probability; in the order of sources, then targets."""
    matrix = np.asarray(density, float)
    if not (np.isfinite(matrix).all() and (matrix >= 0).all() and (matrix <= 1).all()):
        raise DescriptionError(
            "these are not probabilities",
            where=f"{where}: density",
            given=repr(density),
            expected="numbers from 0 to 1",
        )
    labels = _labels(blocks, matrix.shape, (ends.n_pre, ends.n_post), f"{where}: blocks")
    found = []
    for a in range(matrix.shape[0]):
        for b in range(matrix.shape[1]):
            rows, columns = np.flatnonzero(labels[0] == a), np.flatnonzero(labels[1] == b)
            pre, post = wiring.pairs_by_density(rows.size, columns.size, float(matrix[a, b]), rng)
            found.append((rows[pre], columns[post]))
    pre, post = (np.concatenate([pair[k] for pair in found]) for k in (0, 1))
    order = np.lexsort((post, pre))
    return pre[order], post[order]


def _labels(
    blocks: Any, counts: tuple[int, ...], sizes: tuple[int, int], where: str
) -> list[np.ndarray]:
    """A block for each source and for each target."""
    given = list(blocks) if isinstance(blocks, list | tuple) else []
    made = [np.asarray(labels) for labels in given]
    good = len(made) == 2 and all(
        m.shape == (n,) and m.dtype.kind in "iu" and m.min() >= 0 and m.max() < count
        for m, n, count in zip(made, sizes, counts, strict=True)
    )
    if not good:
        raise DescriptionError(
            "these blocks do not fit",
            where=where,
            given=repr(blocks),
            expected=f"{sizes[0]} labels from 0 to {counts[0] - 1} for the sources, and "
            f"{sizes[1]} from 0 to {counts[1] - 1} for the targets",
        )
    return made
