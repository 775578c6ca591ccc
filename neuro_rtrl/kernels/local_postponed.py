"""Local rules with plain descent after every step, which costs what events cost (postponed.py)."""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.descent import NEXT, STOPPED, Descent
from neuro_rtrl.kernels.filters import Filters, take, take_feedback
from neuro_rtrl.kernels.flush import flush
from neuro_rtrl.kernels.jit import inline, kernel
from neuro_rtrl.kernels.layout import (
    FINISHED,
    NOT_FINITE,
    NOT_LEARNED,
    RECORD_FULL,
    SEQUENCE,
    STEP,
    Mask,
    Rows,
    Run,
    Units,
    Wires,
)
from neuro_rtrl.kernels.local import hear_loss, step_of_local
from neuro_rtrl.kernels.postponed import (
    Postponed,
    bring_up_input,
    bring_up_needed,
    settle,
    show,
    take_up,
)
from neuro_rtrl.kernels.refs import ref
from neuro_rtrl.kernels.stream import Stream, all_finite, finite, record_room
from neuro_rtrl.kernels.traces import Traces


@kernel
def local_postponed(
    units: Units,
    wires: Wires,
    mask: Mask,
    run: Run,
    rows: Rows,
    filters: Filters,
    traces: Traces,
    stream: Stream,
    descent: Descent,
    postponed: Postponed,
    values: np.ndarray,
    replaced: np.ndarray,
    gradient: np.ndarray,
) -> int:
    """Run the stream with an update after each step; `gradient` <- that of the last one."""
    return _steps(
        ref(units), ref(wires), ref(mask), values, ref(run), ref(rows), ref(filters), ref(traces),
        ref(stream), ref(descent), ref(postponed), replaced, gradient,
    )  # fmt: skip


@inline
def _steps(
    units: Units,
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    filters: Filters,
    traces: Traces,
    stream: Stream,
    descent: Descent,
    postponed: Postponed,
    replaced: np.ndarray,
    gradient: np.ndarray,
) -> int:
    take_up(values, filters, postponed)
    take_feedback(wires, filters, values, replaced)
    while run.clock[STEP] - stream.offset[0] < stream.span[1]:
        if not record_room(stream, run):
            show(wires, values, filters, traces, postponed)
            return RECORD_FULL
        bring_up_needed(wires, values, filters, traces, postponed)
        bring_up_input(wires, values, run, filters, traces, postponed, stream)
        by = -descent.rate[descent.clock[NEXT]]
        if not step_of_local(
            units, wires, mask, values, run, rows, filters, traces, stream, postponed.base,
            postponed, by,
        ):  # fmt: skip
            break
        descent.clock[NEXT] += 1
    good = _close(units, mask, values, run, rows, filters, traces, stream, postponed, gradient)
    if good and not all_finite(run):
        return NOT_FINITE
    if not (good and finite(gradient)):
        descent.clock[STOPPED] = 1
        return NOT_LEARNED
    run.clock[SEQUENCE] += 1
    return FINISHED


@inline
def _close(
    units: Units,
    mask: Mask,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    filters: Filters,
    traces: Traces,
    stream: Stream,
    postponed: Postponed,
    gradient: np.ndarray,
) -> bool:
    """Values are as of now; `gradient` <- that of the last step, by the weights it had.

    False if values are not finite; then there is no gradient to blame.
    """
    for f in range(filters.d.shape[0]):
        for k in range(filters.sends.shape[1]):
            take(rows, filters, f, k)
    settle(values, filters, traces, postponed)
    gradient[:] = 0.0
    good = finite(values)
    if good:
        run.clock[STEP] -= 1  # readouts are as they were at its end
        hear_loss(units, mask, run, rows, filters, traces, stream, gradient, 1.0)
        run.clock[STEP] += 1
        flush(units, mask, rows, filters, traces, gradient)
    return good
