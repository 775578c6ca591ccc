"""Cues, delays and the target, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.tasks.delayed_xor import make


def test_cues_delays_and_answer_have_their_places() -> None:
    trial = make(np.random.default_rng(0), batch=50, cue=2, delay=3).train(0)
    assert trial.inputs.shape == (50, 12, 3)
    for sequence, target in zip(trial.inputs, trial.targets[:, :, 0], strict=True):
        a, b = sequence[0, :2].argmax(), sequence[5, :2].argmax()
        expected = np.zeros((12, 3))
        expected[0:2, a] = expected[5:7, b] = expected[10:12, 2] = 1
        np.testing.assert_array_equal(sequence, expected)
        np.testing.assert_array_equal(target[10:], float(a != b))
        assert np.isnan(target[:10]).all()


def test_the_four_cases_are_equally_likely() -> None:
    trial = make(np.random.default_rng(0), batch=4000, cue=1, delay=0).train(0)
    case = 2 * trial.inputs[:, 0, 1] + trial.inputs[:, 1, 1]
    assert np.bincount(case.astype(int)).min() > 900
    assert trial.targets[:, -1, 0].mean() == pytest.approx(0.5, abs=0.03)


def test_neither_bit_alone_tells_the_answer() -> None:
    trial = make(np.random.default_rng(0), batch=4000, cue=1, delay=0).train(0)
    for step in (0, 1):
        together = np.corrcoef(trial.inputs[:, step, 1], trial.targets[:, -1, 0])[0, 1]
        assert abs(together) < 0.05


@pytest.mark.parametrize(("option", "value"), [("cue", 0), ("delay", -1), ("batch", 0)])
def test_refuses_what_is_out_of_range(option: str, value: int) -> None:
    with pytest.raises(DescriptionError, match=f"delayed_xor: {option}: .*given: {value}; exp"):
        make(np.random.default_rng(0), **{option: value})
