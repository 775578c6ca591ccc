"""Late gradients: nothing before its time, plain descent without delay."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.optimizers.delayed_sgd import DelayedSgd
from neuro_rtrl.optimizers.sgd import Sgd

OPTIONS = {"clip_norm": 0.8, "schedule": "inverse_sqrt"}


def path(optimizer: DelayedSgd | Sgd, gradients: np.ndarray) -> np.ndarray:
    values, seen = np.zeros(3), []
    for gradient in gradients:
        optimizer.update(values, gradient)
        seen.append(values.copy())
    return np.array(seen)


def test_without_delay_it_is_plain_descent(rng: np.random.Generator) -> None:
    gradients = rng.normal(size=(9, 3))
    late, plain = DelayedSgd(0.3, 0, **OPTIONS), Sgd(0.3, **OPTIONS)  # type: ignore[arg-type]
    np.testing.assert_allclose(path(late, gradients), path(plain, gradients), rtol=1e-13)


@pytest.mark.parametrize("delay", [1, 4])
def test_every_gradient_waits_for_its_time(rng: np.random.Generator, delay: int) -> None:
    gradients = rng.normal(size=(9, 3))
    late, plain = path(DelayedSgd(0.3, delay), gradients), path(Sgd(0.3), gradients)
    assert not late[:delay].any()
    np.testing.assert_allclose(late[delay:], plain[:-delay], rtol=1e-15)


def test_a_gradient_is_kept_as_it_was() -> None:
    values, late, gradient = np.zeros(1), DelayedSgd(1.0, 1), np.ones(1)
    late.update(values, gradient)
    gradient[:] = 7  # the caller's array is used again
    late.update(values, gradient)
    assert values.tolist() == [-1]


def test_a_negative_delay_is_refused() -> None:
    with pytest.raises(DescriptionError, match="delayed_sgd: delay: delay is out of range"):
        DelayedSgd(0.1, -1)
