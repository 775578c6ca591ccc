"""Comparing gradients: windows, errors, cosine and norm ratio, counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neuro_rtrl.checks_compare import alike, errors, unseen, windows

ONE = [{"a": np.array([3.0, 4.0]), "b": np.array([1e-6])}]


def test_windows_are_thirds_of_the_steps_with_a_target() -> None:
    targets = np.full((2, 20, 3), np.nan)
    targets[0, 4:10] = 1.0
    targets[1, 15:18] = 1.0
    assert [list(w) for w in windows(targets)] == [[4, 5, 6], [7, 8, 9], [15, 16, 17]]
    targets[:, 5:] = np.nan
    assert [list(w) for w in windows(targets)] == [[4]]
    assert [list(w) for w in windows(np.full((1, 3, 1), np.nan))] == [[0, 1, 2]]


def test_errors_are_relative_to_the_largest_entry_of_an_array() -> None:
    other = [{"a": np.array([3.0, 5.0]), "b": np.array([3e-6])}]
    assert errors(other, ONE) == {"a": pytest.approx(0.25), "b": pytest.approx(2.0)}
    assert errors(ONE, ONE) == {"a": 0.0, "b": 0.0}


def test_every_array_counts_the_same() -> None:
    cosine, ratio = alike([{"a": np.array([3.0, 4.0]), "b": np.array([-1e-6])}], ONE)
    assert (cosine, ratio) == (pytest.approx(0.0, abs=1e-15), pytest.approx(1.0))
    assert alike([{"a": 2 * ONE[0]["a"], "b": 2 * ONE[0]["b"]}], ONE) == pytest.approx((1.0, 2.0))
    zero = [{k: 0 * v for k, v in ONE[0].items()}]
    assert alike(zero, ONE) == (0.0, 0.0)
    assert all(math.isnan(x) for x in alike(ONE, zero))


def test_zero_arrays_are_named() -> None:
    assert unseen(ONE) == ""
    assert unseen([{"a": np.ones(2), "b": np.zeros(1)}]) == "zero, so not proved: b"
