"""Traces of hidden units behind the filters of readouts (see kernels/local.py).

Between two events of a unit its trace is kept as M z, and the learning signals are gathered as c:

    a step      M <- D M;  c += L_k e M
    an event    g += c . z;  z <- M z + B q;  c = 0; M = 1
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuro_rtrl.kernels.columns import theta_parameter
from neuro_rtrl.kernels.jit import inline, jit
from neuro_rtrl.kernels.layout import BYTES, GRADIENT_ADDS, MULTIPLY_ADDS, Mask, Rows, Units
from neuro_rtrl.kernels.small import identity, multiply_into

TINY = 1e-200


class Filters(NamedTuple):
    """Traces of hidden units behind the filters of readouts. F filters (readout populations)."""

    d: np.ndarray  # (F,) states of a readout
    flow: np.ndarray  # (F, dm*dm) D
    entry: np.ndarray  # (F, dm) B: where events enter
    read: np.ndarray  # (F,) the state that is read
    of: np.ndarray  # (outputs,) filter of each output
    feedback: np.ndarray  # (outputs, N) b, zero where nothing is sent
    sends: np.ndarray  # (F, N) whether unit k sends to a readout of the filter
    at: np.ndarray  # (F, N + 1) offsets in z: d rows of own parameters each
    z: np.ndarray
    pending: np.ndarray  # (F, N, dm*dm) M
    signal: np.ndarray  # (F, N, dm) c
    filled: np.ndarray  # (F, N) whether z is not zero
    q: np.ndarray  # scratch: (most own parameters,)
    own: np.ndarray  # (N + 1,) offsets in `gathered`: own parameters of each unit
    gathered: np.ndarray  # gradient in the order of own parameters
    waits: np.ndarray  # (N,) whether some of it is there


@inline
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


@jit
def enter(rows: Rows, filters: Filters, f: int, k: int) -> None:
    """g += c . z;  z <- M z + B q."""
    take(rows, filters, f, k)
    d = filters.d[f]
    size = (filters.at[f, k + 1] - filters.at[f, k]) // d
    first, z, q, pending = filters.at[f, k], filters.z, filters.q, filters.pending[f, k]
    if not filters.filled[f, k]:
        pending[: d * d] = 0.0
    if d == 1:
        factor, entry = z.dtype.type(pending[0]), z.dtype.type(filters.entry[f, 0])
        for j in range(size):
            z[first + j] = factor * z[first + j] + entry * z.dtype.type(q[j])
    else:
        work = rows.matrix[4]
        for j in range(size):
            for v in range(d):
                work[v] = filters.entry[f, v] * q[j]
                for u in range(d):
                    work[v] += pending[v * d + u] * z[first + u * size + j]
            for v in range(d):
                z[first + v * size + j] = work[v]
    identity(d, pending)
    filters.filled[f, k] = 1
    rows.counts[MULTIPLY_ADDS] += size * d * (d + 1)
    rows.counts[BYTES] += 2 * size * d * z.itemsize


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
            factor, at = signal[v], first + v * size
            for j in range(size):
                gathered[own + j] += factor * z[at + j]
        filters.waits[k] = 1
        rows.counts[GRADIENT_ADDS] += size * d
    signal[:d] = 0.0


@jit
def _scatter(units: Units, mask: Mask, filters: Filters, k: int, gradient: np.ndarray) -> None:
    """gradient[parameter] += gathered; gathered <- 0."""
    own, gathered = filters.own[k], filters.gathered
    first, m = mask.own[k], units.m[units.population[k]]
    size = mask.own[k + 1] - first
    for j in range(size):
        gradient[mask.own_parameter[first + j]] += gathered[own + j]
    for j in range(m):
        gradient[theta_parameter(units, k, j)] += gathered[own + size + j]
    gathered[own : own + size + m] = 0.0
    filters.waits[k] = 0


@jit
def flush(units: Units, mask: Mask, rows: Rows, filters: Filters, gradient: np.ndarray) -> None:
    """All that has been gathered goes to the gradient."""
    for f in range(filters.d.shape[0]):
        for k in range(filters.sends.shape[1]):
            take(rows, filters, f, k)
    for k in range(filters.sends.shape[1]):
        if filters.waits[k]:
            _scatter(units, mask, filters, k, gradient)


@jit
def restart_filters(filters: Filters) -> None:
    """No trace yet."""
    filters.signal[:, :, :] = 0.0
    filters.filled[:, :] = 0
    filters.pending[:, :, :] = 0.0
