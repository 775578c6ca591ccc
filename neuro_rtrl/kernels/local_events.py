"""Events under local rules: what arrives in own blocks, what units send, what their spikes reset
(see kernels/local.py)."""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels import forward, influence
from neuro_rtrl.kernels.arrive import hear, hear_one
from neuro_rtrl.kernels.columns import is_sensitive
from neuro_rtrl.kernels.filters import Filters, enter, is_heard, own_part, theta_part
from neuro_rtrl.kernels.jit import jit
from neuro_rtrl.kernels.layout import FIRED, LIVE, Mask, Rows, Run, Units, Wires
from neuro_rtrl.kernels.loops import return_to_itself
from neuro_rtrl.kernels.pulse import is_plain, pulse
from neuro_rtrl.kernels.queue import new_event, schedule
from neuro_rtrl.kernels.traces import Traces, respond


@jit
def receive_own(
    units: Units,
    wires: Wires,
    mask: Mask,
    run: Run,
    rows: Rows,
    entries: np.ndarray,
    count: int,
) -> None:
    """Immediate arrivals only: what the groups in `entries` (2, count) bring to own blocks."""
    total = rows.matrix[4]
    for i in range(count):
        event, group = entries[0, i], entries[1, i]
        y = run.value[event]
        for e in range(wires.first[group], wires.first[group + 1]):
            if units.d[units.population[wires.target[e]]] == 1:
                hear_one(units, wires, mask, wires.gain, run, rows, group, e, e + 1, y)
            else:
                hear(units, wires, mask, wires.gain, run, rows, group, e, e + 1, y, total)


@jit
def send(wires: Wires, run: Run) -> None:
    """Events of units that spike (or emit at every step)."""
    for i in range(run.clock[FIRED]):
        k = run.fired[i]
        if run.y[k] != 0.0 and wires.group[k] < wires.group[k + 1]:
            schedule(wires, run, new_event(run, k, run.y[k], -1, wires.group[k]))


@jit
def emit_own(
    units: Units,
    wires: Wires,
    mask: Mask,
    values: np.ndarray,
    run: Run,
    rows: Rows,
    filters: Filters,
    traces: Traces,
) -> None:
    """Sensitivities of live units go behind the filters; then states and influence are reset."""
    for i in range(run.clock[LIVE]):
        k = run.live[i]
        p = units.population[k]
        start = units.at_h[p] + (k - units.first[p]) * units.d[p]
        slope = run.dy[start : start + units.d[p]]
        sensitive = is_sensitive(units, run, k)
        loops = sensitive and filters.loop[k] >= 0
        sends = sensitive and is_heard(filters, k)
        if sends or loops:
            theta_part(units, mask, run, rows, filters, k, slope)
        if traces.shared[k] >= 0:
            rows.has_after[k] = 0
            moves = influence.turns(units, run, k)
            if moves:
                influence.turn(units, values, run, rows, k)
            if sends and is_plain(units, filters, traces, k):
                pulse(units, mask, run, rows, filters, traces, k, slope[0], moves)
                sends = False
            elif sends or loops or moves:
                respond(units, mask, run, rows, traces, k, slope, filters.q, moves)
            if run.s[k] and moves:
                forward.apply_reset(units, run, k)
        else:
            if sends or loops:
                own_part(units, mask, run, rows, filters, k, slope)
            influence.reset_event(units, mask, values, run, rows, None, k)
        if loops:
            return_to_itself(units, wires, mask, values, run, rows, filters, k)
        if sends:
            for f in range(filters.d.shape[0]):
                if filters.sends[f, k]:
                    enter(rows, filters, f, k)
