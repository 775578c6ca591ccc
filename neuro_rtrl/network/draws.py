"""Numbers for parameters, weights and delays: constants, arrays, or distributions as text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from neuro_rtrl.contracts import Dimension
from neuro_rtrl.equations.units import quantity
from neuro_rtrl.errors import DescriptionError, unknown

_CALL = re.compile(r"^\s*([a-z_]+)\s*\(([^()]*)\)\s*$")
Draw = Callable[[np.random.Generator, float, float, int], np.ndarray]
DISTRIBUTIONS: dict[str, Draw] = {
    "normal": lambda rng, mean, sd, n: rng.normal(mean, sd, n),
    "uniform": lambda rng, low, high, n: rng.uniform(low, high, n),
    "lognormal": lambda rng, mu, sigma, n: rng.lognormal(mu, sigma, n),
}


def draw(
    value: Any, n: int, rng: np.random.Generator, dimension: Dimension, *, where: str
) -> np.ndarray:
    """`n` numbers in SI units, or one of shape () where all are the same.

    Args:
        value: a number, a quantity ("20 ms"), an array of n numbers, or "normal(0, 1)",
            "uniform(1 ms, 5 ms)", "lognormal(mu, sigma)".

    >>> draw("uniform(1 ms, 2 ms)", 3, np.random.default_rng(0), (("second", 1),), where="x").shape
    (3,)
    """
    try:
        if isinstance(value, str):
            match = _CALL.match(value)
            if match is None:
                return np.asarray(quantity(value, dimension))
            return _distribution(match, n, rng, dimension)
        array = np.asarray(value, dtype=float)
    except DescriptionError as error:
        raise error.at(where) from error
    except (TypeError, ValueError) as error:
        raise DescriptionError(
            "these are not numbers",
            where=where,
            given=repr(value),
            expected=f'a number, {n} numbers, a quantity, or a text like "normal(0, 1)"',
        ) from error
    if array.ndim == 0 and dimension:
        raise DescriptionError(
            "a number without its unit",
            where=where,
            given=repr(value),
            expected='a quantity such as "20 ms" (arrays are in SI base units)',
        )
    if array.shape not in ((), (n,)) or not np.isfinite(array).all():
        raise DescriptionError(
            "wrong shape, or numbers that are not finite",
            where=where,
            given=f"an array of shape {array.shape}",
            expected=f"one finite number, or {n} of them",
        )
    return array


def _distribution(
    match: re.Match[str], n: int, rng: np.random.Generator, dimension: Dimension
) -> np.ndarray:
    name, inner = match.groups()
    if name not in DISTRIBUTIONS:
        raise unknown("distribution", name, DISTRIBUTIONS)
    parts = [part for part in inner.split(",") if part.strip()]
    if len(parts) != 2:
        raise DescriptionError(
            f"{name} takes two numbers", given=match.group(0), expected=f"{name}(first, second)"
        )
    first, second = (quantity(part.strip(), dimension) for part in parts)
    if name != "uniform" and second < 0:
        raise DescriptionError(
            "a negative standard deviation", given=match.group(0), expected="a number from 0 up"
        )
    return DISTRIBUTIONS[name](rng, first, second, n)
