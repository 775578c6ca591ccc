"""What a value is made of, and what of it may change: for snapshots."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.kernels.layout import Mask, Units, Wires
from neuro_rtrl.network.describe import Network
from neuro_rtrl.network.plan import Plan

# What a network's description settles once and for all. The children of a `SeedSequence` are
# counted by making lanes, which comes before a snapshot is put back.
_SETTLED = (Units, Wires, Mask, Plan, Network, np.random.SeedSequence, type)
PLAIN = (bool, int, float, str, type(None))


def settled(value: Any) -> bool:
    """Whether a value follows from what a run was described by: nothing in it changes."""
    return isinstance(value, _SETTLED) or callable(value)


def parts_of(value: Any) -> dict[str, Any] | None:
    """Name -> part of an object; None if it has none that can be looked at.

    Of a built network it is what learning changes, and how many lanes it has given numbers to.
    """
    if isinstance(value, Built):
        return {"values": value.values, "lanes": value.lanes}
    if isinstance(value, tuple):
        names = getattr(value, "_fields", None)
        return None if names is None else dict(zip(names, value, strict=True))
    found = getattr(value, "__dict__", None)
    if found is None:
        return None
    # What is computed once and cached follows from the rest.
    kind = type(value)
    computed = {n for n in found if isinstance(getattr(kind, n, None), cached_property)}
    return {name: part for name, part in found.items() if name not in computed}


def frozen(value: Any) -> bool:
    """Whether a value says of itself that it does not change."""
    options = getattr(type(value), "__dataclass_params__", None)
    return options is not None and bool(options.frozen)


def place_names(keys: Iterable[Any]) -> list[str]:
    """What keys are called in places; those that could be mistaken have numbers."""
    return [k if isinstance(k, str) and "/" not in k else f"[{i}]" for i, k in enumerate(keys)]
