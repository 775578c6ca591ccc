"""Tangents: a few dense columns over all states, carried through a step as influence rows are.

V has a row for each state of each unit and for the sensitivity of each event under way. One step
is a linear map of these rows (forward-mode differentiation), exact with delays and populations:

    update    V_k <- D V_k + sum over collected arrivals of F[:, input] gain w sigma
    emission  sigma = dy/dh . V_k
    reset     V_k <- (A + (R(h) - h) ds/dh) V_k            with A = 1 + s (dR/dh - 1)
    arrivals  V_k <- V_k + B w sigma                       B through A; nothing where blind

What a step adds to the influence matrix by itself is not added here but handed out, as entries
(row, parameter, effect, amount) of value effect * amount, so that a rule can add it in its own way.
With `residual`, what is handed out instead are the arrivals of each event at other hidden units
(row, effect), and `bound` is carried with the absolute values of every factor above.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuro_rtrl.kernels.arrive import entry_vector
from neuro_rtrl.kernels.columns import theta_parameter
from neuro_rtrl.kernels.forward import reset_parts
from neuro_rtrl.kernels.jit import inline, jit
from neuro_rtrl.kernels.layout import LIVE, MULTIPLY_ADDS, Rows, Run, Units, Wires

# Places in `Tangents.counts`.
FREE_ROWS, ENTRIES, TERMS, TERM_ENTRIES = range(4)


class Tangents(NamedTuple):
    """The columns of one lane, and what the present phase hands out; H states, R columns."""

    V: np.ndarray  # (H + event rows, R)
    bound: np.ndarray  # (H + event rows,)
    row: np.ndarray  # (events,) row of V of each event's sensitivity, -1 if none
    free: np.ndarray  # event rows not in use
    counts: np.ndarray  # free rows, entries, terms, entries of terms
    hidden: np.ndarray  # (N,) units that V stands for: those that are no readouts
    learned: np.ndarray  # (synapses,) flags
    residual: np.ndarray  # (1,) flag
    entry_row: np.ndarray
    entry_parameter: np.ndarray
    effect: np.ndarray  # gain B of a synapse; the slope of a unit parameter
    amount: np.ndarray  # y of the event; 1 for unit parameters
    term_event: np.ndarray  # (terms,) event and its number of entries so far
    term_end: np.ndarray
    term_row: np.ndarray
    term_effect: np.ndarray  # w gain B
    tile: np.ndarray  # scratch (dm, R)
    edge: np.ndarray  # scratch (dm,)
    entry: np.ndarray  # scratch (dm,)


@inline
def add_entry(tangents: Tangents, row: int, parameter: int, effect: float, amount: float) -> None:
    """Hand out effect * amount at (row, parameter), unless it is zero."""
    if effect != 0.0 and tangents.residual[0] == 0:
        i = tangents.counts[ENTRIES]
        tangents.entry_row[i] = row
        tangents.entry_parameter[i] = parameter
        tangents.effect[i] = effect
        tangents.amount[i] = amount
        tangents.counts[ENTRIES] = i + 1


@jit
def transform_unit(units: Units, rows: Rows, tangents: Tangents, k: int, M: np.ndarray) -> None:
    """V_k <- M V_k; bound_k <- |M| bound_k."""
    p = units.population[k]
    d, n = units.d[p], units.size[p]
    first = units.at_h[p] + k - units.first[p]
    V, tile, bound, edge = tangents.V, tangents.tile, tangents.bound, tangents.edge
    columns = V.shape[1]
    for v in range(d):
        edge[v] = 0.0
        for j in range(columns):
            tile[v, j] = 0.0
        for u in range(d):
            m = M[v * d + u]
            if m != 0.0:
                edge[v] += abs(m) * bound[first + u * n]
                for j in range(columns):
                    tile[v, j] += m * V[first + u * n, j]
    for v in range(d):
        bound[first + v * n] = edge[v]
        for j in range(columns):
            V[first + v * n, j] = tile[v, j]
    rows.counts[MULTIPLY_ADDS] += d * d * columns


@jit
def carry_update(units: Units, run: Run, rows: Rows, tangents: Tangents) -> None:
    """V <- D V, with D as in the update of this step; hands out dPhi/dtheta."""
    for p in range(units.first.shape[0]):
        d, m = units.d[p], units.m[p]
        for i in range(units.size[p]):
            k = units.first[p] + i
            at = units.at_dd[p] + i * d * d
            if not units.constant[p]:
                transform_unit(units, rows, tangents, k, run.D[at : at + d * d])
            elif run.held[k]:
                transform_unit(units, rows, tangents, k, units.held_d[at : at + d * d])
            else:
                transform_unit(units, rows, tangents, k, units.flow_d[at : at + d * d])
            if tangents.hidden[k]:
                for v in range(d):
                    row = units.at_h[p] + v * units.size[p] + i
                    for j in range(m):
                        slope = run.U[units.at_dm[p] + (i * d + v) * m + j]
                        add_entry(tangents, row, theta_parameter(units, k, j), slope, 1.0)


@jit
def carry_arrivals(
    units: Units,
    wires: Wires,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    tangents: Tangents,
    entries: np.ndarray,
    count: int,
) -> None:
    """V_k += B w sigma for all groups in `entries` (2, count); hands out B y."""
    for i in range(count):
        event, group = entries[0, i], entries[1, i]
        source = run.source[event]
        residual = tangents.residual[0] and run.row[event] >= 0
        start = tangents.counts[TERM_ENTRIES]
        if residual:
            tangents.term_event[tangents.counts[TERMS]] = event
        for e in range(wires.first[group], wires.first[group + 1]):
            if entry_vector(units, wires, run, rows, group, e, tangents.entry):
                k = wires.target[e]
                if tangents.row[event] >= 0:
                    _add_sensitivity(units, rows, tangents, k, values[e], tangents.row[event])
                if tangents.hidden[k]:
                    p = units.population[k]
                    first, n = units.at_h[p] + k - units.first[p], units.size[p]
                    for v in range(units.d[p]):
                        b = tangents.entry[v]
                        if tangents.learned[e] and run.value[event] != 0.0:
                            add_entry(tangents, first + v * n, e, b, run.value[event])
                        if residual and k != source and b != 0.0:
                            _add_term(tangents, first + v * n, b * values[e])
        if residual and tangents.counts[TERM_ENTRIES] > start:
            tangents.term_end[tangents.counts[TERMS]] = tangents.counts[TERM_ENTRIES]
            tangents.counts[TERMS] += 1


@inline
def _add_term(tangents: Tangents, row: int, effect: float) -> None:
    i = tangents.counts[TERM_ENTRIES]
    tangents.term_row[i] = row
    tangents.term_effect[i] = effect
    tangents.counts[TERM_ENTRIES] = i + 1


@inline
def _add_sensitivity(
    units: Units, rows: Rows, tangents: Tangents, k: int, weight: float, place: int
) -> None:
    """V_k += B w sigma, with B in `entry` and sigma in row `place`."""
    p = units.population[k]
    n, first = units.size[p], units.at_h[p] + k - units.first[p]
    V, bound = tangents.V, tangents.bound
    for v in range(units.d[p]):
        factor = weight * tangents.entry[v]
        if factor != 0.0:
            bound[first + v * n] += abs(factor) * bound[place]
            for j in range(V.shape[1]):
                V[first + v * n, j] += factor * V[place, j]
            rows.counts[MULTIPLY_ADDS] += V.shape[1]


@jit
def carry_emission(
    units: Units, wires: Wires, run: Run, rows: Rows, tangents: Tangents, top: int
) -> None:
    """sigma = dy/dh . V_k for the events just emitted; hands out dy/dtheta.

    The events were taken, one for each live unit with synapses, from the free list below `top`.
    """
    for i in range(run.clock[LIVE]):
        k = run.live[i]
        if wires.group[k] == wires.group[k + 1]:
            continue
        top -= 1
        p = units.population[k]
        d, m, j = units.d[p], units.m[p], k - units.first[p]
        slope = run.dy[units.at_h[p] + j * d : units.at_h[p] + (j + 1) * d]
        direct = run.dyt[units.at_m[p] + j * m : units.at_m[p] + (j + 1) * m]
        if not (_any(slope) or _any(direct)):
            continue
        tangents.counts[FREE_ROWS] -= 1
        place = tangents.free[tangents.counts[FREE_ROWS]]
        tangents.row[run.free[top]] = place
        _combine(units, rows, tangents, k, slope, place)
        for q in range(m):
            add_entry(tangents, place, theta_parameter(units, k, q), direct[q], 1.0)


@jit
def _any(values: np.ndarray) -> bool:
    for i in range(values.shape[0]):
        if values[i] != 0.0:
            return True
    return False


@inline
def _combine(
    units: Units, rows: Rows, tangents: Tangents, k: int, slope: np.ndarray, place: int
) -> None:
    p = units.population[k]
    n, first = units.size[p], units.at_h[p] + k - units.first[p]
    V, bound = tangents.V, tangents.bound
    for v in range(slope.shape[0]):
        bound[place] += abs(slope[v]) * bound[first + v * n]
        for j in range(V.shape[1]):
            V[place, j] += slope[v] * V[first + v * n, j]
    rows.counts[MULTIPLY_ADDS] += slope.shape[0] * V.shape[1]


@jit
def carry_reset(units: Units, values: np.ndarray, run: Run, rows: Rows, tangents: Tangents) -> None:
    """V_k <- (A + (R(h) - h) ds/dh) V_k, before the states are reset; hands out the same by theta.

    This comes before the rows' arrivals are added: they go through A alone.
    """
    whole, jump = rows.matrix[4], rows.matrix[5]
    for i in range(run.clock[LIVE]):
        k = run.live[i]
        p = units.population[k]
        if not units.resets[p] or not (run.s[k] or units.reset_gradient[p]):
            continue
        reset_parts(units, values, run, k)
        d, m, n, j = units.d[p], units.m[p], units.size[p], k - units.first[p]
        for v in range(d):
            row = units.at_h[p] + v * n + j
            jump[v] = (run.work[v] - run.h[row]) if units.jumps[p, v] else 0.0
            for u in range(d):
                stays = 1.0 if u == v else 0.0
                after = run.work[d + v * d + u] if run.s[k] else stays
                whole[v * d + u] = after + jump[v] * run.ds[units.at_h[p] + j * d + u]
            for q in range(m):
                slope = jump[v] * run.dst[units.at_m[p] + j * m + q]
                if run.s[k]:
                    slope += run.work[d + d * d + v * m + q]
                add_entry(tangents, row, theta_parameter(units, k, q), slope, 1.0)
        transform_unit(units, rows, tangents, k, whole)


@inline
def release(tangents: Tangents, event: int) -> None:
    """The event's sensitivity is not needed any more: its row is emptied and free."""
    place = tangents.row[event]
    if place >= 0:
        tangents.row[event] = -1
        tangents.bound[place] = 0.0
        for j in range(tangents.V.shape[1]):
            tangents.V[place, j] = 0.0
        tangents.free[tangents.counts[FREE_ROWS]] = place
        tangents.counts[FREE_ROWS] += 1
