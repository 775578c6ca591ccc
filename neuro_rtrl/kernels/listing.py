"""What arrives within a window of steps: listed for its target, to be summed when that is live.

An arrival y goes to the own block of its target, or once for all targets to the trace of its
source (window_traces.py); a sensitivity is noted as (slot, w B) with the step in which it came. For
readouts, y is noted as well: their own parameters' gradient is taken at the window's end.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels.arrive import hear, hear_one
from neuro_rtrl.kernels.jit import inline, jit, leaf
from neuro_rtrl.kernels.layout import (
    ARRIVED,
    MULTIPLY_ADDS,
    STEP,
    Mask,
    Rows,
    Run,
    Units,
    Wires,
)
from neuro_rtrl.kernels.program import (
    CAME,
    FIRST_STEP,
    LINK,
    LISTED,
    SLOT,
    Program,
    listed,
    listed_direct,
)
from neuro_rtrl.kernels.traces import Traces


@inline
def receive_in_window(
    units: Units,
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    traces: Traces,
    program: Program,
) -> None:
    """All that arrives in this step: into own blocks (or traces) at once, the rest is listed."""
    total, step, target = rows.matrix[4], run.clock[STEP], wires.target
    for i in range(run.clock[ARRIVED]):
        event, group = run.arrived[0, i], run.arrived[1, i]
        y, slot = run.value[event], run.row[event]
        if program.plain[group]:
            _plainly(wires, values, rows, program, group, step, y, slot)
            continue
        own = 0.0 if traces.shares[group] else y
        low, last = wires.first[group], wires.first[group + 1]
        while low < last:
            k, high = target[low], low + 1
            while high < last and target[high] == k:
                high += 1
            d = units.d[units.population[k]]
            if d == 1:
                total[0] = hear_one(units, wires, mask, values, run, rows, group, low, high, own)
            else:
                hear(units, wires, mask, values, run, rows, group, low, high, own, total)
            if not program.keeps[k] and y != 0.0:
                for e in range(low, high):
                    if wires.slot[e] >= 0:
                        listed_direct(program, k, e, step, wires.variable[e], wires.gain[e] * y)
            if slot >= 0:
                listed(program, k, slot, step, d, total)
            low = high


@jit
def _plainly(
    wires: Wires,
    values: np.ndarray,
    rows: Rows,
    program: Program,
    group: int,
    step: int,
    y: float,
    slot: int,
) -> None:
    """The same through a group whose targets have one state, are never blind, and share traces."""
    low, last, target = wires.first[group], wires.first[group + 1], wires.target
    if slot >= 0:
        at, size = program.clock[LISTED], last - low
        _list_all(
            target[low:][:size], values[low:][:size], wires.gain[low:][:size],
            rows.has_after, rows.after, program.scale[slot],
            slot, step - program.clock[FIRST_STEP],
            at, program.head, program.arrival[at:], program.weight[at:],
        )  # fmt: skip
        program.clock[LISTED] += size
        rows.counts[MULTIPLY_ADDS] += size
    if y != 0.0:
        for e in range(low, last):
            if not program.keeps[target[e]] and wires.slot[e] >= 0:
                listed_direct(program, target[e], e, step, 0, wires.gain[e] * y)


@leaf
def _list_all(
    target: np.ndarray,
    weight: np.ndarray,
    gain: np.ndarray,
    has_after: np.ndarray,
    after: np.ndarray,
    scale: float,
    slot: int,
    steps: int,
    at: int,
    head: np.ndarray,
    arrival: np.ndarray,
    listed_weight: np.ndarray,
) -> None:
    """Slot `slot` times scale w B has arrived at each target."""
    for e in range(target.shape[0]):
        k = target[e]
        arrival[e, LINK] = head[k]
        arrival[e, SLOT] = slot
        arrival[e, CAME] = steps
        listed_weight[e, 0] = scale * (weight[e] * gain[e])
        if has_after[k]:
            listed_weight[e, 0] *= after[k, 0]
        head[k] = at + e
