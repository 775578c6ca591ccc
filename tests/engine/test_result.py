"""Results of parts become one: losses are summed in order, whatever the version of Python."""

from __future__ import annotations

import numpy as np

from neuro_rtrl.engine.result import Result, in_parallel, in_sequence


def result(loss: float, steps: int) -> Result:
    spikes = {"h": (np.array([0, steps - 1]), np.array([1, 2]))}
    return Result(
        loss,
        np.full((1, steps), loss),
        np.full((1, steps, 2), loss),
        spikes,
        np.full((steps, 1), loss),
    )


def test_the_loss_of_a_sequence_does_not_depend_on_where_it_is_cut() -> None:
    losses = [1e16, 1.0, -1e16, 1.0, 0.1]
    parts = [result(loss, 2) for loss in losses]
    whole = in_sequence(parts)
    wanted = whole.losses.sum()
    assert whole.loss == wanted
    pieces = in_sequence([in_sequence(parts[:3]), *parts[3:]])
    assert pieces.loss == wanted
    np.testing.assert_equal(vars(pieces), vars(whole))


def test_steps_count_on() -> None:
    made = in_sequence([result(1.0, 3), result(2.0, 4)])
    assert made.spikes["h"][0].tolist() == [0, 2, 3, 6]
    assert made.losses.shape == (1, 7)
    assert made.traces[:, 0].tolist() == [1.0] * 3 + [2.0] * 4


def test_lanes_stand_side_by_side() -> None:
    made = in_parallel([result(1.0, 3), result(3.0, 3)])
    assert made.loss == 2.0
    assert made.predictions.shape == (2, 3, 2)
    assert made.spikes["h"][0].tolist() == [0, 2, 3, 5]
    assert made.traces[:, 0].tolist() == [1.0] * 3
