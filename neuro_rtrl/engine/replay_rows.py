"""The influence matrix from rows into shards and back (engine/replay.py).

Rows keep the columns of each block apart; shards have all of them in one numbering. While influence
is in shards, `Rows.column` and `Rows.parameter` have that numbering and `Rows.live[0]` its length.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.replay import CHUNK, Replay
from neuro_rtrl.engine.row_parts import segment
from neuro_rtrl.engine.storage import grow_columns, grow_events, make_rows
from neuro_rtrl.engine.transplant import unit_of
from neuro_rtrl.kernels.layout import DONE, ENTRIES_NOW, STEP, Mask, Rows, Run
from neuro_rtrl.kernels.transplant import settle_rows

_STORED = ("P", "Q", "at_p", "capacity", "at_q", "gathered", "q_length", "q_free", "q_count")


def into_shards(built: Built, mask: Mask, run: Run, rows: Rows, replay: Replay) -> Rows:
    """All influence goes to `replay`; the rows that are left hold nothing but own blocks."""
    settle_rows(built.units, mask, run, rows)
    events = under_way(run)
    numbers = [rows.parameter[mask.column_at[b] :][:live] for b, live in enumerate(rows.live)]
    starts = np.concatenate([[0], np.cumsum(rows.live)])
    replay.restart()
    replay.make_room(int(starts[-1]), len(events))
    dense = np.zeros((replay.tall, replay.used * replay.width), rows.P.dtype)
    for k in range(built.plan.n):
        d, at = int(built.units.d[built.units.population[k]]), int(replay.row[k])
        for s in range(mask.segment[k], mask.segment[k + 1]):
            if rows.length[s]:
                b = int(mask.segment_block[s])
                part = segment(mask, rows, s, d)[:, : rows.length[s]]
                dense[at : at + d, starts[b] : starts[b] + rows.length[s]] = part
                replay.filled[k] = 1
    for i, event in enumerate(events):
        wide = rows.Q[run.row[event] * rows.at_q[-1] :]
        for b, length in enumerate(rows.q_length[run.row[event]]):
            part = wide[rows.at_q[b] : rows.at_q[b] + length]
            dense[replay.rows + 1 + i, starts[b] : starts[b] + length] = part
        run.row[event] = i
    replay.carried, replay.active = len(events), True
    rows.parameter[: starts[-1]] = np.concatenate(numbers)
    rows.column[rows.parameter[: starts[-1]]] = np.arange(starts[-1])
    rows.live[:] = 0
    rows.live[0] = starts[-1]
    rows.length[:] = 0
    _scatter(replay, dense)
    small = make_rows(built, mask, str(rows.P.dtype))
    return rows._replace(**{name: getattr(small, name) for name in _STORED})


def into_rows(built: Built, mask: Mask, run: Run, rows: Rows, replay: Replay) -> Rows:
    """All influence goes back to rows, and to own blocks where a unit has no segment of its own."""
    settle_rows(built.units, mask, run, rows)
    live = int(rows.live[0])
    dense, place = _gather(replay)[:, :live], rows.column.copy()
    parameter = rows.parameter[:live].copy()
    block = mask.block[unit_of(built)[parameter]]
    wanted = np.bincount(block, minlength=mask.columns.size)
    rows.live[:] = 0
    rows = grow_columns(built, mask, rows, wanted)
    rows.live[:] = wanted
    chosen = [np.flatnonzero(block == b) for b in range(mask.columns.size)]
    for b, columns in enumerate(chosen):
        rows.parameter[mask.column_at[b] : mask.column_at[b] + columns.size] = parameter[columns]
        rows.column[parameter[columns]] = np.arange(columns.size)
    entries = 0
    for k in np.flatnonzero(replay.filled).tolist():
        d = int(built.units.d[built.units.population[k]])
        row = dense[replay.row[k] : replay.row[k] + d]
        entries += _to_segments(mask, rows, run, k, row, chosen)
        if not _has_own_segment(mask, k):
            _to_own(mask, rows, k, row, place)
    rows.counts[ENTRIES_NOW] = entries
    rows = _to_events(mask, run, rows, dense[replay.rows + 1 :], chosen)
    replay.restart()
    replay.active = False
    return rows


def under_way(run: Run) -> list[int]:
    """Events with a sensitivity, in the order in which kernels number them."""
    found = []
    for event in run.head.tolist():
        while event >= 0:
            if run.row[event] >= 0:
                found.append(event)
            event = int(run.link[event])
    return found


def _to_segments(
    mask: Mask, rows: Rows, run: Run, k: int, row: np.ndarray, chosen: list[np.ndarray]
) -> int:
    """The row of unit k (d, columns), and how many entries it has."""
    entries = 0
    for s in range(mask.segment[k], mask.segment[k + 1]):
        columns = chosen[int(mask.segment_block[s])]
        segment(mask, rows, s, len(row))[:, : columns.size] = row[:, columns]
        rows.length[s] = columns.size
        rows.at[s] = run.clock[STEP] - 1
        rows.pending[s] = 0.0
        rows.pending[s, : len(row) ** 2] = np.eye(len(row)).ravel()
        entries += columns.size * len(row)
    return entries


def _has_own_segment(mask: Mask, k: int) -> bool:
    own = mask.segment_block[mask.segment[k] : mask.segment[k + 1]]
    return bool((own == mask.block[k]).any())


def _to_own(mask: Mask, rows: Rows, k: int, row: np.ndarray, place: np.ndarray) -> None:
    """What only the unit itself has brought (columns at `place`); settled as the row is."""
    own = slice(int(mask.own[k]), int(mask.own[k + 1]))
    size, at = own.stop - own.start, int(mask.own_at[k])
    column = place[mask.own_parameter[own]]
    stored = rows.own[at : at + len(row) * size].reshape(len(row), size)
    stored[:, column >= 0] += row[:, column[column >= 0]]


def _to_events(
    mask: Mask, run: Run, rows: Rows, dense: np.ndarray, chosen: list[np.ndarray]
) -> Rows:
    run.row[run.done[: run.clock[DONE]]] = -1  # they have no event row to be given back
    events = under_way(run)
    if len(events) > rows.q_count[0]:
        rows = grow_events(rows, len(events))
    width = int(rows.at_q[-1])
    for i, event in enumerate(events):
        rows.q_count[0] -= 1
        row = int(rows.q_free[rows.q_count[0]])
        run.row[event] = row
        rows.q_length[row] = 0
        source = int(run.source[event])
        for b in mask.carried_block[mask.carried[source] : mask.carried[source + 1]].tolist():
            at = row * width + int(rows.at_q[b])
            rows.Q[at : at + chosen[b].size] = dense[i, chosen[b]]
            rows.q_length[row, b] = chosen[b].size
    return rows


def _gather(replay: Replay) -> np.ndarray:
    """(rows of the base, columns) all shards side by side."""
    parts = [base.transpose(1, 0, 2).reshape(base.shape[1], -1) for base in replay.base]
    return np.concatenate([np.zeros((replay.tall, 0)), *parts], axis=1)


def _scatter(replay: Replay, dense: np.ndarray) -> None:
    for shard in range(replay.used):
        part = dense[:, shard * replay.width : (shard + 1) * replay.width]
        replay.base[shard // CHUNK][shard % CHUNK] = part
