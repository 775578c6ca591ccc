"""Synapses as they stand when a network is built: a user may have changed their arrays since.

An index out of range would read and write the memory of others, so nothing is taken on trust.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neuro_rtrl.errors import BuildError
from neuro_rtrl.network.wiring import LONGEST_DELAY

if TYPE_CHECKING:
    from neuro_rtrl.network.describe import Projection


def check_synapses(projection: Projection) -> None:
    """Refuses arrays of a projection that do not fit together.

    Raises:
        BuildError: a wrong shape, an index out of range, a delay below zero, a weight that is not
            finite.

    >>> from neuro_rtrl.network.describe import Network
    >>> net = Network()
    >>> synapses = net.connect(net.inputs(2), net.neurons(1, "lif"))
    >>> check_synapses(synapses)
    >>> synapses.delay = np.array([0, -1])
    >>> check_synapses(synapses)
    Traceback (most recent call last):
        ...
    neuro_rtrl.errors.BuildError: input_lif: delay: out of range; given: -1; expected: ...
    """
    count = np.shape(projection.pre)
    _whole(projection, "pre", count, projection.source.n - 1)
    _whole(projection, "post", count, projection.target.n - 1)
    _whole(projection, "delay", count, LONGEST_DELAY)
    weights = _shaped(projection, "weights", count, "fiu")
    if not np.isfinite(weights).all():
        unit = int(np.flatnonzero(~np.isfinite(weights))[0])
        raise _refused(
            projection, "weights", "not finite", f"{weights[unit]} of synapse {unit}", "numbers"
        )


def _whole(projection: Projection, name: str, shape: tuple[int, ...], largest: int) -> None:
    array = _shaped(projection, name, shape, "iu")
    if array.size and not (array.min() >= 0 and array.max() <= largest):
        worst = array.min() if array.min() < 0 else array.max()
        raise _refused(projection, name, "out of range", worst, f"0 to {largest}")


def _shaped(projection: Projection, name: str, shape: tuple[int, ...], kinds: str) -> np.ndarray:
    array = np.asarray(vars(projection)[name])
    if array.shape != shape or array.ndim != 1 or array.dtype.kind not in kinds:
        what = "numbers" if "f" in kinds else "whole numbers"
        given = f"{array.dtype} of shape {array.shape}"
        raise _refused(projection, name, "these do not fit", given, f"{what} of shape {shape}")
    return array


def _refused(
    projection: Projection, name: str, problem: str, given: Any, expected: str
) -> BuildError:
    place = f"{projection.name}: {name}"
    return BuildError(problem, where=place, given=given, expected=expected)
