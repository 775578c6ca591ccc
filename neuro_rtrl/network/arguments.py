"""Checking what users hand to `Network`: names, counts, ranges, entries, surrogates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from neuro_rtrl.contracts import Model, Port
from neuro_rtrl.equations import surrogates
from neuro_rtrl.errors import BuildError, DescriptionError, unknown

MOST_UNITS = 50_000_000


def free_name(name: str | None, stem: str, taken: dict[str, Any], what: str) -> str:
    """A given name if it is usable and free; otherwise the first free one made from `stem`."""
    if name is None:
        numbered = (f"{stem}_{i}" for i in range(2, len(taken) + 3))
        return next(n for n in (stem, *numbered) if n not in taken)
    if (
        not isinstance(name, str)
        or re.fullmatch(r"[A-Za-z]\w{0,60}", name) is None
        or name in taken
    ):
        raise DescriptionError(
            f"this name of a {what} is not usable, or taken",
            given=repr(name),
            expected="letters, digits and _, beginning with a letter, each name once",
        )
    return name


def count(n: Any) -> int:
    """A checked number of units."""
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or not 0 < n <= MOST_UNITS:
        raise DescriptionError(
            "the number of units is out of range",
            given=repr(n),
            expected=f"a whole number from 1 to {MOST_UNITS}",
        )
    return int(n)


def within(value: Any, low: float, high: float, where: str, *, whole: bool = False) -> None:
    """Refuse what is not a (whole) number from `low` to `high`."""
    kinds = int | np.integer if whole else int | float | np.number
    if isinstance(value, bool) or not isinstance(value, kinds):
        expected = "a whole number" if whole else "a number"
        raise DescriptionError(f"not {expected}", where=where, given=repr(value), expected=expected)
    if not low <= value <= high:
        raise DescriptionError(
            "out of range", where=where, given=value, expected=f"{low:g} to {high:g}"
        )


def places(positions: Any, n: int, where: str) -> np.ndarray | None:
    """Checked positions (n, axes) of units."""
    if positions is None:
        return None
    try:
        made = np.asarray(positions, float)
    except (TypeError, ValueError):
        made = np.zeros(0)
    made = made[:, None] if made.ndim == 1 else made
    good = made.ndim == 2 and made.shape[0] == n and 1 <= made.shape[1] <= 3
    if not good or not np.isfinite(made).all():
        raise DescriptionError(
            "these are not positions",
            where=f"{where}: positions",
            given=f"an array of shape {np.shape(positions)}",
            expected=f"finite numbers of shape ({n}, 1), ({n}, 2) or ({n}, 3)",
        )
    return made


def names(learn: Sequence[str]) -> tuple[str, ...]:
    """One name or several, as a tuple."""
    return (learn,) if isinstance(learn, str) else tuple(learn)


def state_names(record: Any) -> list[str]:
    """Names of states to keep: one, or several; those of a table are its keys.

    >>> state_names("a.v"), state_names({"a.v": [0]})
    (['a.v'], ['a.v'])
    """
    found = [record] if isinstance(record, str) else record
    found = list(found) if isinstance(found, Iterable) else [found]
    if not all(isinstance(name, str) for name in found):
        raise DescriptionError(
            "these are not names of states",
            where="record",
            given=repr(record),
            expected="a list of names such as 'population.state'",
        )
    return found


def numbers_of(units: Any, n: int, where: str, what: str = "units") -> np.ndarray:
    """Checked numbers of some of `n` units."""
    try:
        chosen = np.asarray(units)
    except ValueError:  # lists of unequal lengths
        chosen = np.zeros(0)
    good = chosen.ndim == 1 and chosen.dtype.kind in "iu" and chosen.size > 0
    if not good or chosen.min() < 0 or chosen.max() >= n:
        raise DescriptionError(
            f"these are not numbers of {what}",
            where=where,
            given=repr(units),
            expected=f"a list of whole numbers from 0 to {n - 1}",
        )
    return chosen


def find_port(name: str, model: Model | None, port: str | None, where: str) -> Port:
    """The entry called `port` of a model, or its first one."""
    if model is None or not model.ports:
        raise BuildError(
            "this population takes no synapses",
            where=where,
            given=f"a projection to {name}",
            expected="a target whose model has entries in [synapses]",
        )
    ports = model.ports
    if port is not None and port not in ports:
        raise unknown("port", port, ports, where=where)
    return ports[port] if port is not None else next(iter(ports.values()))


def with_surrogate(model: Model, given: Any, where: str) -> Model:
    """The model with another surrogate."""
    try:
        return replace(model, surrogate=surrogates.make(given, model.surrogate))
    except DescriptionError as error:
        raise error.at(f"{where}: surrogate") from error


def as_expression(text: str) -> str:
    """ "5 ms" as the expression "5*ms" (Brian2 users write either)."""
    match = re.fullmatch(r"\s*([\d.eE+-]+)\s+([A-Za-z]+)\s*", text)
    return f"{match.group(1)}*{match.group(2)}" if match else text
