"""Storage of tangents grows with what is under way, and keeps what it holds."""

from __future__ import annotations

import numpy as np

from neuro_rtrl.engine.build import build
from neuro_rtrl.engine.tangent_storage import (
    FIRST_EVENT_ROWS,
    make_tangents,
    restart_tangents,
    share,
    with_room,
)
from neuro_rtrl.kernels.tangent import FREE_ROWS
from tests.reference.tangents import network


def test_room_for_more_events() -> None:
    built = build(network())
    states = built.units.initial.size
    small = make_tangents(built, share(built, False), 3, False)
    small.V[:] = 1.0
    small.counts[FREE_ROWS] = 2
    assert with_room(small, 2) is small
    large = with_room(small, 5)
    assert large.V.shape == (states + 2 * FIRST_EVENT_ROWS, 3)
    assert large.counts[FREE_ROWS] == 2 + FIRST_EVENT_ROWS
    free = large.free[: large.counts[FREE_ROWS]]
    assert np.unique(free).size == free.size
    np.testing.assert_array_equal(free[:2], small.free[:2])
    assert not large.V[free[2:]].any() and large.V[: small.V.shape[0]].all()


def test_after_a_restart_every_row_is_free_and_empty() -> None:
    built = build(network())
    states = built.units.initial.size
    tangents = with_room(make_tangents(built, share(built, False), 2, False), 40)
    for array in (tangents.V, tangents.bound, tangents.row, tangents.counts):
        array[:] = 7
    restart_tangents(tangents, states)
    rows = tangents.V.shape[0] - states
    assert tangents.counts[FREE_ROWS] == rows == tangents.free.size >= 40
    np.testing.assert_array_equal(np.sort(tangents.free), states + np.arange(rows))
    assert not tangents.V.any() and not tangents.bound.any() and (tangents.row == -1).all()


def test_exact_rows_are_those_of_readouts_or_of_snap_1() -> None:
    built = build(network())
    assert share(built, residual=False).mask.segment_block.size == 0
    assert share(built, residual=False).mask.own[7] == 0
    built = build(network())
    assert share(built, residual=True).mask.segment_block.size > 0
    assert share(built, residual=True).mask.own[7] > 0
