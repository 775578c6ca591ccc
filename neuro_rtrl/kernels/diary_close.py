"""The traces that a window leaves behind, as sums over its arrivals (diary.py).

With the same look back, but other ends,

    P at the end    = Pi P + sum y mu                       nu = 1 after the last step, no signals
    z at the end    = kappa^T z + nu_0 P + sum y mu         signals kappa^(T - 1 - t), nu = 0

Units without an event that share traces keep what they have: P - Z moves by its pending factor.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.diary import EVENTS, FIRST_STEP, LANES, Desk, Diary
from neuro_rtrl.kernels.diary_sums import sum_up, times_arrivals, trace
from neuro_rtrl.kernels.filters import Filters
from neuro_rtrl.kernels.jit import inline, kernel
from neuro_rtrl.kernels.layout import (
    ENTRIES_NOW,
    MULTIPLY_ADDS,
    STEP,
    Mask,
    Rows,
    Run,
    Units,
)
from neuro_rtrl.kernels.refs import ref
from neuro_rtrl.kernels.small import identity, power, power_into
from neuro_rtrl.kernels.traces import Traces


@kernel
def leave_behind(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    filters: Filters,
    traces: Traces,
    diary: Diary,
    desk: Desk,
    end: np.ndarray,
) -> None:
    """Traces at the window's end, in place of those before it; `end` (C, dm, G) is scratch."""
    _leave(
        ref(units), ref(mask), ref(run), ref(rows), ref(filters), ref(traces), ref(diary),
        ref(desk), end,
    )  # fmt: skip


@inline
def _leave(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    filters: Filters,
    traces: Traces,
    diary: Diary,
    desk: Desk,
    end: np.ndarray,
) -> None:
    steps = run.clock[STEP] - diary.clock[FIRST_STEP]
    _sources(rows, traces, diary, steps, end)
    for f in range(filters.d.shape[0]):
        power = 1.0
        for t in range(steps - 1, -1, -1):
            diary.signal[t, f] = filters.entry[f, 0] * power
            power *= filters.flow[f, 0]
        diary.signal[steps, f] = power
    _sum_theta(diary, filters.d.shape[0])
    nobody = filters.d.shape[0]
    for t in range(steps):
        diary.signal[t, nobody] = 0.0
    for lot in range(diary.row.shape[0] - 1):
        members = diary.member[lot * LANES : (lot + 1) * LANES]
        some = False
        for i in range(members.shape[0]):
            if diary.touched[members[i]] or traces.shared[members[i]] < 0:
                some = True
            else:  # its own block waits for D to the power of these steps, as ever (catch_up.py)
                for f in range(filters.d.shape[0]):
                    filters.pending[f, members[i], 0] *= diary.signal[steps, f]
        if some:
            _sum_lot(run, filters, diary, desk, lot)
            for i in range(members.shape[0]):
                if diary.touched[members[i]] or traces.shared[members[i]] < 0:
                    _settle(
                        units, mask, run, rows, filters, traces, diary, desk, end, i, members[i],
                        steps,
                    )  # fmt: skip
    _readouts(units, mask, run, rows, traces, diary, steps)
    for c in range(traces.d.shape[0]):
        for v in range(traces.d[c]):
            for g in range(traces.delta.shape[0]):
                traces.z[c, v, g] = end[c, v, g]


@inline
def _sum_lot(run: Run, filters: Filters, diary: Diary, desk: Desk, lot: int) -> None:
    """The sums of a lot for its traces behind each filter, and for P."""
    nobody, d = filters.d.shape[0], diary.states[lot]
    for which in range(d + nobody):
        if which < d:
            sum_up(run, diary, desk, lot, which, nobody, which)
        else:
            sum_up(run, diary, desk, lot, which, which - d, -1)
        for v in range(d):
            for i in range(LANES):
                desk.begin[which, v, i] = desk.nu[v * LANES + i]


@inline
def _readouts(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    traces: Traces,
    diary: Diary,
    steps: int,
) -> None:
    """Own blocks of readouts that share nothing."""
    for k in range(diary.place.shape[0]):
        if diary.place[k] >= 0 or traces.shared[k] >= 0:
            continue
        p = units.population[k]
        at = units.at_dd[p] + k - units.first[p]
        whole, powers = power(units.flow_d[at], steps), diary.power[:, 0]
        _columns(1, units.flow_d[at : at + 1], 0, steps, diary.power)
        for j in range(mask.own[k], mask.own[k + 1]):
            entry = whole * trace(mask, rows, traces, k, 1, 0, j)
            entry += diary.own_gain[j] * times_arrivals(diary, traces.group[j], powers)
            rows.own[mask.own_at[k] + j - mask.own[k]] = entry
        _is_settled(units, run, rows, k)


