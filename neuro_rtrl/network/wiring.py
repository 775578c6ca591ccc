"""Which unit is connected to which, and with what weight and delay."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuro_rtrl.contracts import DIMENSIONLESS, SECOND, Dimension
from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.network.draws import draw

Pairs = tuple[np.ndarray, np.ndarray]
MOST_SYNAPSES = 500_000_000
LONGEST_DELAY = 1_000_000  # steps


def pairs_by_density(n_pre: int, n_post: int, density: float, rng: np.random.Generator) -> Pairs:
    """Every pair independently with probability `density`, by skipping geometric gaps.

    >>> pre, post = pairs_by_density(2, 3, 1.0, np.random.default_rng(0))
    >>> pre.tolist(), post.tolist()
    ([0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2])
    """
    total = n_pre * n_post
    if density >= 1.0:
        flat = np.arange(total)
    elif density <= 0.0:
        flat = np.zeros(0, dtype=np.int64)
    else:
        expected = total * density
        count = int(expected + 6 * np.sqrt(expected) + 20)
        flat = np.cumsum(rng.geometric(density, count)) - 1
        while flat[-1] < total:
            more = np.cumsum(rng.geometric(density, count)) + flat[-1]
            flat = np.concatenate([flat, more])
        flat = flat[flat < total]
    return flat // n_post, flat % n_post


def pairs_by_indegree(
    n_pre: int, n_post: int, indegree: int, rng: np.random.Generator, loops: bool
) -> Pairs:
    """Each target gets exactly `indegree` different sources (never itself unless `loops`)."""
    pre = np.empty((n_post, indegree), dtype=np.int64)
    for k in range(n_post):
        chosen = rng.choice(n_pre if loops else n_pre - 1, indegree, replace=False)
        pre[k] = chosen if loops else chosen + (chosen >= k)
    return pre.ravel(), np.repeat(np.arange(n_post), indegree)


def given_pairs(pairs: Any, n_pre: int, n_post: int, where: str) -> Pairs:
    """Checked (pre, post) index arrays."""
    try:
        pre, post = (np.asarray(p) for p in pairs)
        good = pre.ndim == 1 and pre.shape == post.shape
        good = good and (pre.size == 0 or (pre.dtype.kind in "iu" and post.dtype.kind in "iu"))
    except (TypeError, ValueError):
        good = False
    if not good:
        raise DescriptionError(
            "pairs must be two lists of whole numbers of equal length",
            where=where,
            given=repr(pairs),
            expected="(pre, post)",
        )
    pre, post = pre.astype(np.int64), post.astype(np.int64)
    for name, index, n in (("pre", pre, n_pre), ("post", post, n_post)):
        if index.size and (index.min() < 0 or index.max() >= n):
            raise DescriptionError(
                f"an index in {name} is out of range",
                where=where,
                given=int(index.max() if index.max() >= n else index.min()),
                expected=f"0 to {n - 1}",
            )
    return pre, post


def weights(
    value: Any,
    pre: np.ndarray,
    post: np.ndarray,
    shape: tuple[int, int],
    rng: np.random.Generator,
    where: str,
    dimension: Dimension = DIMENSIONLESS,
) -> np.ndarray:
    """Weights (synapses,) from any of the forms that `Network.connect` takes.

    A text may have the unit that weights of this entry have (`dimension`), or none: then its
    numbers are in SI base units, as all other numbers are.
    """
    count = pre.size
    if value is None:
        fan_in = np.bincount(post, minlength=shape[1])[post]
        return rng.normal(0.0, 1.0, count) / np.sqrt(np.maximum(fan_in, 1))
    if isinstance(value, str) and value.strip() == "glorot_normal":
        return rng.normal(0.0, np.sqrt(2.0 / (shape[0] + shape[1])), count)
    if not isinstance(value, str) and _depth(value) == 2:
        matrix = _numbers(value, shape, where)
        if matrix.shape != shape:
            raise DescriptionError(
                "the weight matrix has the wrong shape",
                where=where,
                given=matrix.shape,
                expected=f"{shape}: rows are sources, columns are targets",
            )
        value = matrix[pre, post]
    try:
        made = draw(value, count, rng, DIMENSIONLESS, where=where)
    except DescriptionError:
        if not (dimension and isinstance(value, str)):
            raise
        made = draw(value, count, rng, dimension, where=where)
    return np.broadcast_to(made, (count,)).astype(float)


def _depth(value: Any) -> int:
    """Dimensions of nested lists or an array, by their first elements."""
    if isinstance(value, list | tuple):
        return 1 + (_depth(value[0]) if value else 0)
    return np.ndim(value)


def _numbers(value: Any, shape: tuple[int, int], where: str) -> np.ndarray:
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise DescriptionError(
            "this is no matrix of numbers", where=where, given=repr(value), expected=f"{shape}"
        ) from error


def delays(value: Any, count: int, dt: float, rng: np.random.Generator, where: str) -> np.ndarray:
    """Delays in steps (synapses,), rounded to the nearest step as Brian2 does."""
    seconds = draw(value, count, rng, SECOND, where=where)
    if seconds.size and seconds.min() < 0:
        raise DescriptionError(
            "a negative delay", where=where, given=f"{seconds.min():g} s", expected="0 s or more"
        )
    if seconds.size and seconds.max() / dt > LONGEST_DELAY:
        raise DescriptionError(
            "a delay is too long",
            where=where,
            given=f"{seconds.max():g} s",
            expected=f"at most {LONGEST_DELAY} steps of {dt:g} s",
        )
    steps = np.floor(np.asarray(seconds) / dt + 0.5).astype(np.int64)
    return np.broadcast_to(steps, (count,)).copy()
