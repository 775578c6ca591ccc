"""Traces of hidden units behind the filters of readouts (see kernels/local.py).

Between two events of a unit its trace is kept as M z, and the learning signals are gathered as c:

    a step      M <- D M;  c += L_k e M
    an event    g += c . z;  z <- M z + B q;  c = 0; M = 1

Where readouts are to remember what weights of the time have brought, each output o has a filter of
its own, with b_ok B as B, and 1 as b in L.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuro_rtrl.kernels.catch_up import catch_up_own
from neuro_rtrl.kernels.columns import theta_slope
from neuro_rtrl.kernels.emit import through
from neuro_rtrl.kernels.jit import inline, jit, leaf
from neuro_rtrl.kernels.layout import (
    BYTES,
    ENTRIES_NOW,
    GRADIENT_ADDS,
    MULTIPLY_ADDS,
    Mask,
    Rows,
    Run,
    Units,
    Wires,
)
from neuro_rtrl.kernels.small import identity, multiply_into
from neuro_rtrl.kernels.traces import Traces, has_long_runs

TINY = 1e-200


class Filters(NamedTuple):
    """Traces of hidden units behind the filters of readouts. F filters (readout populations)."""

    d: np.ndarray  # (F,) states of a readout
    flow: np.ndarray  # (F, dm*dm) D
    entry: np.ndarray  # (F, dm) B: where events enter
    read: np.ndarray  # (F,) the state that is read
    of: np.ndarray  # (outputs,) filter of each output
    feedback: np.ndarray  # (outputs, N) b, zero where nothing is sent
    brought: np.ndarray  # (F, N) by what events are multiplied where they enter: 1, or b
    apart: np.ndarray  # (1,) whether it is b, each output having its own filter
    # (4, synapses) to readouts: their numbers, units, outputs, and places among replaced weights
    sent: np.ndarray
    sends: np.ndarray  # (F, N) whether unit k sends to a readout of the filter
    at: np.ndarray  # (F, N + 1) offsets in z: d rows of own parameters each
    z: np.ndarray
    pending: np.ndarray  # (F, N, dm*dm) M
    signal: np.ndarray  # (F, N, dm) c
    filled: np.ndarray  # (F, N) whether z is not zero
    q: np.ndarray  # scratch: (most own parameters,)
    own: np.ndarray  # (N + 1,) offsets in `gathered`: own parameters of each unit
    gathered: np.ndarray  # gradient in the order of own parameters; the last entry is nobody's
    slot: np.ndarray  # (synapses,) place of each in `gathered`
    waits: np.ndarray  # (N,) whether some of it is there
    loop: np.ndarray  # (N,) synapse of each unit with itself that counts, or -1
    loop_group: np.ndarray  # (N,) and the group that it belongs to


@inline
def take_feedback(wires: Wires, filters: Filters, values: np.ndarray, replaced: np.ndarray) -> None:
    """b, from the weights of the network, or those that stand in for them."""
    sent = filters.sent
    for i in range(sent.shape[1]):
        e, k, o, place = sent[0, i], sent[1, i], sent[2, i], sent[3, i]
        weight = values[e] if place < 0 else replaced[place]
        if filters.apart[0]:
            filters.feedback[o, k] = 1.0
            filters.brought[filters.of[o], k] = weight * wires.gain[e]
        else:
            filters.feedback[o, k] = weight * wires.gain[e]


@jit
def advance_filters(rows: Rows, filters: Filters) -> None:
    """M <- D M."""
    n = filters.sends.shape[1]
    for f in range(filters.d.shape[0]):
        d, pending = filters.d[f], filters.pending[f]
        if d == 1:
            factor = filters.flow[f, 0]
            for k in range(n):
                left = pending[k, 0] * factor
                # Far below any rounding; numbers too small for their format would be slow.
                pending[k, 0] = left if abs(left) > TINY else 0.0
        else:
            for k in range(n):
                if filters.filled[f, k]:
                    multiply_into(d, filters.flow[f], pending[k], rows.matrix[3])


@inline
def is_heard(filters: Filters, k: int) -> bool:
    """Whether unit k sends to a readout."""
    for f in range(filters.d.shape[0]):
        if filters.sends[f, k] != 0:
            return True
    return False


@inline
def own_part(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    filters: Filters,
    k: int,
    slope: np.ndarray,
) -> None:
    """q <- dy/dh . P_k for its own synapses, from its own block."""
    d = units.d[units.population[k]]
    weights, q, own = rows.matrix[4], filters.q, rows.own
    catch_up_own(units, run, rows, k)
    through(d, slope, rows.own_pending[k], weights)
    size, first = mask.own[k + 1] - mask.own[k], mask.own_at[k]
    for j in range(size):
        q[j] = weights[0] * own[first + j]
    for v in range(1, d):
        for j in range(size):
            q[j] += weights[v] * own[first + v * size + j]
    rows.counts[MULTIPLY_ADDS] += size * d


@inline
def theta_part(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    filters: Filters,
    k: int,
    slope: np.ndarray,
) -> None:
    """q <- dy/dh . P_k + dy/dtheta for its own parameters, behind those for its synapses."""
    p = units.population[k]
    d, m = units.d[p], units.m[p]
    q, size = filters.q, mask.own[k + 1] - mask.own[k]
    for j in range(m):
        q[size + j] = theta_slope(units, run, rows, k, j, slope)
    rows.counts[MULTIPLY_ADDS] += m * d


@jit
def listen(filters: Filters, f: int, o: int, slope: float) -> None:
    """c += L e M for every unit, with the part of output o in L."""
    d, signal, pending = filters.d[f], filters.signal[f], filters.pending[f]
    at, feedback = filters.read[f] * d, filters.feedback[o]
    if d == 1:
        for k in range(signal.shape[0]):
            signal[k, 0] += slope * feedback[k] * pending[k, 0]
    else:
        for v in range(d):
            for k in range(signal.shape[0]):
                signal[k, v] += slope * feedback[k] * pending[k, at + v]


@jit
def enter(rows: Rows, filters: Filters, f: int, k: int) -> None:
    """g += c . z;  z <- M z + B q."""
    d = filters.d[f]
    size = (filters.at[f, k + 1] - filters.at[f, k]) // d
    pending = filters.pending[f, k]
    if not filters.filled[f, k]:
        pending[: d * d] = 0.0
        rows.counts[ENTRIES_NOW] += size * d
    if d == 1:
        _enter_one(rows, filters, f, k, size)
    else:
        take(rows, filters, f, k)
        first, z, q, work = filters.at[f, k], filters.z, filters.q, rows.matrix[4]
        for j in range(size):
            for v in range(d):
                work[v] = filters.entry[f, v] * filters.brought[f, k] * q[j]
                for u in range(d):
                    work[v] += pending[v * d + u] * z[first + u * size + j]
            for v in range(d):
                z[first + v * size + j] = z.dtype.type(work[v])
    identity(d, pending)
    filters.filled[f, k] = 1
    rows.counts[MULTIPLY_ADDS] += size * d * (d + 1)
    rows.counts[BYTES] += 2 * size * d * filters.z.itemsize


@jit
def _enter_one(rows: Rows, filters: Filters, f: int, k: int, size: int) -> None:
    """For one state both in a single pass."""
    kind, first, own = filters.z.dtype.type, filters.at[f, k], filters.own[k]
    z, gathered, q = filters.z[first : first + size], filters.gathered[own : own + size], filters.q
    signal, factor = kind(filters.signal[f, k, 0]), kind(filters.pending[f, k, 0])
    entry = kind(filters.entry[f, 0] * filters.brought[f, k])
    if signal != 0 and filters.filled[f, k]:
        for j in range(size):
            gathered[j] += signal * z[j]
            z[j] = factor * z[j] + entry * q[j]
        filters.waits[k] = 1
        rows.counts[GRADIENT_ADDS] += size
    elif factor != 0:
        for j in range(size):
            z[j] = factor * z[j] + entry * q[j]
    else:
        for j in range(size):
            z[j] = entry * q[j]
    filters.signal[f, k, 0] = 0.0


@jit
def take(rows: Rows, filters: Filters, f: int, k: int) -> None:
    """g += c . z;  c <- 0."""
    d, signal = filters.d[f], filters.signal[f, k]
    some = False
    for v in range(d):
        some |= signal[v] != 0.0
    if some and filters.filled[f, k]:
        first, own, z, gathered = filters.at[f, k], filters.own[k], filters.z, filters.gathered
        size = filters.own[k + 1] - own
        for v in range(d):
            factor, at = z.dtype.type(signal[v]), first + v * size
            for j in range(size):
                gathered[own + j] += factor * z[at + j]
        filters.waits[k] = 1
        rows.counts[GRADIENT_ADDS] += size * d
    signal[:d] = 0.0


@jit
def gather_shared(
    units: Units,
    mask: Mask,
    rows: Rows,
    filters: Filters,
    traces: Traces,
    k: int,
    signal: np.ndarray,
) -> None:
    """g += signal . P_k of a readout, whose own block is nothing but traces of its sources."""
    p = units.population[k]
    d, m, i = units.d[p], units.m[p], k - units.first[p]
    own, size, at = filters.own[k], mask.own[k + 1] - mask.own[k], mask.own[k]
    gathered, group = filters.gathered, traces.group[at : at + size]
    for v in range(d):
        factor, z = gathered.dtype.type(signal[v]), traces.z[traces.shared[k], v]
        if factor == 0:
            continue
        if has_long_runs(mask, traces, k):
            for r in range(traces.run[k], traces.run[k + 1]):
                low, length = traces.run_first[r], traces.run_first[r + 1] - traces.run_first[r]
                source, into = traces.group[low], own + low - at
                _add(gathered[into:][:length], factor, z[source:][:length])
        else:
            for j in range(size):
                gathered[own + j] += factor * z[group[j]]
        for j in range(m):
            theta = rows.theta[units.at_dm[p] + (i * d + v) * m + j]
            gathered[own + size + j] += gathered.dtype.type(signal[v] * theta)
        rows.counts[GRADIENT_ADDS] += size + m
    filters.waits[k] = 1


@leaf
def _add(into: np.ndarray, factor: float, numbers: np.ndarray) -> None:
    for j in range(into.shape[0]):
        into[j] += factor * numbers[j]


@jit
def restart_filters(filters: Filters) -> None:
    """No trace yet."""
    filters.signal[:, :, :] = 0.0
    filters.filled[:, :] = 0
    filters.pending[:, :, :] = 0.0
