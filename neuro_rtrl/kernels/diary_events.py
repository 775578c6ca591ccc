"""What the events of units do to their traces, written down (diary.py)."""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels import forward, influence
from neuro_rtrl.kernels.columns import is_sensitive
from neuro_rtrl.kernels.diary import EVENTS, FIRST_STEP, Diary
from neuro_rtrl.kernels.filters import Filters, theta_part
from neuro_rtrl.kernels.jit import inline, inline_first
from neuro_rtrl.kernels.layout import LIVE, MULTIPLY_ADDS, STEP, Mask, Rows, Run, Units, Wires


@inline
def note_held(units: Units, run: Run, diary: Diary) -> None:
    """Steps in which units are refractory."""
    for p in range(units.first.shape[0]):
        if not units.refractory[p]:
            continue
        for k in range(units.first[p], units.first[p] + units.size[p]):
            if not run.held[k] or diary.place[k] < 0:
                continue
            factor = _open_note(units, run, diary, k, True)
            d, wide = units.d[p], diary.wide[0]
            at = units.at_dd[p] + (k - units.first[p]) * d * d
            for v in range(d):
                for u in range(d):
                    place = wide + 2 * wide * wide + v * wide + u
                    factor[place] = units.held_d[at + v * d + u]
            _make_deaf(units, run, factor, p, k, wide)
            diary.clock[EVENTS] += 1


@inline
def note_events(
    units: Units,
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    filters: Filters,
    diary: Diary,
) -> None:
    """What happens to the traces of live units; then states are reset."""
    for i in range(run.clock[LIVE]):
        k = run.live[i]
        if diary.wide[0] == 1 and filters.loop[k] < 0:
            _note_plain(units, values, run, rows, diary, k)
            continue
        sensitive, moves = is_sensitive(units, run, k), influence.turns(units, run, k)
        if sensitive or moves:
            factor = _open_note(units, run, diary, k, False)
            if sensitive:
                _slope(units, mask, run, rows, filters, diary, k, factor)
            if moves:
                _turn(units, values, run, rows, k, factor, diary.wide[0])
            _make_deaf(units, run, factor, units.population[k], k, diary.wide[0])
            if sensitive and filters.loop[k] >= 0:
                _return(units, wires, mask, values, rows, filters, k, factor, diary.wide[0])
            diary.clock[EVENTS] += 1
        if run.s[k] and moves:
            forward.apply_reset(units, run, k)


@inline
def _note_plain(
    units: Units, values: np.ndarray, run: Run, rows: Rows, diary: Diary, k: int
) -> None:
    """The same where three numbers are all: units have one state, which lies at `run.h[k]`.

    Whether a unit spikes is anybody's guess: nothing but numbers depends on it.
    """
    count, p, spike = diary.clock[EVENTS], units.population[k], run.s[k]
    moves = units.resets[p] & (spike | units.reset_gradient[p])
    after, turn, jump = 1.0, 1.0, 0.0
    if moves:
        forward.reset_parts(units, values, run, k)
        state, reset = run.h[k], run.work[0]
        after = run.work[1] if spike else 1.0
        jump = reset - state if units.jumps[p, 0] else 0.0
        turn = after + jump * run.ds[k]
        run.h[k] = reset if spike else state
    if units.m[p] > 0:
        _note_theta(units, run, rows, diary, k, after, jump, moves and spike)
    noted = moves | (run.dy[k] != 0.0)
    diary.unit[count] = k
    diary.when[count] = run.clock[STEP] - diary.clock[FIRST_STEP]
    diary.held[count] = 0
    diary.touched[k] |= noted
    diary.factor[count, 0] = run.dy[k]
    diary.factor[count, 1] = turn
    diary.factor[count, 2] = 0.0 if run.held[k] and units.blind[p, 0] else after
    diary.clock[EVENTS] = count + noted


