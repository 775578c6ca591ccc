"""Own blocks of a window of steps from shared traces (traces.py): an arrival is one addition.

Outside of windows own blocks are plain. Within one, of a unit with one state, the influence of its
own synapse j is

    P_j = scale R_j + gain_j Z_g(j)

with R in the place of the block and Z zero at first. A live unit hands P on to its row and keeps
R = -gain Z, scale = 1; the end of the window puts P back in the place of R. What is left of a
difference by rounding alone is taken for the zero that it is.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.arrive import come_alive
from neuro_rtrl.kernels.catch_up import catch_up_own
from neuro_rtrl.kernels.cells import CHUNK
from neuro_rtrl.kernels.jit import inline, jit, leaf
from neuro_rtrl.kernels.layout import ARRIVED, FIRED, MULTIPLY_ADDS, Mask, Rows, Run, Units, Wires
from neuro_rtrl.kernels.program import OPERATIONS, TERMS, Program
from neuro_rtrl.kernels.traces import Traces, note_arrival, take_in
from neuro_rtrl.kernels.wide import flags_of, lowest

LEAST_32, LEAST_64 = 64 * 2.0**-23, 64 * 2.0**-52


@inline
def note_arrivals(run: Run, traces: Traces) -> None:
    """delta, of all that has arrived in this step through groups that share."""
    for i in range(run.clock[ARRIVED]):
        if traces.shares[run.arrived[1, i]]:
            note_arrival(traces, run.arrived[1, i], run.value[run.arrived[0, i]])


@inline
def take_in_arrivals(wires: Wires, mask: Mask, run: Run, rows: Rows, traces: Traces) -> None:
    """Z <- Z + delta; synapses that are heard for the first time wait for a column."""
    for i in range(traces.coming[0]):
        g = traces.came[i]
        if run.clock[FIRED]:
            _pass_resets(wires, mask, rows, traces, g)
        take_in(traces, g)
        if not traces.heard[g]:
            traces.heard[g] = 1
            for e in range(wires.first[g], wires.first[g + 1]):
                if wires.slot[e] >= 0 and not rows.alive[wires.slot[e]]:
                    come_alive(mask, rows, wires.target[e], wires.slot[e])
        rows.counts[MULTIPLY_ADDS] += 1
    traces.coming[0] = 0


@inline
def _least(own: np.ndarray) -> float:
    """64 roundings of its format: as many as two ways of decaying differ by in a hundred steps."""
    return LEAST_32 if own.itemsize == 4 else LEAST_64


@inline
def _present(scale: float, own: float, common: float, least: float) -> float:
    """scale R + gain Z, if it is more than `least` of what it is the difference of."""
    value = scale * own + common
    return 0.0 if abs(value) < least * abs(common) else value


@jit
def take_own(mask: Mask, rows: Rows, traces: Traces, program: Program, k: int) -> None:
    """The own block of a unit with one state goes into the row, as far as it has columns.

    What was never heard is zero and needs none, so columns are asked for only where a synapse was
    heard for the first time since the last event.
    """
    size, start, at = mask.own[k + 1] - mask.own[k], mask.own[k], program.clock[TERMS]
    own, c = rows.own[mask.own_at[k] :][:size], traces.shared[k]
    parameter, gain = mask.own_parameter[start:][:size], traces.gain[start:][:size]
    group, operation = traces.group[start:][:size], program.clock[OPERATIONS]
    scale, terms = rows.own_pending[k, 0], program.term[at:]
    parameters, values = program.parameter[at:], program.value[at:]
    if c >= 0 and rows.fresh_count[k] == 0:
        _present_all(own, gain, group, traces.z[c, 0], scale, values)
        program.clock[TERMS] += _pack(values, parameter, operation, terms, parameters)
    elif c >= 0:
        program.clock[TERMS] += _take(
            own, parameter, rows.column, gain, group, traces.z[c, 0], scale,
            operation, terms, parameters, values,
        )  # fmt: skip
    else:
        program.clock[TERMS] += _take(
            own, parameter, rows.column, gain, group, None, scale,
            operation, terms, parameters, values,
        )  # fmt: skip
    rows.own_pending[k, 0] = 1.0


@leaf
def _present_all(
    own: np.ndarray,
    gain: np.ndarray,
    group: np.ndarray,
    z: np.ndarray,
    scale: float,
    values: np.ndarray,
) -> None:
    """The values of a block, into `values`; R <- -gain Z."""
    least = _least(own)
    for j in range(own.shape[0]):
        common = gain[j] * z[group[j]]
        values[j] = _present(scale, own[j], common, least)
        own[j] = -common


@leaf
def _pack(
    values: np.ndarray,
    parameter: np.ndarray,
    operation: int,
    term: np.ndarray,
    parameters: np.ndarray,
) -> int:
    """Terms of the values that are not zero, one after the other; their number.

    Most are zero: they are looked at 64 at a time. There is room for as many behind the values.
    """
    count, size = 0, parameter.shape[0]
    for first in range(0, size, CHUNK):
        found = flags_of(values, first)
        if size - first < CHUNK:
            found &= (np.uint64(1) << np.uint64(size - first)) - np.uint64(1)
        while found:
            j = first + lowest(found)
            term[count] = operation
            parameters[count] = parameter[j]
            values[count] = values[j]
            count += 1
            found &= found - np.uint64(1)
    return count


@leaf
def _take(
    own: np.ndarray,
    parameter: np.ndarray,
    column: np.ndarray,
    gain: np.ndarray,
    group: np.ndarray,
    z: np.ndarray | None,
    scale: float,
    operation: int,
    term: np.ndarray,
    parameters: np.ndarray,
    values: np.ndarray,
) -> int:
    """The same, without traces if `z` is None; the number of terms."""
    count, least = 0, _least(own)
    for j in range(own.shape[0]):
        common = 0.0 if z is None else gain[j] * z[group[j]]
        value = _present(scale, own[j], common, least)
        there = column[parameter[j]] >= 0
        own[j] = -common if there else value - common
        term[count] = operation
        parameters[count] = parameter[j]
        values[count] = value
        count += there and value != 0.0
    return count


@jit
def turn_own(mask: Mask, rows: Rows, traces: Traces, k: int, taken: bool) -> None:
    """R of what the row has not `taken`, through T in `rows.matrix[4]`."""
    start, own, kind, c = mask.own[k], rows.own, rows.own.dtype.type, traces.shared[k]
    first, factor, scale = mask.own_at[k] - start, rows.matrix[4, 0], rows.own_pending[k, 0]
    if not taken:
        size = mask.own[k + 1] - start
        _turn_all(
            own[mask.own_at[k] :][:size], traces.gain[start:][:size], traces.group[start:][:size],
            traces.z[c, 0], scale, factor,
        )  # fmt: skip
        rows.own_pending[k, 0] = 1.0
    elif rows.fresh_count[k] > 0:
        for j in range(start, mask.own[k + 1]):
            if rows.column[mask.own_parameter[j]] < 0:
                common = traces.gain[j] * traces.z[c, 0, traces.group[j]]
                value = _present(scale, own[first + j], common, _least(own))
                own[first + j] = kind(factor * value - common)
        rows.own_pending[k, 0] = 1.0


@leaf
def _turn_all(
    own: np.ndarray,
    gain: np.ndarray,
    group: np.ndarray,
    z: np.ndarray,
    scale: float,
    factor: float,
) -> None:
    """R <- T P - gain Z of a whole block."""
    least = _least(own)
    for j in range(own.shape[0]):
        common = gain[j] * z[group[j]]
        own[j] = own.dtype.type(factor * _present(scale, own[j], common, least) - common)


@inline
def _pass_resets(wires: Wires, mask: Mask, rows: Rows, traces: Traces, g: int) -> None:
    """R += (A - 1) gain delta in the units that are reset: what comes in this step comes before."""
    own, delta = rows.own, traces.delta[g]
    for e in range(wires.first[g], wires.first[g + 1]):
        k = wires.target[e]
        if rows.has_after[k] and wires.slot[e] >= 0 and traces.shared[k] >= 0:
            j = wires.slot[e]
            more = rows.after[k, 0] - 1.0
            own[mask.own_at[k] + j - mask.own[k]] += own.dtype.type(more * traces.gain[j] * delta)


@jit
def put_back(units: Units, mask: Mask, run: Run, rows: Rows, traces: Traces) -> None:
    """Own blocks are plain again; Z <- 0."""
    for k in range(units.population.shape[0]):
        c = traces.shared[k]
        if c < 0:
            continue
        catch_up_own(units, run, rows, k)
        start, size = mask.own[k], mask.own[k + 1] - mask.own[k]
        _settle(
            rows.own[mask.own_at[k] :][:size], traces.gain[start:][:size],
            traces.group[start:][:size], traces.z[c, 0], rows.own_pending[k, 0],
        )  # fmt: skip
        rows.own_pending[k, 0] = 1.0
        rows.counts[MULTIPLY_ADDS] += size
    traces.z[:, :, :] = 0


@leaf
def _settle(
    own: np.ndarray, gain: np.ndarray, group: np.ndarray, z: np.ndarray, scale: float
) -> None:
    """R <- P."""
    least = _least(own)
    for j in range(own.shape[0]):
        value = _present(scale, own[j], gain[j] * z[group[j]], least)
        own[j] = own.dtype.type(value)
