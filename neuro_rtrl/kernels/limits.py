"""What approximating rules do on top of the recursion of the rows: drop, bound, draw, factorise.

Depth. Influence in a segment has crossed some number of synapses, each with a live event (psi not
zero); arrivals that would have crossed more than allowed are dropped, unless the entry is kept
anyway because a shorter live path has led there.

Certificate. If every contribution below a tolerance is dropped, the error of a row is carried by
the same recursion as the row, so its 2-norm is bounded by the recursion with absolute values:

    E_k <- |D_k| E_k;   epsilon_l = |dy/dh| E_l;   E_k += |w B| epsilon_l + norm of what is dropped

and that of the gradient by sum_o |dL/dy_o| E_o.

Paths. Each step draws the units that indirect influence may reach.

The exact rule passes None for `limits`: then Numba leaves all of this out.

Rank one. A trace is replaced by the product of a filtered event and a filtered entry vector.
"""

from __future__ import annotations

import math

import numpy as np

from neuro_rtrl.kernels.chance import draw
from neuro_rtrl.kernels.jit import inline, jit
from neuro_rtrl.kernels.layout import (
    CERTIFIED,
    DEPTH,
    PATHS,
    RANK_ONE,
    STEP,
    Limits,
    Mask,
    Rows,
    Run,
    Units,
    Wires,
)
from neuro_rtrl.kernels.small import identity

FAR = 1 << 40


@jit
def accepts(limits: Limits | None, k: int) -> bool:
    """Whether indirect influence reaches unit k in this step."""
    if limits is None:
        return True
    return limits.accept[k] != 0


@jit
def within_depth(units: Units, mask: Mask, rows: Rows, limits: Limits, k: int, s: int) -> bool:
    """Whether arrivals may enter segment s of unit k; notes the shortest way by which they came.

    A way on which nothing but zeros has come is none.
    """
    b = mask.segment_block[s]
    if b == mask.block[k]:
        return True
    depth, pair = FAR, rows.pair_head[k]
    while pair >= 0:
        row = rows.pair_row[pair]
        if rows.q_length[row, b] > 0:
            depth = min(depth, limits.q_depth[row, b] + 1)
        pair = rows.pair_next[pair]
    if depth > limits.depth[s] and _holds_something(units, mask, rows, k, s):
        depth = limits.depth[s]
    if depth > limits.switch[DEPTH] and not limits.whole[k]:
        return False
    limits.depth[s] = depth
    return True


@jit
def _holds_something(units: Units, mask: Mask, rows: Rows, k: int, s: int) -> bool:
    """Whether pending times segment s of unit k has an entry that is not zero."""
    d, stride = units.d[units.population[k]], rows.capacity[mask.segment_block[s]]
    first = rows.at_p[mask.segment_block[s]] + mask.segment_row[s] * stride
    for c in range(first, first + rows.length[s]):
        for v in range(d):
            entry = 0.0
            for u in range(d):
                entry += rows.pending[s, v * d + u] * rows.P[c + u * stride]
            if entry != 0.0:
                return True
    return False


@jit
def negligible(units: Units, rows: Rows, limits: Limits | None, k: int, b: int, pair: int) -> bool:
    """Whether a contribution is below the tolerance; if so it is noted as an error."""
    if limits is None:
        return False
    if limits.switch[CERTIFIED] == 0:
        return False
    d = units.d[units.population[k]]
    total = 0.0
    for v in range(d):
        total += rows.pair_factor[pair, v] ** 2
    norm = limits.q_norm[rows.pair_row[pair], b]
    if math.sqrt(total) * norm >= limits.tolerance[0]:
        return False
    for v in range(d):
        limits.error[k, v] += abs(rows.pair_factor[pair, v]) * norm
    return True


@jit
def hear_errors(units: Units, rows: Rows, limits: Limits, k: int) -> None:
    """E_k += |w B| epsilon of all that arrives."""
    pair = rows.pair_head[k]
    while pair >= 0:
        for v in range(units.d[units.population[k]]):
            error = limits.q_error[rows.pair_row[pair]]
            limits.error[k, v] += abs(rows.pair_factor[pair, v]) * error
        pair = rows.pair_next[pair]


@inline
def begin_step(units: Units, run: Run, rows: Rows, limits: Limits) -> None:
    """After the update: E <- |D| E; factors decay; the paths of this step are drawn."""
    if limits.switch[PATHS] >= 0:
        _draw_paths(limits)
    if limits.switch[CERTIFIED] == 0 and limits.switch[RANK_ONE] == 0:
        return
    for g in range(limits.heard.shape[0]):
        limits.heard[g] *= limits.decay[0]
    for k in range(units.population.shape[0]):
        p = units.population[k]
        d, i = units.d[p], k - units.first[p]
        at = units.at_dd[p] + i * d * d
        local = run.D[at : at + d * d]
        if units.constant[p]:
            held = units.refractory[p] and run.held[k]
            local = units.held_d[at : at + d * d] if held else units.flow_d[at : at + d * d]
        pass_on(units, rows, limits, k, local)
        if limits.switch[RANK_ONE]:
            _filter_inputs(units, run, limits, k)


