"""Influence that moves into the storage of another wiring, while sequences go on.

First all that is pending is applied, as of the last step that was finished; then every entry of a
parameter that is still there is copied to its new block and column. What belonged to a synapse that
is gone is left behind, and what is new starts with nothing.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.catch_up import catch_up_own, catch_up_segment, settle_own
from neuro_rtrl.kernels.jit import inline, kernel
from neuro_rtrl.kernels.layout import STEP, Mask, Rows, Run, Units
from neuro_rtrl.kernels.refs import ref
from neuro_rtrl.kernels.rows import transform
from neuro_rtrl.kernels.small import identity


@kernel
def settle_rows(units: Units, mask: Mask, run: Run, rows: Rows) -> None:
    """Nothing is pending: what is stored is the row at the end of the last step."""
    run.clock[STEP] -= 1
    _settle(ref(units), ref(mask), ref(run), ref(rows))
    run.clock[STEP] += 1


@kernel
def catch_up_rows(units: Units, mask: Mask, run: Run, rows: Rows) -> None:
    """What is pending is that of the last step that was finished, with the flows as they are."""
    _catch_up(ref(units), ref(mask), ref(run), ref(rows))


@inline
def _catch_up(units: Units, mask: Mask, run: Run, rows: Rows) -> None:
    run.clock[STEP] -= 1
    for k in range(units.population.shape[0]):
        catch_up_own(units, run, rows, k)
        for s in range(mask.segment[k], mask.segment[k + 1]):
            catch_up_segment(units, run, rows, k, s)
    run.clock[STEP] += 1


@inline
def _settle(units: Units, mask: Mask, run: Run, rows: Rows) -> None:
    for k in range(units.population.shape[0]):
        settle_own(units, mask, run, rows, k)
        d = units.d[units.population[k]]
        for s in range(mask.segment[k], mask.segment[k + 1]):
            catch_up_segment(units, run, rows, k, s)
            if rows.length[s] > 0:
                b = mask.segment_block[s]
                stride = rows.capacity[b]
                first = rows.at_p[b] + mask.segment_row[s] * stride
                transform(
                    rows.P, first, stride, rows.length[s], d, rows.pending[s], rows.tile
                )  # fmt: skip
            identity(d, rows.pending[s])


@kernel
def move_rows(
    units: Units,
    mask: Mask,
    rows: Rows,
    new_mask: Mask,
    new: Rows,
    block: np.ndarray,
    column: np.ndarray,
    segment: np.ndarray,
) -> None:
    """Segments of all rows, from `rows` (nothing pending) into `new` (all of it zero).

    `block` and `column` say where each column of each old block goes, -1 if it goes nowhere;
    `segment` (new blocks,) is scratch that is -1 everywhere.
    """
    for k in range(units.population.shape[0]):
        d = units.d[units.population[k]]
        low, high = new_mask.segment[k], new_mask.segment[k + 1]
        for t in range(low, high):
            segment[new_mask.segment_block[t]] = t
        for s in range(mask.segment[k], mask.segment[k + 1]):
            b = mask.segment_block[s]
            first = rows.at_p[b] + mask.segment_row[s] * rows.capacity[b]
            for c in range(rows.length[s]):
                into = block[mask.column_at[b] + c]
                if into < 0 or segment[into] < 0:
                    continue
                t, stride = segment[into], new.capacity[into]
                at = new.at_p[into] + new_mask.segment_row[t] * stride
                at += column[mask.column_at[b] + c]
                for v in range(d):
                    new.P[at + v * stride] = rows.P[first + v * rows.capacity[b] + c]
                new.length[t] = new.live[into]
                new.born[t] = max(new.born[t], rows.born[s])
        for t in range(low, high):
            segment[new_mask.segment_block[t]] = -1


@kernel
def move_events(
    mask: Mask,
    rows: Rows,
    new: Rows,
    used: np.ndarray,
    block: np.ndarray,
    column: np.ndarray,
) -> None:
    """The sensitivities under way, of the event rows that are `used`."""
    width = rows.at_q[rows.at_q.shape[0] - 1]
    new_width = new.at_q[new.at_q.shape[0] - 1]
    for r in range(used.shape[0]):
        if not used[r]:
            continue
        for b in range(mask.columns.shape[0]):
            for c in range(rows.q_length[r, b]):
                into = block[mask.column_at[b] + c]
                if into < 0:
                    continue
                at = r * new_width + new.at_q[into] + column[mask.column_at[b] + c]
                new.Q[at] = rows.Q[r * width + rows.at_q[b] + c]
                new.q_length[r, into] = new.live[into]
