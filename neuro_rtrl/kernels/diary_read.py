"""The gradient of a window that was written down (diary.py)."""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.columns import theta_parameter
from neuro_rtrl.kernels.diary import EVENTS, FIRST_STEP, LANES, Desk, Diary
from neuro_rtrl.kernels.diary_sums import (
    beyond,
    group_begins,
    group_ends,
    sort_notes,
    sum_up,
    times_arrivals,
    trace,
)
from neuro_rtrl.kernels.filters import Filters
from neuro_rtrl.kernels.flush import flush
from neuro_rtrl.kernels.jit import inline, kernel, leaf
from neuro_rtrl.kernels.layout import (
    GRADIENT_ADDS,
    MULTIPLY_ADDS,
    STEP,
    Mask,
    Rows,
    Run,
    Units,
)
from neuro_rtrl.kernels.refs import ref
from neuro_rtrl.kernels.stream import Stream
from neuro_rtrl.kernels.traces import Traces


@kernel
def prepare(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    filters: Filters,
    traces: Traces,
    diary: Diary,
    stream: Stream,
    gradient: np.ndarray,
) -> None:
    """Signals to come, notes in order, and the gradient of readouts' own synapses."""
    _prepare(
        ref(units), ref(mask), ref(run), ref(rows), ref(filters), ref(traces), ref(diary),
        ref(stream), gradient,
    )  # fmt: skip


@inline
def _prepare(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    filters: Filters,
    traces: Traces,
    diary: Diary,
    stream: Stream,
    gradient: np.ndarray,
) -> None:
    steps = run.clock[STEP] - diary.clock[FIRST_STEP]
    sort_notes(diary)
    take_weights(filters, diary)
    for o in range(stream.outputs.shape[0]):
        k = stream.outputs[o]
        p = units.population[k]
        keep = filters.flow[filters.of[o], 0]
        stay = units.flow_d[units.at_dd[p] + k - units.first[p]]
        diary.signal[steps, o] = diary.back[steps, o] = 0.0
        for t in range(steps - 1, -1, -1):
            slope = diary.slope[t, o]
            diary.signal[t, o] = slope + keep * diary.signal[t + 1, o]
            diary.back[t, o] = slope + stay * diary.back[t + 1, o]
        _of_readout(mask, rows, traces, diary, k, o, stay, gradient)
    rows.counts[MULTIPLY_ADDS] += 2 * steps * stream.outputs.shape[0]
    if diary.theta.shape[1] > 0:
        _of_units(units, rows, diary, gradient)


@inline
def _of_units(units: Units, rows: Rows, diary: Diary, gradient: np.ndarray) -> None:
    """Units' own parameters, from their events."""
    for i in range(diary.clock[EVENTS]):
        k, total = diary.unit[i], beyond(diary.factor, i, diary.wide[0])
        m = units.m[units.population[k]]
        for e in range(diary.hears[diary.place[k]], diary.hears[diary.place[k] + 1]):
            total += diary.weight[e] * diary.signal[diary.when[i], diary.output[e]]
        for j in range(m):
            gradient[theta_parameter(units, k, j)] += total * diary.theta[i, j]
        rows.counts[GRADIENT_ADDS] += m


@inline
def take_weights(filters: Filters, diary: Diary) -> None:
    """The weights of the time, for each unit."""
    for i in range(diary.member.shape[0]):
        for e in range(diary.hears[i], diary.hears[i + 1]):
            o = diary.output[e]
            entry = filters.entry[filters.of[o], 0]
            diary.weight[e] = filters.feedback[o, diary.member[i]] * entry


@inline
def _of_readout(
    mask: Mask,
    rows: Rows,
    traces: Traces,
    diary: Diary,
    k: int,
    o: int,
    stay: float,
    gradient: np.ndarray,
) -> None:
    """Own synapses of readout k, output number o: what has come, and the trace from before."""
    before, back = stay * diary.back[0, o], diary.back[:, o]
    for j in range(mask.own[k], mask.own[k + 1]):
        g = traces.group[j]
        entry = trace(mask, rows, traces, k, 1, 0, j)
        part = diary.own_gain[j] * times_arrivals(diary, g, back)
        gradient[mask.own_parameter[j]] += part + traces.gain[j] * (before * entry)
        rows.counts[GRADIENT_ADDS] += group_ends(diary, g) - group_begins(diary, g, 0) + 1


