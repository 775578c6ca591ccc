"""One step of a network with tangents, in three calls; between them a rule adds what is immediate.

    to_threshold  inject, Jacobians, update, threshold test;     V <- D V + collected arrivals
    to_events     events leave, with their sensitivities         sigma = dy/dh . V
    to_end        arrivals, reset, predictions, loss             V <- reset, arrivals

Influence rows go along on whatever entries `mask` holds (those of readouts at least), and their
share of the gradient is added in `to_end`.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels import forward, influence
from neuro_rtrl.kernels.arrive import receive
from neuro_rtrl.kernels.begin import open_step
from neuro_rtrl.kernels.catch_up import advance_pending
from neuro_rtrl.kernels.columns import wanted_columns
from neuro_rtrl.kernels.emit import emit_events, free_rows
from neuro_rtrl.kernels.gather import scatter
from neuro_rtrl.kernels.jit import inline, kernel
from neuro_rtrl.kernels.layout import (
    ARRIVED,
    DEFERRED,
    DONE,
    FINISHED,
    FREE,
    NEED_COLUMNS,
    NEED_EVENT_ROWS,
    STEP,
    Mask,
    Rows,
    Run,
    Units,
    Wires,
)
from neuro_rtrl.kernels.refs import ref
from neuro_rtrl.kernels.rtrl import learn
from neuro_rtrl.kernels.stream import Stream, predict, record_spikes
from neuro_rtrl.kernels.tangent import (
    ENTRIES,
    TERM_ENTRIES,
    TERMS,
    Tangents,
    carry_arrivals,
    carry_emission,
    carry_reset,
    carry_update,
    release,
)


@inline
def _nothing_yet(tangents: Tangents) -> None:
    tangents.counts[ENTRIES] = 0
    tangents.counts[TERMS] = 0
    tangents.counts[TERM_ENTRIES] = 0


@kernel
def to_threshold(
    units: Units,
    wires: Wires,
    mask: Mask,
    run: Run,
    rows: Rows,
    stream: Stream,
    tangents: Tangents,
    values: np.ndarray,
) -> None:
    """The step up to the threshold test; immediate: collected arrivals, dPhi/dtheta."""
    _to_threshold(
        ref(units), ref(wires), ref(mask), values, ref(run), ref(rows), ref(stream), ref(tangents)
    )


@inline
def _to_threshold(
    units: Units,
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    stream: Stream,
    tangents: Tangents,
) -> None:
    _nothing_yet(tangents)
    open_step(units, wires, values, run, stream)
    forward.jacobians(units, values, run)
    forward.update(units, values, run)
    carry_update(units, run, rows, tangents)
    carry_arrivals(units, wires, values, run, rows, tangents, run.deferred, run.clock[DEFERRED])
    advance_pending(units, mask, run, rows)
    influence.advance_theta(units, run, rows)
    receive(units, wires, mask, values, run, rows, None, run.deferred, run.clock[DEFERRED])
    run.clock[DEFERRED] = 0
    for i in range(run.clock[DONE]):
        release(tangents, run.done[i])
    forward.test_events(units, values, run)


@kernel
def to_events(
    units: Units,
    wires: Wires,
    mask: Mask,
    run: Run,
    rows: Rows,
    stream: Stream,
    tangents: Tangents,
    wanted: np.ndarray,
) -> int:
    """Events leave; immediate: dy/dtheta. Before anything is changed it may ask for more room."""
    return _to_events(
        ref(units), ref(wires), ref(mask), ref(run), ref(rows), ref(stream), ref(tangents), wanted
    )


@inline
def _to_events(
    units: Units,
    wires: Wires,
    mask: Mask,
    run: Run,
    rows: Rows,
    stream: Stream,
    tangents: Tangents,
    wanted: np.ndarray,
) -> int:
    free_rows(run, rows, run.clock[DONE])
    forward.release_done(run)
    needed, small = wanted_columns(units, mask, run, rows, wanted)
    if small:
        return NEED_COLUMNS
    if needed > rows.q_count[0]:
        return NEED_EVENT_ROWS
    _nothing_yet(tangents)
    forward.mark_spikes(units, run)
    record_spikes(stream, run)
    top = run.clock[FREE]
    emit_events(units, wires, mask, run, rows, None)
    carry_emission(units, wires, run, rows, tangents, top)
    return FINISHED


@kernel
def to_end(
    units: Units,
    wires: Wires,
    mask: Mask,
    run: Run,
    rows: Rows,
    stream: Stream,
    tangents: Tangents,
    values: np.ndarray,
    gradient: np.ndarray,
) -> None:
    """Arrivals, reset, loss and the rows' share of its gradient; immediate: arrivals, reset."""
    _to_end(
        ref(units), ref(wires), ref(mask), values, ref(run), ref(rows), ref(stream),
        ref(tangents), gradient,
    )  # fmt: skip


@inline
def _to_end(
    units: Units,
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    stream: Stream,
    tangents: Tangents,
    gradient: np.ndarray,
) -> None:
    _nothing_yet(tangents)
    forward.deliver(units, wires, values, run)
    carry_reset(units, values, run, rows, tangents)
    influence.reset_events(units, mask, values, run, rows, None)
    carry_arrivals(units, wires, values, run, rows, tangents, run.arrived, run.clock[ARRIVED])
    receive(units, wires, mask, values, run, rows, None, run.arrived, run.clock[ARRIVED])
    run.clock[ARRIVED] = 0
    for i in range(run.clock[DONE]):
        event = run.done[i]
        if not wires.collects[wires.group[run.source[event] + 1] - 1]:
            release(tangents, event)
    predict(units, stream, run)
    learn(units, mask, run, rows, None, stream, gradient)
    influence.close_step(units, run, rows)
    forward.remember_spikes(run)
    run.clock[STEP] += 1


@kernel
def settle(mask: Mask, rows: Rows, gradient: np.ndarray) -> None:
    """What the rows gathered goes to `gradient`."""
    scatter(ref(mask), ref(rows), gradient)
