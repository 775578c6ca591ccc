"""What a recorder accepts: names, steps, units and values, checked before they are buffered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neuro_rtrl.errors import RunFileError, nearest

COMPRESSIONS = ("gzip", "lzf", "zstd")


def require(
    holds: bool, problem: str, where: str, given: object, expected: object, remedy: str = ""
) -> None:
    """Raises `RunFileError` unless `holds`."""
    if not holds:
        raise RunFileError(problem, where=where, given=given, expected=expected, remedy=remedy)


def require_known(name: object, known: Iterable[str], what: str, where: str) -> None:
    """Refuses a name that is not one of the `known` names."""
    # A damaged file may have names that are no text.
    names = sorted(str(one) for one in known)
    listed = f"one of {', '.join(names)}" if names else "none: nothing of this kind is in the file"
    remedy = nearest(str(name), names)
    require(name in names, f"unknown {what}", where, repr(name), listed, remedy)


def require_usable(name: object, where: str) -> None:
    """Refuses a name that HDF5 would not take as the name of one object."""
    usable = isinstance(name, str) and name not in ("", ".", "..") and not set("/\0") & set(name)
    require(usable, "the name cannot be used in a file", where, repr(name), "a name without '/'")


def whole(values: ArrayLike, what: str, where: str) -> np.ndarray:
    """`values` as int64 of shape (count,), all of them >= 0.

    >>> whole([0, 2], "steps", "hidden")
    array([0, 2])
    """
    array = np.asarray(values)
    require(array.ndim == 1, f"{what} of a wrong shape", where, array.shape, "shape (count,)")
    integer = array.dtype.kind in "iu" or array.size == 0
    require(integer, f"{what} that are not whole numbers", where, array.dtype, "an integer type")
    array = array.astype(np.int64)
    lowest = array.min(initial=0)
    require(lowest >= 0, f"negative {what}", where, lowest, "numbers from 0 on")
    return array


def pair(first: ArrayLike, second: ArrayLike, what: str, where: str) -> tuple[np.ndarray, ...]:
    """Two arrays of whole numbers of the same length; `what` names them ("steps and units")."""
    one, other = whole(first, what, where), whole(second, what, where)
    same = len(one) == len(other)
    require(same, f"{what} of different lengths", where, (len(one), len(other)), "one per event")
    return one, other


def in_range(units: np.ndarray, size: int, where: str) -> None:
    """Refuses units that a population of `size` units does not have."""
    highest = units.max(initial=-1)
    require(highest < size, "there is no such unit", where, highest, f"units from 0 to {size - 1}")


def recorded(units: ArrayLike, where: str) -> np.ndarray:
    """The units of a recorded state: whole numbers, at least one, none twice."""
    array = whole(units, "units", where)
    distinct = len(array) > 0 and len(np.unique(array)) == len(array)
    require(distinct, "the units to record", where, array, "at least one unit, none twice")
    return array


def table(steps: np.ndarray, values: ArrayLike, width: int, where: str) -> np.ndarray:
    """`values` as an array of shape (n_steps, width)."""
    array = np.asarray(values)
    shape = (len(steps), width)
    require(array.shape == shape, "values of a wrong shape", where, array.shape, f"shape {shape}")
    require(array.dtype.kind in "fiub", "values of a wrong type", where, array.dtype, "numbers")
    return array


def weight(name: str, values: ArrayLike, where: str) -> np.ndarray:
    """The values of one name of the weights, an array of numbers."""
    require_usable(name, where)
    array = np.asarray(values)
    require(array.dtype.kind in "fiu", "weights of a wrong type", where, array.dtype, "numbers")
    return array


def synapses(
    indices: Mapping[str, tuple[ArrayLike, ArrayLike]],
    values: Mapping[str, np.ndarray],
    where: str,
) -> dict[str, dict[str, np.ndarray]]:
    """The ends of the synapses of each projection, one pair for each of its weights."""
    made = {}
    for name, (pre, post) in indices.items():
        require_known(name, values, "weights", f"{where}: indices")
        ends = pair(pre, post, "pre and post", f"{where}: {name}")
        given, expected = len(ends[0]), values[name].size
        require(given == expected, "not one pair per weight", where, given, expected)
        made[name] = dict(zip(("pre", "post"), ends, strict=True))
    return made


def in_order(steps: np.ndarray, last: int, strictly: bool, where: str) -> int:
    """The last of the steps; refuses steps that go back (or, `strictly`, that come twice)."""
    if steps.size == 0:
        return last
    joined = np.concatenate(([last], steps))
    growth = np.diff(joined)
    if growth.min() < int(strictly):
        first = int(np.argmax(growth < int(strictly)))
        raise RunFileError(
            "rows out of order",
            where=where,
            given=f"{joined[first + 1]} after {joined[first]}",
            expected="numbers that grow" if strictly else "numbers that never get smaller",
            remedy="Count from the start of the run, not from the start of a sequence.",
        )
    return int(steps[-1])


def require_header(
    provenance: Mapping[str, Any], reserved: Iterable[str], dt: float, where: str
) -> None:
    """Checks what becomes root attributes: a seed, plain values, names not `reserved`; dt > 0."""
    remedy = "Take it from neuro_rtrl.engine.provenance.collect(seed)."
    require("seed" in provenance, "no seed", where, [*provenance], "an entry 'seed'", remedy)
    for name, value in provenance.items():
        require_usable(name, where)
        require(name not in reserved, "a reserved name in the provenance", where, name, "another")
        plain = isinstance(value, str | int | float | np.integer | np.floating)
        plain = plain and "\0" not in str(value)
        require(plain, "a value that is not plain", f"{where}: {name}", value, "text or number")
    require(0 < dt < np.inf, "dt", where, dt, "a duration above 0 seconds")


def require_populations(sizes: Mapping[str, int], where: str) -> None:
    """Checks the names and sizes of the populations."""
    for name, size in sizes.items():
        require_usable(name, where)
        counted = isinstance(size, int | np.integer) and size > 0
        require(counted, "size of a population", f"{where}: {name}", size, "a whole number above 0")


def require_states(
    recorded_units: Mapping[str, np.ndarray],
    sizes: Mapping[str, int],
    units: Mapping[str, str],
    where: str,
) -> None:
    """Checks the names of recorded states, their unit numbers and the texts of their units."""
    for name, numbers in recorded_units.items():
        require_usable(name, where)
        population, _, variable = name.rpartition(".")
        named = bool(population and variable)
        require(named, "name of a state", where, repr(name), "'population.variable'")
        if population in sizes:
            in_range(numbers, sizes[population], f"{where}: {name}")
    for name in units:
        require_known(name, recorded_units, "state", f"{where}: units")


def require_storage(precision: str, compression: str | None, where: str) -> None:
    """Checks how states are stored and how chunks are compressed."""
    require_known(precision, ("float32", "float64"), "precision", where)
    require_known(str(compression), (*COMPRESSIONS, "None"), "compression", where)