@jit
def pass_on(units: Units, rows: Rows, limits: Limits, k: int, local: np.ndarray) -> None:
    """E_k <- |local| E_k, and local factors <- local (factors)."""
    d, work = units.d[units.population[k]], rows.matrix[3]
    if limits.switch[CERTIFIED]:
        for v in range(d):
            work[v] = 0.0
            for u in range(d):
                work[v] += abs(local[v * d + u]) * limits.error[k, u]
        for v in range(d):
            limits.error[k, v] = work[v]
    if limits.switch[RANK_ONE]:
        for j in range(limits.slot[k], limits.slot[k + 1]):
            for v in range(d):
                work[v] = 0.0
                for u in range(d):
                    work[v] += local[v * d + u] * limits.local[j, u]
            for v in range(d):
                limits.local[j, v] = work[v]


@inline
def _filter_inputs(units: Units, run: Run, limits: Limits, k: int) -> None:
    """local <- a local + (1 - a) F for the inputs of a map model; a local for entries to states."""
    p = units.population[k]
    d, n, decay = units.d[p], units.inputs[p], limits.decay[0]
    at = units.at_df[p] + (k - units.first[p]) * d * n
    for j in range(limits.slot[k], limits.slot[k + 1]):
        variable = j - limits.slot[k] - d
        for v in range(d):
            limits.local[j, v] *= decay
            if variable >= 0:
                limits.local[j, v] += (1.0 - decay) * run.F[at + v * n + variable]


@inline
def filter_states(units: Units, run: Run, rows: Rows, limits: Limits) -> None:
    """local += (1 - a) B for entries to states, B through the reset of this step."""
    for k in range(units.population.shape[0]):
        p = units.population[k]
        d = units.d[p]
        for variable in range(d):
            if run.held[k] and units.blind[p, variable]:
                continue
            for v in range(d):
                entry = 1.0 if v == variable else 0.0
                if rows.has_after[k]:
                    entry = rows.after[k, v * d + variable]
                limits.local[limits.slot[k] + variable, v] += (1.0 - limits.decay[0]) * entry


@jit
def factorised(
    units: Units, wires: Wires, mask: Mask, run: Run, rows: Rows, limits: Limits, k: int
) -> None:
    """Own block of unit k <- (local factor) (presynaptic factor)."""
    d, size = units.d[units.population[k]], mask.own[k + 1] - mask.own[k]
    for j in range(size):
        e = mask.own_parameter[mask.own[k] + j]
        group = limits.group[e]
        place = limits.slot[k] + wires.variable[e] + (d if wires.collects[group] else 0)
        for v in range(d):
            value = wires.gain[e] * limits.local[place, v] * limits.heard[group]
            rows.own[mask.own_at[k] + v * size + j] = rows.own.dtype.type(value)
    identity(d, rows.own_pending[k])
    rows.own_step[k] = run.clock[STEP]


@jit
def measure(
    units: Units, mask: Mask, run: Run, rows: Rows, limits: Limits, k: int, row: int
) -> None:
    """Depth and 2-norm of each block of a sensitivity, and the bound of its error."""
    if limits.switch[DEPTH] >= 0:
        s = mask.segment[k]
        for i in range(mask.carried[k], mask.carried[k + 1]):
            b = mask.carried_block[i]
            if s < mask.segment[k + 1] and mask.segment_block[s] == b:
                limits.q_depth[row, b] = limits.depth[s]
                s += 1
            if b == mask.block[k]:
                limits.q_depth[row, b] = 0
            at = event_block(rows, row, b)
            if not rows.Q[at : at + rows.q_length[row, b]].any():
                rows.q_length[row, b] = 0
    if limits.switch[CERTIFIED]:
        _emit_error(units, run, limits, k, row)
        for i in range(mask.carried[k], mask.carried[k + 1]):
            _drop_small(rows, limits, row, mask.carried_block[i])


@jit
def _emit_error(units: Units, run: Run, limits: Limits, k: int, row: int) -> None:
    """epsilon = |dy/dh| E_k."""
    p = units.population[k]
    d = units.d[p]
    start = units.at_h[p] + (k - units.first[p]) * d
    limits.q_error[row] = 0.0
    for v in range(d):
        limits.q_error[row] += abs(run.dy[start + v]) * limits.error[k, v]


@inline
def event_block(rows: Rows, row: int, b: int) -> int:
    """Where block b of row `row` of Q begins."""
    return row * rows.at_q[rows.at_q.shape[0] - 1] + rows.at_q[b]


@jit
def _drop_small(rows: Rows, limits: Limits, row: int, b: int) -> None:
    """2-norm of a block of a sensitivity; below the tolerance it is dropped at once."""
    at, total = event_block(rows, row, b), 0.0
    for c in range(at, at + rows.q_length[row, b]):
        total += float(rows.Q[c]) ** 2
    limits.q_norm[row, b] = math.sqrt(total)
    if limits.q_norm[row, b] < limits.tolerance[0]:
        limits.q_error[row] += limits.q_norm[row, b]
        rows.q_length[row, b] = 0


@jit
def _draw_paths(limits: Limits) -> None:
    """The first units of `shuffled` <- a random choice; only these (and readouts) accept."""
    size, chosen = limits.shuffled.shape[0], limits.switch[PATHS]
    for i in range(size):
        limits.accept[limits.shuffled[i]] = 0
    for i in range(min(chosen, size)):
        j = i + draw(limits.random) % (size - i)
        swapped = limits.shuffled[i]
        limits.shuffled[i] = limits.shuffled[j]
        limits.shuffled[j] = swapped
        limits.accept[limits.shuffled[i]] = 1


@inline
def restart_limits(limits: Limits) -> None:
    """Nothing dropped yet."""
    limits.error[:, :] = 0.0
    limits.heard[:] = 0.0
    limits.local[:, :] = 0.0
