"""Flags that are looked at together, and memory that is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.kernels import wide
from neuro_rtrl.kernels.cells import CHUNK
from neuro_rtrl.kernels.jit import kernel


@kernel
def places(flags: np.ndarray, start: int, found: np.ndarray) -> int:
    """Places of the flags that are set, counted from `start`; returns their number."""
    count, left = 0, wide.flags_of(flags, start)
    while left:
        found[count] = wide.lowest(left)
        left &= left - np.uint64(1)
        count += 1
    return count


@pytest.mark.parametrize("chosen", [[], [0], [63], [1, 7, 8, 31, 32, 62], list(range(CHUNK))])
def test_flags_of_a_chunk_are_found_in_order(chosen: list[int]) -> None:
    flags, found = np.zeros(3 * CHUNK, np.uint8), np.zeros(CHUNK, np.int64)
    flags[[4, 5 + CHUNK]] = 1  # neighbours of the chunk
    flags[[5 + place for place in chosen]] = 255
    assert found[: places(flags, 5, found)].tolist() == chosen


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_numbers_that_are_not_zero_are_found_as_flags_are(precision: str) -> None:
    numbers, found = np.zeros(2 * CHUNK, precision), np.zeros(CHUNK, np.int64)
    # A zero with a sign is one; the smallest number there is, and what is none, are not.
    numbers[3:9] = [1e30, -0.0, np.finfo(precision).smallest_subnormal, 0.0, np.nan, -np.inf]
    assert found[: places(numbers, 3, found)].tolist() == [0, 2, 4, 5]


@kernel
def listed(flags: np.ndarray, first: int, end: int, found: np.ndarray, count: int) -> int:
    return wide.list_flags(flags, first, end, found, count)


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 130, 200])
@pytest.mark.parametrize("behind", [0, 1, 100])
def test_flags_of_a_range_are_listed(size: int, behind: int) -> None:
    rng = np.random.default_rng(size)
    flags = (rng.random(7 + size + behind) < 0.3).astype(np.uint8)
    found = np.full(7 + size + behind, -1)
    count = listed(flags, 7, 7 + size, found, 2)
    wanted = 7 + np.flatnonzero(flags[7 : 7 + size])
    np.testing.assert_array_equal(found[2:count], wanted)
    assert (found[:2] == -1).all()


@kernel
def total(values: np.ndarray) -> float:
    found = 0.0
    for i in range(values.shape[0]):
        wide.fetch(values, i)
        found += values[i]
    return found


def test_asking_changes_nothing() -> None:
    values = np.arange(100.0)
    assert total(values) == 4950.0
    np.testing.assert_array_equal(values, np.arange(100.0))
