"""Storage of the influence matrix: made small, grown when a kernel asks for it.

A block of columns starts with room for a few and doubles; the pool of event rows likewise. So
memory follows what is in use, never units x parameters.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.kernels import layout
from neuro_rtrl.kernels.entry import start_rows
from neuro_rtrl.kernels.layout import Mask, Rows

FIRST_COLUMNS, FIRST_EVENT_ROWS, TILE = 64, 16, 512
MOST_GROWING = 16  # blocks


def make_rows(built: Built, mask: Mask, precision: str) -> Rows:
    """Fresh influence storage of one lane."""
    n, wide = built.plan.n, built.widest**2
    blocks, segments = mask.columns.size, mask.segment_block.size
    # Many small blocks would ask for room one after the other, and each time all of it is copied.
    few = blocks <= MOST_GROWING
    capacity = np.minimum(mask.columns, FIRST_COLUMNS) if few else mask.columns.copy()
    at_p, at_q = _offsets(built, mask, capacity)
    rows = Rows(
        counts=_whole(layout.COUNTS),
        P=np.zeros(_size_p(built, mask, capacity), precision),
        at_p=at_p,
        capacity=capacity,
        at_q=at_q,
        live=_whole(blocks),
        column=np.full(built.values.size, -1, np.int64),
        parameter=_whole(int(mask.columns.sum())),
        length=_whole(segments),
        at=_whole(segments),
        pending=np.zeros((segments, wide)),
        own=np.zeros(int(mask.own_at[-1]), precision),
        own_step=_whole(n),
        own_pending=np.zeros((n, wide)),
        settled=_whole(n),
        **_openings(mask, n),
        keep=np.full(segments, -1),
        born=_whole(segments),
        theta=np.zeros(int((built.units.size * built.units.d * built.units.m).sum())),
        after=np.zeros((n, wide)),
        has_after=np.zeros(n, np.uint8),
        gathered=np.zeros(int(at_q[-1]), precision),
        **_event_rows(int(at_q[-1]), blocks, precision),
        **_arrivals(built),
        **_scratch(built, precision),
    )
    start_rows(built.units, mask, rows)
    return rows


def _openings(mask: Mask, n: int) -> dict[str, np.ndarray]:
    """Which own parameters have come alive, and which of them wait for a column."""
    return {
        "alive": np.zeros(mask.own_parameter.size, np.uint8),
        "fresh": _whole(mask.own_parameter.size),
        "fresh_count": _whole(n),
        "theta_open": np.zeros(n, np.uint8),
    }


def _event_rows(width: int, blocks: int, precision: str) -> dict[str, np.ndarray]:
    """Sensitivities under way."""
    return {
        "Q": np.zeros(FIRST_EVENT_ROWS * width, precision),
        "q_length": _whole(FIRST_EVENT_ROWS, blocks),
        "q_free": np.arange(FIRST_EVENT_ROWS),
        "q_count": np.array([FIRST_EVENT_ROWS]),
    }


def _arrivals(built: Built) -> dict[str, np.ndarray]:
    """Lists of the sensitivities that arrive in one step: at most one for each synapse."""
    n = built.plan.n
    pairs = int((built.plan.wiring.source < n).sum()) + 1
    return {
        "pair_row": _whole(pairs),
        "pair_next": _whole(pairs),
        "pair_factor": np.zeros((pairs, built.widest)),
        "pair_head": np.full(n, -1, np.int64),
        "pair_tail": _whole(n),
        "touched": _whole(n),
    }


def _scratch(built: Built, precision: str) -> dict[str, np.ndarray]:
    # Each synapse brings at most one event a step, so a unit hears at most its fan-in.
    most = int(np.bincount(built.wires.target, minlength=1).max()) + built.widest
    return {
        "sources": _whole(3 * most + 8),
        "factors": np.zeros(most + 8, precision),
        "tile": np.zeros((built.widest, TILE), precision),
        "matrix": np.zeros((6, built.widest**2)),
    }


def _whole(*shape: int) -> np.ndarray:
    return np.zeros(shape, dtype=np.int64)


def _block_rows(built: Built, mask: Mask) -> np.ndarray:
    """(B,) rows of storage of each block: the states of all units that it reaches."""
    d = built.units.d[built.units.population]
    counts = np.repeat(d, np.diff(mask.segment))
    made = np.bincount(mask.segment_block, weights=counts, minlength=mask.columns.size)
    return made.astype(np.int64)


def _offsets(built: Built, mask: Mask, capacity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sizes = _block_rows(built, mask) * capacity
    at_q = np.concatenate([[0], np.cumsum(capacity)]).astype(np.int64)
    return np.cumsum(sizes) - sizes, at_q


def _size_p(built: Built, mask: Mask, capacity: np.ndarray) -> int:
    return int((_block_rows(built, mask) * capacity).sum())


def grow_columns(built: Built, mask: Mask, rows: Rows, wanted: np.ndarray) -> Rows:
    """Room for `wanted` (B,) more columns; blocks that are too small at least double."""
    need = rows.live + wanted
    larger = np.minimum(np.maximum(2 * rows.capacity, need), mask.columns)
    capacity = np.where(need > rows.capacity, larger, rows.capacity)
    at_p, at_q = _offsets(built, mask, capacity)
    block_rows = _block_rows(built, mask)
    P = np.zeros(_size_p(built, mask, capacity), rows.P.dtype)
    events = rows.q_free.size
    Q = np.zeros((events, int(at_q[-1])), rows.Q.dtype)
    old_q = rows.Q.reshape(events, -1)
    gathered = np.zeros(int(at_q[-1]), rows.P.dtype)
    for b, live in enumerate(rows.live):
        count, old, new = block_rows[b], rows.capacity[b], capacity[b]
        before = rows.P[rows.at_p[b] : rows.at_p[b] + count * old].reshape(count, old)
        P[at_p[b] : at_p[b] + count * new].reshape(count, new)[:, :live] = before[:, :live]
        Q[:, at_q[b] : at_q[b] + live] = old_q[:, rows.at_q[b] : rows.at_q[b] + live]
        gathered[at_q[b] : at_q[b] + live] = rows.gathered[rows.at_q[b] : rows.at_q[b] + live]
    return rows._replace(
        P=P, Q=Q.ravel(), at_p=at_p, at_q=at_q, capacity=capacity, gathered=gathered
    )


def grow_events(rows: Rows, needed: int) -> Rows:
    """Room for `needed` sensitivities to leave in one step."""
    events = rows.q_free.size
    total = max(2 * events, events + needed)
    Q = np.zeros(total * int(rows.at_q[-1]), rows.Q.dtype)
    Q[: rows.Q.size] = rows.Q
    q_length = np.zeros((total, rows.q_length.shape[1]), np.int64)
    q_length[:events] = rows.q_length
    free = np.zeros(total, np.int64)
    fresh, left = total - events, int(rows.q_count[0])
    free[:fresh] = np.arange(total - 1, events - 1, -1)
    free[fresh : fresh + left] = rows.q_free[:left]
    return rows._replace(Q=Q, q_length=q_length, q_free=free, q_count=np.array([fresh + left]))


def most_of(built: Built, mask: Mask, precision: str) -> int:
    """Bytes of the influence matrix of one lane with all columns that may ever be used."""
    size = np.dtype(precision).itemsize
    entries = _size_p(built, mask, mask.columns) + int(mask.own_at[-1])
    return entries * size + mask.segment_block.size * 8 * (4 + built.widest**2)


def storage_bytes(rows: Rows) -> int:
    """Bytes of all arrays that hold influence."""
    return sum(x.nbytes for x in (rows.P, rows.Q, rows.own, rows.theta, rows.gathered))
