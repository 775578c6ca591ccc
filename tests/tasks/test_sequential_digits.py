"""Pictures as sequences: no pixel is lost, parts do not overlap."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.datasets import digits
from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.tasks._recorded import classes
from neuro_rtrl.tasks.sequential_digits import BRIGHTEST, DATA, make


@pytest.mark.parametrize(
    ("options", "steps", "inputs"),
    [
        ({}, 8, 8),
        ({"order": "pixels"}, 64, 1),
        ({"order": "permuted", "pool": 2}, 16, 1),
        ({"data": "mnist"}, 28, 28),
        ({"data": "mnist", "pool": 4, "order": "pixels"}, 49, 1),
        ({"data": "fashion_mnist", "pool": 2}, 14, 14),
    ],
)
def test_shapes(options: dict[str, object], steps: int, inputs: int) -> None:
    task = make(np.random.default_rng(0), batch=3, **options)  # type: ignore[arg-type]
    trial = task.train(0)
    assert trial.inputs.shape == (3, steps, inputs)
    assert (trial.inputs.min(), trial.inputs.max()) >= (0, 0)
    assert trial.inputs.max() <= 1
    assert np.isfinite(trial.targets[:, :, 0]).sum(axis=1).tolist() == [1, 1, 1]


def test_every_order_has_the_same_pixels() -> None:
    drawn = {
        order: make(np.random.default_rng(0), order=order).train(4)
        for order in ("rows", "pixels", "permuted")
    }
    rows = drawn["rows"].inputs.reshape(32, -1)
    np.testing.assert_array_equal(rows, drawn["pixels"].inputs[:, :, 0])
    permuted = drawn["permuted"].inputs[:, :, 0]
    assert not np.array_equal(rows, permuted)
    np.testing.assert_array_equal(np.sort(rows), np.sort(permuted))


def test_pictures_keep_their_labels() -> None:
    arrays = digits.DATASET.load()
    known = {image.tobytes(): label for image, label in zip(*arrays.values(), strict=True)}
    for trial in (make(np.random.default_rng(0)).train(1), make(np.random.default_rng(0)).test()):
        pictures = (trial.inputs * BRIGHTEST["digits"]).round().astype(np.uint8)
        assert [known[picture.tobytes()] for picture in pictures] == classes(trial).tolist()


def test_pooling_averages() -> None:
    whole = make(np.random.default_rng(0)).train(0).inputs
    pooled = make(np.random.default_rng(0), pool=2).train(0).inputs
    np.testing.assert_allclose(pooled[:, 1, 2], whole[:, 2:4, 4:6].mean(axis=(1, 2)))


@pytest.mark.parametrize("data", DATA)
def test_what_is_held_out_does_not_train(data: str) -> None:
    seen = {
        part: {image.tobytes() for image in trial.inputs}
        for part in ("test", "validation")
        for trial in [make(np.random.default_rng(0), data=data, tested_on=part).test()]
    }
    task = make(np.random.default_rng(0), data=data, batch=400)
    seen["train"] = {image.tobytes() for image in task.train(0).inputs}
    assert not seen["train"] & seen["test"]
    assert not seen["train"] & seen["validation"]
    assert not seen["test"] & seen["validation"]


def test_all_steps_may_be_asked() -> None:
    targets = make(np.random.default_rng(0), asked=0).train(0).targets
    assert np.isfinite(targets).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": "fashion"}, "unknown data set.*Did you mean 'fashion_mnist'"),
        ({"order": "row"}, "unknown order.*Did you mean 'rows'"),
        ({"pool": 3}, "sequential_digits: pool: .*a divisor of 8"),
        ({"asked": 9}, "asked: .*a number from 0 to 8"),
        ({"batch": 0}, "sequential_digits: batch"),
    ],
)
def test_wrong_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(DescriptionError, match=message):
        make(np.random.default_rng(0), **options)  # type: ignore[arg-type]