@kernel
def read(run: Run, diary: Diary, desk: Desk, low: int, high: int, gradient: np.ndarray) -> None:
    """The gradient of the own synapses of the units of some lots."""
    _read(ref(run), ref(diary), ref(desk), low, high, gradient)


@inline
def _read(run: Run, diary: Diary, desk: Desk, low: int, high: int, gradient: np.ndarray) -> None:
    for lot in range(low, high):
        units = diary.member[lot * LANES : (lot + 1) * LANES]
        for i in range(units.shape[0]):
            diary.start[units[i], :] = 0.0
        if diary.event[lot] == diary.event[lot + 1]:
            continue
        sum_up(run, diary, desk, lot, 0, -1, -1)
        first, last = diary.run[lot], diary.run[lot + 1]
        scatter(
            desk.sums[0], diary.parameter[first:last], diary.at[first:last],
            diary.length[first:last], diary.gain[first:last], gradient,
        )  # fmt: skip
        for i in range(units.shape[0]):
            for v in range(diary.states[lot]):
                diary.start[units[i], v] = desk.nu[v * LANES + i]


@leaf
def scatter(
    sums: np.ndarray,
    parameter: np.ndarray,
    at: np.ndarray,
    length: np.ndarray,
    gain: np.ndarray,
    gradient: np.ndarray,
) -> None:
    """gradient[parameter] += gain sums, run by run."""
    for r in range(parameter.shape[0]):
        low, place, factor = parameter[r], at[r], gain[r]
        for i in range(length[r]):
            gradient[low + i] += factor * sums[place + i]


@kernel
def hand_over(
    units: Units, mask: Mask, rows: Rows, filters: Filters, traces: Traces, gradient: np.ndarray
) -> None:
    """What events have gathered one by one goes to the gradient."""
    flush(ref(units), ref(mask), ref(rows), ref(filters), ref(traces), gradient)


@kernel
def remember(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    filters: Filters,
    traces: Traces,
    diary: Diary,
    gradient: np.ndarray,
) -> None:
    """What traces from before the window are worth; pending is up to date, nothing is gathered."""
    _remember(
        ref(units), ref(mask), ref(run), ref(rows), ref(filters), ref(traces), ref(diary), gradient
    )  # fmt: skip


@inline
def _remember(
    units: Units,
    mask: Mask,
    run: Run,
    rows: Rows,
    filters: Filters,
    traces: Traces,
    diary: Diary,
    gradient: np.ndarray,
) -> None:
    for number in range(diary.member.shape[0]):
        k = diary.member[number]
        first, last, d = mask.own[k], mask.own[k + 1], units.d[units.population[k]]
        for v in range(d):
            nu = diary.start[k, v]
            if nu == 0.0:
                continue
            for j in range(first, last):
                entry = trace(mask, rows, traces, k, d, v, j)
                gradient[mask.own_parameter[j]] += traces.gain[j] * (nu * entry)
            rows.counts[GRADIENT_ADDS] += 2 * (last - first)
        for f in range(filters.d.shape[0]):
            if filters.filled[f, k]:
                _behind(units, mask, rows, filters, traces, diary, number, k, f, gradient)


@inline
def _behind(
    units: Units,
    mask: Mask,
    rows: Rows,
    filters: Filters,
    traces: Traces,
    diary: Diary,
    number: int,
    k: int,
    f: int,
    gradient: np.ndarray,
) -> None:
    """The trace of unit k behind filter f."""
    total = 0.0
    for e in range(diary.hears[number], diary.hears[number + 1]):
        if filters.of[diary.output[e]] == f:
            total += diary.weight[e] * diary.signal[0, diary.output[e]]
    total *= filters.flow[f, 0] * filters.pending[f, k, 0]
    if total == 0.0:
        return
    first, last, z = mask.own[k], mask.own[k + 1], filters.z[filters.at[f, k] :]
    for j in range(first, last):
        gradient[mask.own_parameter[j]] += traces.gain[j] * (total * z[j - first])
    for j in range(units.m[units.population[k]]):
        gradient[theta_parameter(units, k, j)] += total * z[last - first + j]
    rows.counts[GRADIENT_ADDS] += last - first
