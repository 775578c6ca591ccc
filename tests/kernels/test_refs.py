"""References to named tuples: read where they are used, one tuple beside another."""

from __future__ import annotations

from collections import namedtuple
from typing import Any, NamedTuple

import numpy as np
import pytest
from numba.core.errors import TypingError

from neuro_rtrl.kernels.jit import inline, jit, kernel
from neuro_rtrl.kernels.refs import Caller, Packed, ref


class Pair(NamedTuple):
    """Two arrays of different kinds."""

    numbers: np.ndarray
    counts: np.ndarray


@jit
def add(a: Pair, b: Pair) -> None:
    for i in range(a.numbers.shape[0]):
        a.numbers[i] += b.numbers[i]
        a.counts[0] += 1


@inline
def twice(a: Pair, b: Pair) -> None:
    add(a, b)
    add(a, b)


@kernel
def entry(a: Pair, b: Pair) -> float:
    first, second = ref(a), ref(b)
    twice(first, second)
    return first.numbers.sum()


def pair(*numbers: float) -> Pair:
    return Pair(np.array(numbers), np.zeros(1, np.int64))


def test_arrays_are_shared_and_not_mixed_up() -> None:
    a, b = pair(1.0, 2.0), pair(10.0, 20.0)
    assert entry(a, b) == 63.0
    np.testing.assert_array_equal(a.numbers, [21.0, 42.0])
    assert (a.counts[0], b.counts[0]) == (4, 0)
    np.testing.assert_array_equal(b.numbers, [10.0, 20.0])


def test_the_same_tuple_twice() -> None:
    a = pair(1.0)
    assert entry(a, a) == 4.0


def test_one_kernel_serves_other_element_types() -> None:
    a = Pair(np.array([1.0], np.float32), np.zeros(1, np.int64))
    assert entry(a, pair(0.5)) == 2.0
    assert a.numbers.dtype == np.float32


class Table(NamedTuple):
    """An array of two dimensions between others."""

    before: np.ndarray
    table: np.ndarray
    after: np.ndarray


@kernel
def read(given: Table) -> float:
    table = ref(given)
    rows, columns = table.table.shape
    total = table.before[1] + 100 * table.after.shape[0]
    for i in range(rows):
        for j in range(columns):
            total += table.table[i, j]
            table.table[i, j] = 10 * i + j
    return total


def test_packed_tuples_are_read_and_written_as_others() -> None:
    a, b = pair(1.0, 2.0), pair(10.0, 20.0)
    assert entry(Packed(a), Packed(b)) == 63.0
    np.testing.assert_array_equal(a.numbers, [21.0, 42.0])
    assert (a.counts[0], b.counts[0]) == (4, 0)


def test_packed_arrays_have_their_shape() -> None:
    given = Table(np.array([1, 7], np.uint8), np.ones((2, 3)), np.zeros(4, np.float32))
    assert read(Packed(given)) == 413.0
    np.testing.assert_array_equal(given.table, [[0, 1, 2], [10, 11, 12]])
    assert read(given) == 407.0 + 36.0


def test_packed_tuples_keep_their_arrays() -> None:
    packed = Packed(pair(1.0, 2.0))
    assert entry(packed, Packed(pair(0.5, 0.5))) == 5.0


@kernel
def weighed(a: Pair, b: Pair, factors: np.ndarray, twofold: bool) -> float:
    first = ref(a)
    add(first, ref(b))
    return first.numbers.sum() * factors[0] * (2 if twofold else 1)


def test_a_caller_sees_changed_numbers_and_other_tuples() -> None:
    call, a, b = Caller(weighed), pair(1.0, 2.0), pair(10.0, 20.0)
    assert call((a, b), np.array([3.0]), False) == 99.0
    assert call((a, b), np.array([1.0]), True) == 126.0
    b.numbers[:] = 0.0
    assert call((a, b), np.array([1.0]), False) == 63.0
    longer = pair(1.0, 1.0, 1.0)
    assert call((longer, longer), np.array([1.0]), False) == 6.0
    assert call((a, b), np.array([1.0]), False) == 63.0
    single = Pair(np.array([2.0, 2.0], np.float32), np.zeros(1, np.int64))
    assert call((single, b), np.array([1.0]), False) == 4.0
    assert call((single, b), np.array([2.0], np.float32), False) == 8.0
    assert call((single, b), np.array([[2.0, 3.0]])[:, 1], False) == 12.0


def test_a_name_that_the_tuple_does_not_have() -> None:
    @kernel
    def wrong(a: Pair) -> float:
        return ref(a).other[0]

    with pytest.raises(TypingError, match=r"Unknown attribute 'other' of type Ref\(Pair"):
        wrong(pair(1.0))


def test_tuples_of_one_name_with_other_fields_are_not_taken_for_each_other() -> None:
    """As they may be in two modules; types and sizes are the same."""

    def total(given: Any) -> float:
        return ref(given).counts.sum() - 2.0 * ref(given).numbers.sum()

    first = namedtuple("Both", ["numbers", "counts"])
    second = namedtuple("Both", ["counts", "numbers"])
    arrays = np.array([1.0, 2.0]), np.array([10.0])
    found = [Caller(kernel(total))((kind(*arrays),)) for kind in (first, second)]
    assert found == [10.0 - 6.0, 3.0 - 20.0]
    assert Caller(kernel(total))((first(*arrays),)) == found[0]
