"""Flags that are looked at together, and memory that is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.kernels import wide
from neuro_rtrl.kernels.cells import CHUNK
from neuro_rtrl.kernels.jit import kernel


@kernel
def found(flags: np.ndarray, start: int) -> bool:
    return bool(wide.any_of(flags, start))


@pytest.mark.parametrize("place", [0, 1, 7, 8, 63])
def test_any_flag_of_a_chunk_is_seen(place: int) -> None:
    flags = np.zeros(3 * CHUNK, np.uint8)
    flags[5 + place] = 1
    assert found(flags, 5)
    assert not found(flags, 6 + place)


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
