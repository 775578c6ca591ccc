"""What all ways to rewire check in the same manner, and the helpers that they share."""

from __future__ import annotations

import math

import numpy as np

from neuro_rtrl.contracts_rewiring import Change, Synapses
from neuro_rtrl.errors import check_option


def number(method: str, name: str, given: object, low: float, expected: str) -> float:
    """A finite number of at least `low`."""
    good = isinstance(given, (int, float)) and not isinstance(given, bool)
    value = float(given) if isinstance(given, (int, float)) and good else math.nan
    check_option(method, name, given, math.isfinite(value) and value >= low, expected)
    return value


def fraction(method: str, name: str, given: object) -> float:
    """A number in (0, 1]."""
    expected = "a number above 0 and at most 1"
    value = number(method, name, given, 0.0, expected)
    check_option(method, name, given, 0.0 < value <= 1.0, expected)
    return value


def count(method: str, name: str, given: object, low: int = 1) -> int:
    """A whole number of at least `low`."""
    expected = f"a whole number of at least {low}"
    good = isinstance(given, (int, np.integer)) and not isinstance(given, bool)
    value = int(given) if isinstance(given, (int, np.integer)) and good else low - 1
    check_option(method, name, given, value >= low, expected)
    return value


def smallest(weights: np.ndarray, count: int) -> np.ndarray:
    """Places of the `count` smallest magnitudes; of equal ones the first."""
    return np.argsort(np.abs(weights), kind="stable")[:count]


def without(synapses: Synapses, places: np.ndarray) -> Change:
    """Those at `places` go, and nothing comes."""
    keep = np.ones(synapses.pre.size, bool)
    keep[places] = False
    none = np.zeros(0, np.int64)
    return Change(keep, none, none, np.zeros(0))