@inline
def _note_theta(
    units: Units,
    run: Run,
    rows: Rows,
    diary: Diary,
    k: int,
    after: float,
    jump: float,
    resets: bool,
) -> None:
    """dy/dtheta of such a unit; theta <- A theta + s dR/dtheta + jump (ds/dh theta + ds/dtheta)."""
    p, count, slope = units.population[k], diary.clock[EVENTS], run.dy[k]
    m, i = units.m[p], k - units.first[p]
    for j in range(m):
        place, at = units.at_dm[p] + i * m + j, units.at_m[p] + i * m + j
        theta = rows.theta[place]
        diary.theta[count, j] = run.dyt[at] + slope * theta if slope != 0.0 else 0.0
        spike = run.dst[at] + run.ds[k] * theta
        rows.theta[place] = after * theta + jump * spike + (run.work[2 + j] if resets else 0.0)
    rows.counts[MULTIPLY_ADDS] += m


@inline_first
def _open_note(units: Units, run: Run, diary: Diary, k: int, held: bool) -> np.ndarray:
    """A note for unit k, of an event that does nothing."""
    count, wide = diary.clock[EVENTS], diary.wide[0]
    factor, m = diary.factor[count], units.m[units.population[k]]
    diary.unit[count] = k
    diary.when[count] = run.clock[STEP] - diary.clock[FIRST_STEP]
    diary.held[count] = held
    diary.touched[k] = 1
    factor[:] = 0.0
    for v in range(wide):
        factor[wide + v * wide + v] = 1.0
        factor[wide + wide * wide + v * wide + v] = 1.0
    for j in range(m):
        diary.theta[count, j] = 0.0
    return factor


@inline
def _slope(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    filters: Filters,
    diary: Diary,
    k: int,
    factor: np.ndarray,
) -> None:
    """y', and dy/dtheta."""
    p, size = units.population[k], mask.own[k + 1] - mask.own[k]
    d = units.d[p]
    at = units.at_h[p] + (k - units.first[p]) * d
    for v in range(d):
        factor[v] = run.dy[at + v]
    if units.m[p] > 0:
        theta_part(units, mask, run, rows, filters, k, run.dy[at : at + d])
        for j in range(units.m[p]):
            diary.theta[diary.clock[EVENTS], j] = filters.q[size + j]


@inline
def _turn(
    units: Units, values: np.ndarray, run: Run, rows: Rows, k: int, factor: np.ndarray, wide: int
) -> None:
    """T = A + (R(h) - h) ds/dh, and A; the reset stays in `run.work`."""
    p = units.population[k]
    d, i, spike, after = units.d[p], k - units.first[p], run.s[k], wide + wide * wide
    if units.m[p] > 0:  # their influence is turned, too
        influence.turn(units, values, run, rows, k)
    else:
        forward.reset_parts(units, values, run, k)
    for v in range(d):
        state = run.h[units.at_h[p] + v * units.size[p] + i]
        jump = run.work[v] - state if units.jumps[p, v] else 0.0
        for u in range(d):
            same = 1.0 if v == u else 0.0
            kept = run.work[d + v * d + u] if spike else same
            factor[after + v * wide + u] = kept
            factor[wide + v * wide + u] = kept + jump * run.ds[units.at_h[p] + i * d + u]


@inline
def _make_deaf(units: Units, run: Run, factor: np.ndarray, p: int, k: int, wide: int) -> None:
    """A of a state that is blind to arrivals is 0 while its unit is refractory."""
    if run.held[k]:
        for u in range(units.d[p]):
            if units.blind[p, u]:
                for v in range(units.d[p]):
                    factor[wide + wide * wide + v * wide + u] = 0.0


@inline
def _return(
    units: Units,
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    rows: Rows,
    filters: Filters,
    k: int,
    factor: np.ndarray,
    wide: int,
) -> None:
    """Through a synapse of unit k with itself: T += A B w y', and the same for its parameters."""
    p, e, size = units.population[k], filters.loop[k], mask.own[k + 1] - mask.own[k]
    d, m, i = units.d[p], units.m[p], k - units.first[p]
    for v in range(d):
        weight = factor[wide + wide * wide + v * wide + wires.variable[e]]
        weight *= values[e] * wires.gain[e]
        for u in range(d):
            factor[wide + v * wide + u] += weight * factor[u]
        for j in range(m):
            rows.theta[units.at_dm[p] + (i * d + v) * m + j] += weight * filters.q[size + j]
