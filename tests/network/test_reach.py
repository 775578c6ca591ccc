"""Blocks of columns against reachability by powers of the adjacency matrix."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.network.reach import Reach, reach


def rows(found: Reach) -> list[list[int]]:
    """The blocks of each unit's row."""
    return [
        found.blocks[a:b].tolist()
        for a, b in zip(found.pointer[:-1], found.pointer[1:], strict=True)
    ]


def index(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def test_a_chain() -> None:
    found = reach(3, index(0, 1), index(1, 2), index(2, 1, 3))
    assert sorted(found.columns.tolist()) == [1, 2, 3]
    assert found.columns[found.block].tolist() == [2, 1, 3]
    a, b, _ = found.block
    assert rows(found) == [[], [a], sorted([a, b])]


def test_a_loop_is_one_block_that_reaches_itself() -> None:
    found = reach(4, index(0, 1, 2), index(1, 0, 3), index(2, 3, 1, 1))
    assert found.block[0] == found.block[1]
    assert found.columns[found.block[0]] == 5
    assert rows(found)[0] == rows(found)[1] == [found.block[0]]
    assert rows(found)[3] == [found.block[2]]
    assert rows(found)[2] == []


def test_a_synapse_to_itself_is_a_loop() -> None:
    assert rows(reach(1, index(0), index(0), index(3))) == [[0]]


def test_units_without_parameters_have_no_block_but_pass_others_on() -> None:
    found = reach(3, index(0, 1), index(1, 2), index(2, 0, 0))
    assert found.block.tolist() == [0, -1, -1]
    assert found.columns.tolist() == [2]
    assert rows(found) == [[], [0], [0]]


def test_nothing_at_all() -> None:
    found = reach(2, index(), index(), index(0, 0))
    assert found.columns.size == 0 and found.blocks.size == 0
    assert found.pointer.tolist() == [0, 0, 0]


@pytest.mark.parametrize("seed", range(20))
def test_blocks_are_what_paths_reach(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 14))
    adjacency = rng.random((n, n)) < rng.uniform(0, 2.5 / n)  # [target, source]
    post, pre = np.nonzero(adjacency)
    own = rng.integers(0, 3, n)
    found = reach(n, pre, post, own)
    paths = adjacency.copy()
    for _ in range(n):
        paths = paths | (paths.astype(int) @ paths.astype(int) > 0)
    for k, row in enumerate(rows(found)):
        wanted = {int(found.block[source]) for source in np.flatnonzero(paths[k] & (own > 0))}
        assert row == sorted(wanted)
    assert found.columns.sum() == own.sum()
    mine = np.bincount(found.block[own > 0], weights=own[own > 0], minlength=found.columns.size)
    np.testing.assert_array_equal(mine, found.columns)
