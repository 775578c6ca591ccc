"""Local rules in windows of steps: what happened is written down, and read from its end.

While weights stand still, the gradient of a unit's own synapses needs no trace at every step. With
P the influence of a synapse j on its unit k, Z what its source brings to all targets alike (delta
at an arrival), z the trace behind a readout's filter kappa (kernels/local.py) and L the learning
signal,

    step        P <- D P
    event       z <- kappa z + y' P      (y' = dy/dh; zero where unit k has no event)
    arrival     P <- T P + A delta       (T, A: the event's reset and loop; else 1)
    gradient    g += L z

is linear in delta, with factors that belong to the unit alone (numbers, or matrices where it has
several states). So they can be summed from the last step to the first, one number for each unit and
state, whatever its synapses: with S the learning signals to come behind the filter, and nu the
derivative of the gradient by P at the end of a step,

    S_t = L_t + kappa S_{t+1}            (of outputs, then through the weights to the unit)
    mu_t = A_t nu_t                      what an arrival in step t is worth to unit k
    nu_{t-1} = D (y'_t S_t + T_t nu_t)

    g_kj = sum over arrivals (t, y) of source j:  mu_kt y        + nu P + kappa S z from before

While a unit is refractory its step is P <- D' P, and A is 0 where it is blind: steps of their own
kind among the events. Where nothing is shared (units that are refractory, or differ) P has no Z,
and each synapse's gain is in it (traces.py).

A window costs one multiply-add for each arrival at each synapse, as the forward pass, and that in
vector code: a lot of `LANES` units takes all arrivals of a source at once. It is the same sum as
that of events one by one, in another order. At the window's end traces are the same sums with other
ends: nu = 1 for P; S = 1 for z (diary_close.py).

Parameters of units have no source: their influence goes forward step by step, as ever, dy/dtheta
of each event is written down, and g += S dy/dtheta.

Readouts' own synapses: with B_t the derivative of all losses to come by a readout's state,
B_t = dL_t/dh + D B_{t+1}, each arrival is worth B_t.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

LANES = 64  # units of a lot
CHUNK = 256  # steps whose worth for one lot is at hand at a time: it stays in the second cache
# Places in `Diary.clock`.
ARRIVALS, EVENTS, FIRST_STEP, COLUMNS_NOW, GOES_ON = range(5)  # GOES_ON: behind what is there
CLOCK_SIZE = 5
# Columns of `Diary.number`: which event is whose, and when; whether its step is a refractory one.
LANE, WHEN, HELD = range(3)


class Diary(NamedTuple):
    """A window of steps. H hidden units in lots of LANES; steps count from the window's first."""

    clock: np.ndarray
    room: np.ndarray  # (3,) arrivals, events, steps after which a window ends
    came: np.ndarray  # (arrivals, 2) group, step
    value: np.ndarray  # (arrivals,) y
    unit: np.ndarray  # (events,) whose event
    when: np.ndarray  # (events,) step
    held: np.ndarray  # (events,) whether its unit is refractory
    # (events, dm + 3 dm*dm) y', then T, A and D' in rows of dm, whatever the unit's own d; there is
    # one column more where events are worth something beyond their signal (diary_across.py)
    factor: np.ndarray
    theta: np.ndarray  # (events, mm) dy/dtheta of its unit's own parameters
    theta_sum: np.ndarray  # (filters, N, mm) scratch: sum of S dy/dtheta over events
    power: np.ndarray  # (steps + 1, dm) scratch: D to the power of the steps that follow
    slope: np.ndarray  # (steps + 1, outputs) dL/dy of each step
    signal: np.ndarray  # (steps + 1, columns) S of each output, or of each filter and of nobody
    back: np.ndarray  # (steps + 1, outputs) B
    touched: np.ndarray  # (N,) whether a unit had an event in the window
    # What is sorted: arrivals by group, events by lot.
    pointer: np.ndarray  # (G, chunks) end of the arrivals of each group in each chunk
    sorted_step: np.ndarray
    sorted_value: np.ndarray
    event: np.ndarray  # (lots + 1,)
    number: np.ndarray  # (events, 3) lane, step, refractory
    sorted_factor: np.ndarray
    # What does not change.
    wide: np.ndarray  # (1,) dm
    member: np.ndarray  # (H,) hidden units; number i is lane i % LANES of lot i // LANES
    place: np.ndarray  # (N,) and the number of each, -1 for others
    states: np.ndarray  # (lots,) largest d of the units of a lot
    decay: np.ndarray  # (lots, dm*dm * LANES) D in rows of dm, zero beyond a unit's own d
    hears: np.ndarray  # (H + 1,) synapses from each to readouts
    output: np.ndarray  # their outputs, by unit
    weight: np.ndarray  # and b
    row: np.ndarray  # (lots + 1,) rows of a lot: groups that any of its units hears, by state
    group: np.ndarray  # (rows,) group of each, and the state that it acts on
    state: np.ndarray
    heard: np.ndarray  # (rows,) and how many of the lot's units learn from it
    run: np.ndarray  # (lots + 1,) runs: neighbours in a row whose parameters follow each other
    parameter: np.ndarray  # (runs,) first parameter
    at: np.ndarray  # (runs,) place in the lot's rows: row LANES + lane
    length: np.ndarray  # (runs,)
    gain: np.ndarray  # (runs,)
    own: np.ndarray  # (own entries,) place in its lot's rows of each own synapse
    own_gain: np.ndarray  # (own entries,)
    start: np.ndarray  # (N, dm) nu before the first step


class Desk(NamedTuple):
    """Scratch of one thread."""

    worth: np.ndarray  # (dm times CHUNK times LANES) mu by state, step, lane
    nu: np.ndarray  # (dm times LANES)
    work: np.ndarray  # (dm times LANES)
    before: np.ndarray  # (dm times LANES) nu of refractory units, before the step
    sums: np.ndarray  # (dm + filters, most rows of a lot times LANES)
    begin: np.ndarray  # (dm + filters, dm, LANES) nu before the first step
    adds: np.ndarray  # (1,) multiply-adds
