"""The beginning of a step, up to the update: external input, chance, and refractoriness.

A unit with a refractory period is refractory for so many steps after its spike; one with a
condition for as long as the condition holds, looked at before each update (Brian2's order).
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels import forward
from neuro_rtrl.kernels.chance import normal, uniform
from neuro_rtrl.kernels.invoke import at, invoke
from neuro_rtrl.kernels.jit import inline, jit
from neuro_rtrl.kernels.layout import CONDITION, GATE, NORMAL, STEP, Run, Units, Wires
from neuro_rtrl.kernels.stream import Stream, place, trace_states


@jit
def _fill(run: Run, first: int, count: int, chance: int) -> None:
    """A random channel of one population: a number for each unit."""
    for i in range(first, first + count):
        run.a[i] = normal(run.random) if chance == NORMAL else uniform(run.random)


@jit
def draw_noise(units: Units, run: Run) -> None:
    """Every random channel, population by population."""
    for p in range(units.first.shape[0]):
        for v in range(units.inputs[p]):
            if units.chance[p, v]:
                _fill(run, units.at_a[p] + v * units.size[p], units.size[p], units.chance[p, v])


@inline
def open_step(units: Units, wires: Wires, values: np.ndarray, run: Run, stream: Stream) -> None:
    """Records states, takes in the external events of the step, and begins it."""
    row = place(stream, run)
    low, high = stream.pointer[row], stream.pointer[row + 1]
    trace_states(stream, run)
    forward.inject(units, wires, values, run, stream.input[low:high], stream.value[low:high])
    begin(units, values, run)


@inline
def begin(units: Units, values: np.ndarray, run: Run) -> None:
    """What the update needs besides states and arrivals: noise, and which units are refractory."""
    draw_noise(units, run)
    for p in range(units.first.shape[0]):
        if units.refractory[p] == CONDITION:
            invoke(
                units.call[p, GATE],
                (
                    units.size[p],
                    at(run.h, units.at_h[p]),
                    at(units.c, units.at_c[p]),
                    at(values, units.at_theta[p]),
                    at(run.held, units.first[p]),
                ),
            )
        elif units.refractory[p]:
            for k in range(units.first[p], units.first[p] + units.size[p]):
                run.held[k] = run.clock[STEP] - run.last[k] < units.hold[k]
