"""Columns come to life in the order in which their units first emit a sensitivity.

Until then a parameter influences its own unit only, and has no column anywhere: rows stay as short
as the number of columns in use, contiguous, and what never lives costs neither time nor memory.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.jit import inline, jit
from neuro_rtrl.kernels.layout import LIVE, Mask, Rows, Run, Units


@inline
def is_sensitive(units: Units, run: Run, k: int) -> bool:
    """Whether the event of unit k carries a sensitivity."""
    p = units.population[k]
    d = units.d[p]
    start = units.at_h[p] + (k - units.first[p]) * d
    for i in range(start, start + d):
        if run.dy[i] != 0.0:
            return True
    return False


@jit
def wanted_columns(
    units: Units, mask: Mask, run: Run, rows: Rows, wanted: np.ndarray
) -> tuple[int, bool]:
    """(event rows needed, whether a block is too small); `wanted` (B,) counts new columns."""
    events = 0
    wanted[:] = 0
    for i in range(run.clock[LIVE]):
        k = run.live[i]
        if not is_sensitive(units, run, k):
            continue
        events += 1
        b = mask.block[k]
        if b >= 0:
            wanted[b] += rows.fresh_count[k]
            if not rows.theta_open[k]:
                wanted[b] += units.m[units.population[k]]
    small = False
    for b in range(mask.columns.shape[0]):
        small |= rows.live[b] + wanted[b] > rows.capacity[b]
    return events, small


@jit
def theta_parameter(units: Units, k: int, j: int) -> int:
    """Number of the j-th learned unit parameter of unit k."""
    p = units.population[k]
    return units.at_theta[p] + j * units.size[p] + k - units.first[p]


@inline
def theta_slope(units: Units, run: Run, rows: Rows, k: int, j: int, slope: np.ndarray) -> float:
    """dy/dh . theta + dy/dtheta by the j-th learned unit parameter; `slope` (d,) is dy/dh."""
    p = units.population[k]
    d, m, i = units.d[p], units.m[p], k - units.first[p]
    total = run.dyt[units.at_m[p] + i * m + j]
    for v in range(d):
        total += slope[v] * rows.theta[units.at_dm[p] + (i * d + v) * m + j]
    return total


@jit
def open_columns(units: Units, mask: Mask, rows: Rows, k: int) -> None:
    """A column for each live own parameter of unit k that has none."""
    if mask.block[k] >= 0:
        _open_all(units, mask, rows, k, mask.block[k])


@inline
def open_in_shards(units: Units, mask: Mask, rows: Rows, k: int) -> None:
    """The same where the columns of all blocks are in one numbering, kept as that of block 0."""
    _open_all(units, mask, rows, k, 0)


@inline
def _open_all(units: Units, mask: Mask, rows: Rows, k: int, b: int) -> None:
    for j in range(rows.fresh_count[k]):
        _open(mask, rows, b, rows.fresh[mask.own[k] + j])
    rows.fresh_count[k] = 0
    if not rows.theta_open[k]:
        for j in range(units.m[units.population[k]]):
            _open(mask, rows, b, theta_parameter(units, k, j))
        rows.theta_open[k] = 1


@inline
def _open(mask: Mask, rows: Rows, b: int, parameter: int) -> None:
    column = rows.live[b]
    rows.column[parameter] = column
    rows.parameter[mask.column_at[b] + column] = parameter
    rows.live[b] = column + 1


@inline
def close_columns(mask: Mask, rows: Rows) -> None:
    """No parameter has a column."""
    for b in range(mask.columns.shape[0]):
        start = mask.column_at[b]
        for c in range(rows.live[b]):
            rows.column[rows.parameter[start + c]] = -1
        rows.live[b] = 0
