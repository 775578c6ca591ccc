"""Each law is found again in the signal, and it changes where it should."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.tasks.sine_switch import make


def test_a_sine_has_its_period_on_either_side_of_a_switch() -> None:
    x = make(np.random.default_rng(0), steps=300, every=100).train(0).inputs[0, :, 0]
    for start, period in ((0, 40), (100, 17), (200, 40)):
        part = x[start : start + 100]
        # x(t+1) + x(t-1) = 2 cos(2 pi/P) x(t)
        np.testing.assert_allclose(
            part[2:] + part[:-2], 2 * np.cos(2 * np.pi / period) * part[1:-1], atol=1e-12
        )


def test_the_target_is_the_next_value() -> None:
    trial = make(np.random.default_rng(0), kind="regime").train(0)
    np.testing.assert_array_equal(trial.targets[:, :-1], trial.inputs[:, 1:])


def test_a_resonance_has_its_law_and_unit_variance() -> None:
    task = make(np.random.default_rng(0), kind="regime", batch=300, steps=800, every=400)
    x = task.train(0).inputs[:, :, 0]
    for start, period in ((0, 40), (400, 17)):
        part = x[:, start + 100 : start + 400]
        past = np.stack([part[:, 1:-1].ravel(), part[:, :-2].ravel()], axis=1)
        a, b = np.linalg.lstsq(past, part[:, 2:].ravel(), rcond=None)[0]
        assert a == pytest.approx(2 * 0.98 * np.cos(2 * np.pi / period), abs=0.01)
        assert b == pytest.approx(-(0.98**2), abs=0.01)
        assert part.var() == pytest.approx(1, rel=0.1)


def test_an_unknown_kind_gets_the_nearest() -> None:
    with pytest.raises(DescriptionError, match=r"sine_switch: kind: .*Did you mean 'sine'"):
        make(np.random.default_rng(0), kind="sines")


@pytest.mark.parametrize(("option", "value"), [("first", 2.0), ("second", 0.0), ("every", 0)])
def test_refuses_what_is_out_of_range(option: str, value: float) -> None:
    with pytest.raises(DescriptionError, match=f"sine_switch: {option}: .*given: .*expected: "):
        make(np.random.default_rng(0), **{option: value})