@inline
def _is_settled(units: Units, run: Run, rows: Rows, k: int) -> None:
    identity(units.d[units.population[k]], rows.own_pending[k])
    rows.own_step[k] = run.clock[STEP] - 1
    rows.settled[k] = -1


@inline
def _sum_theta(diary: Diary, count: int) -> None:
    """What events bring of units' own parameters behind each of `count` filters."""
    diary.theta_sum[:, :, :] = 0.0
    for i in range(diary.clock[EVENTS]):
        for f in range(count):
            for j in range(diary.theta.shape[1]):
                part = diary.signal[diary.when[i], f] * diary.theta[i, j]
                diary.theta_sum[f, diary.unit[i], j] += part


@inline
def _sources(rows: Rows, traces: Traces, diary: Diary, steps: int, end: np.ndarray) -> None:
    """end <- Z at the end of the window."""
    whole = rows.matrix[4]
    for c in range(traces.d.shape[0]):
        d = traces.d[c]
        identity(d, whole)
        power_into(d, traces.flow[c], steps, whole, rows.matrix[:3])
        for u in range(d):
            _columns(d, traces.flow[c], u, steps, diary.power)
            for g in range(traces.delta.shape[0]):
                if traces.variable[c, g] != u:
                    continue
                for v in range(d):
                    total = times_arrivals(diary, g, diary.power[:, v])
                    for w in range(d):
                        total += whole[v * d + w] * traces.z[c, w, g]
                    end[c, v, g] = total


@inline
def _columns(d: int, flow: np.ndarray, u: int, steps: int, power: np.ndarray) -> None:
    """power (steps, d) <- column u of the flow of the steps that follow each."""
    for v in range(min(d, steps * d)):
        power[steps - 1, v] = 1.0 if v == u else 0.0
    for t in range(steps - 2, -1, -1):
        for v in range(d):
            power[t, v] = 0.0
            for w in range(d):
                power[t, v] += flow[v * d + w] * power[t + 1, w]


@inline
def _settle(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    filters: Filters,
    traces: Traces,
    diary: Diary,
    desk: Desk,
    end: np.ndarray,
    i: int,
    k: int,
    steps: int,
) -> None:
    """Own block and filters of unit k, lane i of its lot."""
    first, last, c = mask.own[k], mask.own[k + 1], traces.shared[k]
    d, states = units.d[units.population[k]], diary.states[diary.place[k] // LANES]
    size, before = last - first, rows.matrix[3]
    for f in range(filters.d.shape[0]):
        if filters.sends[f, k]:
            _open_filter(rows, filters, diary, f, k, size, steps)
    for j in range(first, last):
        gain = 1.0 if c >= 0 else diary.own_gain[j]
        for v in range(d):
            before[v] = trace(mask, rows, traces, k, d, v, j)
        for f in range(filters.d.shape[0]):
            if filters.sends[f, k]:
                part = gain * desk.sums[states + f, diary.own[j]]
                for v in range(d):
                    part += desk.begin[states + f, v, i] * before[v]
                filters.z[filters.at[f, k] + j - first] += part
        for v in range(d):
            entry = gain * desk.sums[v, diary.own[j]]
            for u in range(d):
                entry += desk.begin[v, u, i] * before[u]
            if c >= 0:
                entry -= end[c, v, traces.group[j]]
            rows.own[mask.own_at[k] + v * size + j - first] = entry
    _is_settled(units, run, rows, k)
    rows.counts[MULTIPLY_ADDS] += size * d * (d + 1 + filters.d.shape[0])


@inline
def _open_filter(
    rows: Rows, filters: Filters, diary: Diary, f: int, k: int, size: int, steps: int
) -> None:
    """z <- kappa^T z, and what events have brought of the unit's own parameters."""
    z, whole = filters.z[filters.at[f, k] :], filters.at[f, k + 1] - filters.at[f, k]
    keep = filters.pending[f, k, 0] * diary.signal[steps, f]
    if not filters.filled[f, k]:
        rows.counts[ENTRIES_NOW] += size
        keep = 0.0
    for j in range(whole):
        z[j] *= keep
    for j in range(size, whole):
        z[j] += diary.theta_sum[f, k, j - size]
    filters.filled[f, k] = 1
    filters.pending[f, k, 0] = 1.0
