"""What local rules have gathered, in the order of each unit's own parameters, goes to the gradient.

Synapses are numbered by their sources, so a row of own parameters is spread over the whole
gradient: each entry is another line of the cache, and often the same few places of it. Where few
rows wait that is the shortest way; where most do, the gradient is gone through in its own order,
and the rows, side by side, stay in the cache meanwhile.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.columns import theta_parameter
from neuro_rtrl.kernels.filters import Filters, take
from neuro_rtrl.kernels.jit import inline, leaf
from neuro_rtrl.kernels.layout import Mask, Rows, Units
from neuro_rtrl.kernels.traces import Traces

WORTH = 2  # entries of the gradient in its own order in the time of one of a row


@inline
def flush(
    units: Units,
    mask: Mask,
    rows: Rows,
    filters: Filters,
    traces: Traces,
    gradient: np.ndarray,
) -> None:
    """All that has been gathered goes to the gradient."""
    for f in range(filters.d.shape[0]):
        for k in range(filters.sends.shape[1]):
            take(rows, filters, f, k)
    waiting = 0
    for k in range(filters.waits.shape[0]):
        if filters.waits[k]:
            waiting += mask.own[k + 1] - mask.own[k]
    in_order = WORTH * waiting > filters.slot.shape[0]
    if in_order:
        _in_order(filters.gathered, filters.slot, traces.worth, gradient)
    for k in range(filters.waits.shape[0]):
        if filters.waits[k]:
            _scatter(units, mask, filters, traces, k, gradient, in_order)


@leaf
def _in_order(
    gathered: np.ndarray, slot: np.ndarray, worth: np.ndarray, gradient: np.ndarray
) -> None:
    """gradient[synapse] += gathered, for all of them."""
    for e in range(slot.shape[0]):
        gradient[e] += worth[e] * gathered[slot[e]]


@inline
def _scatter(
    units: Units,
    mask: Mask,
    filters: Filters,
    traces: Traces,
    k: int,
    gradient: np.ndarray,
    parameters_only: bool,
) -> None:
    """gradient[parameter] += gathered; gathered <- 0."""
    own, gathered = filters.own[k], filters.gathered
    first, m = mask.own[k], units.m[units.population[k]]
    size = mask.own[k + 1] - first
    if not parameters_only:
        for j in range(size):
            gradient[mask.own_parameter[first + j]] += traces.gain[first + j] * gathered[own + j]
    for j in range(m):
        gradient[theta_parameter(units, k, j)] += gathered[own + size + j]
    gathered[own : own + size + m] = 0.0
    filters.waits[k] = 0
