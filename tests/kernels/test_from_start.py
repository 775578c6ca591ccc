"""Arrays of named tuples in kernels: counted from the start, otherwise as NumPy has them."""

from __future__ import annotations

import re
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import typeof, types

from neuro_rtrl import kernels
from neuro_rtrl.kernels import jit
from neuro_rtrl.kernels.from_start import FromStart, from_start
from neuro_rtrl.kernels.refs import Caller, ref

Pair = namedtuple("Pair", ["line", "table"])


def given() -> Any:
    return Pair(np.arange(10.0), np.arange(12, dtype=np.int32).reshape(3, 4))


def look(pair: Any, others: np.ndarray, found: np.ndarray) -> None:
    """Entries and parts of all kinds."""
    line, table = ref(pair).line, ref(pair).table
    found[0] = line[3] + table[1, 2] + others[2]
    found[1] = table[np.uint32(2), np.int8(1)]
    found[2] = line[2:5].sum()
    found[3] = line[7:].shape[0]
    found[4] = line[:4][1:3][1]
    found[5] = line[8:20].shape[0]
    found[6] = line[5:3].shape[0]
    found[7] = line[30:].shape[0]
    found[8] = table[1:][1, 3]
    found[9] = table[2][1]
    found[10] = table[:, 1][2]
    found[11] = line[1:9:3].sum()
    line[4] = 2
    line[5] += found[0]
    line[6:8] = 3.0
    table[0, 0] = 7.9
    table[1][1] = 5
    found[12] = line.sum() + table.sum()


def test_entries_and_parts_are_those_of_numpy() -> None:
    kernel, expected, found = jit.kernel(look), np.zeros(13), np.zeros((2, 13))
    others = np.array([1.0, 2.0, 4.0])
    pairs = [given() for _ in range(3)]
    look.__globals__["ref"], kept = (lambda pair: pair), ref
    try:
        look(pairs[0], others, expected)
    finally:
        look.__globals__["ref"] = kept
    kernel(pairs[1], others, found[0])
    Caller(kernel)((pairs[2],), others, found[1])
    np.testing.assert_array_equal(found, [expected, expected])
    for pair in pairs[1:]:
        np.testing.assert_array_equal(pair.line, pairs[0].line)
        np.testing.assert_array_equal(pair.table, pairs[0].table)


def test_an_entry_is_read_anew_after_one_of_the_same_kind_was_written() -> None:
    """What is said of places that do not overlap does not hold within one kind."""

    @jit.kernel
    def shift(pair: Any) -> float:
        line, same = ref(pair).line, ref(pair).table
        total = 0.0
        for i in range(line.shape[0] - 1):
            same[i + 1] = line[i] + 1.0
            total += line[i + 1]
        return total

    line = np.zeros(6)
    assert Caller(shift)((Pair(line, line),)) == 1 + 2 + 3 + 4 + 5
    np.testing.assert_array_equal(line, np.arange(6.0))


def test_parts_of_such_arrays_are_such_arrays() -> None:
    kind = from_start(typeof(np.zeros((2, 3))))
    assert isinstance(kind, FromStart)
    assert kind.copy(ndim=1) == from_start(typeof(np.zeros(3)))
    assert kind.copy(layout="A") == types.Array(types.float64, 2, "A")
    assert kind != typeof(np.zeros((2, 3)))


@pytest.mark.parametrize("array", [np.zeros((2, 3)).T[1:], np.zeros(())])
def test_arrays_that_are_not_in_rows_are_as_they_are(array: np.ndarray) -> None:
    assert from_start(typeof(array)) == typeof(array)
    assert from_start(types.int64) == types.int64


def test_no_kernel_counts_from_the_end() -> None:
    """There is nobody to notice: with NUMBA_BOUNDSCHECK such a place is what it is in Python."""
    for file in Path(kernels.__file__).parent.glob("*.py"):
        text = re.sub(r'""".*?"""|#[^\n]*', "", file.read_text(), flags=re.DOTALL)
        found = re.findall(r"\w\[[^\[\]]*?(?<=[\[,: ])-\d+[\],:][^\[\]]*", text)
        assert not found, file.name
