"""The arrays that kernels work on, by name. Letters: P populations, N units, S sources (units, then
inputs), E synapses, G groups of synapses, B blocks of columns, d states of a unit, m its learned
parameters, dm the largest d.

A *group* is the synapses of one source with one delay; events travel group by group. A *segment* is
the part of a unit's row that lies in one block of columns.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# Places in `Run.clock`.
STEP, PHASE, FREE, DONE, ARRIVED, DEFERRED, LIVE, SEQUENCE, RECORDED, HEARD, FIRED = range(11)
CLOCK_SIZE = 11
# Places in `Run.counts` and `Rows.counts`: the ledger.
SPIKES, SENSITIVE, UNIT_STEPS, DELIVERIES = range(4)
MULTIPLY_ADDS, BYTES, ROWS_TOUCHED, ENTRIES_NOW, ENTRIES, COLUMNS, STEPS, GRADIENT_ADDS = range(8)
LEAST_ADDS = 8
COUNTS = 9
# Addresses in `Units.call`, in the order of compile/native.py.
FLOW, JACOBIAN, SPIKE, EVENT, RESET, GATE, ADVANCE, SETTLE, LOOK = range(9)
# Values of `Units.refractory`, and of `Units.chance`: the distribution of a random channel.
PERIOD, CONDITION = 1, 2
NORMAL, UNIFORM = 1, 2
# Places in `Limits.switch`.
DEPTH, CERTIFIED, PATHS, RANK_ONE = range(4)
# What a kernel answers.
(
    FINISHED, NEED_COLUMNS, NEED_EVENT_ROWS, RECORD_FULL, NOT_FINITE, WINDOW_FULL, NOT_LEARNED,
) = range(7)  # fmt: skip


class Units(NamedTuple):
    """Populations and units, as built."""

    first: np.ndarray  # (P,) first unit
    size: np.ndarray  # (P,) number of units
    d: np.ndarray  # (P,) states
    inputs: np.ndarray  # (P,) inputs of a map model
    m: np.ndarray  # (P,) learned unit parameters
    at_h: np.ndarray  # (P,) offsets of each population in the flat arrays
    at_a: np.ndarray
    at_c: np.ndarray
    at_theta: np.ndarray  # in `values`
    at_dd: np.ndarray  # of D
    at_df: np.ndarray  # of F
    at_dm: np.ndarray  # of U and of the influence on own parameters
    at_m: np.ndarray
    call: np.ndarray  # (P, 9) addresses of native functions
    spiking: np.ndarray  # (P,) flags
    resets: np.ndarray
    reset_gradient: np.ndarray  # the jump of some state takes part in the gradient
    jumps: np.ndarray  # (P, dm) of this state
    constant: np.ndarray
    eager: np.ndarray  # the Jacobian is needed at every step
    refractory: np.ndarray  # 0: never, or what ends it: PERIOD, CONDITION
    chance: np.ndarray  # (P, largest number of inputs) NORMAL, UNIFORM, 0: collects arrivals
    blind: np.ndarray  # (P, dm) state ignores arrivals while refractory
    population: np.ndarray  # (N,)
    hold: np.ndarray  # (N,) refractory period in steps
    c: np.ndarray  # coefficients
    flow_d: np.ndarray  # D of constant populations, free
    held_d: np.ndarray  # and while refractory
    initial: np.ndarray  # initial states


class Wires(NamedTuple):
    """Groups and synapses, sorted by source, delay, target."""

    group: np.ndarray  # (S + 1,) groups of each source
    delay: np.ndarray  # (G,) steps; -1: before the update of the very step (external input)
    collects: np.ndarray  # (G,) whether the targets are inputs of map models
    first: np.ndarray  # (G + 1,) synapses of each group
    target: np.ndarray  # (E,)
    variable: np.ndarray  # (E,) index of the state or input that it adds to
    gain: np.ndarray  # (E,)
    slot: np.ndarray  # (E,) place in the target's own block, -1 if not learned
    ring: np.ndarray  # (1,) slots of the calendar
    where: np.ndarray  # (E,) uint32: where arrivals are added, in `Run.h` or `Run.a`
    # Runs: synapses of a group that one loop delivers; engine/runs.py.
    run: np.ndarray  # (G + 1,) runs of each group
    run_first: np.ndarray  # (R + 1,) synapses of each run
    run_blocks: np.ndarray  # (R,) whether refractory targets ignore it
    run_alike: np.ndarray  # (R,) whether targets have one gain
    run_dense: np.ndarray  # (R,) and besides lie in a line


class Mask(NamedTuple):
    """The static shape of the influence matrix (see network/reach.py)."""

    own: np.ndarray  # (N + 1,) own synapses of each unit
    own_parameter: np.ndarray  # their parameter numbers
    own_at: np.ndarray  # (N + 1,) offsets in `Rows.own`: d rows of own entries each
    block: np.ndarray  # (N,) block of the unit's own parameters
    columns: np.ndarray  # (B,) columns at most
    column_at: np.ndarray  # (B + 1,) offsets of blocks in `Rows.parameter`
    segment: np.ndarray  # (N + 1,) segments of each unit
    segment_block: np.ndarray
    segment_row: np.ndarray  # first of its d rows in the block's storage
    carried: np.ndarray  # (N + 1,) blocks that an event of the unit carries
    carried_block: np.ndarray


class Run(NamedTuple):
    """State of one lane of the simulation."""

    clock: np.ndarray
    counts: np.ndarray
    h: np.ndarray
    a: np.ndarray
    y: np.ndarray  # (N,) value of the event; of live units only, as ds, dy, dst and dyt
    s: np.ndarray  # (N,) spike
    held: np.ndarray  # (N,) refractory now
    last: np.ndarray  # (N,) step of the last spike
    live: np.ndarray  # (N,) units with an event in this step
    fired: np.ndarray  # (N,) those of them that spike
    free: np.ndarray  # events not in use
    source: np.ndarray  # of each event
    value: np.ndarray
    emitted: np.ndarray
    next_group: np.ndarray
    link: np.ndarray
    row: np.ndarray  # its sensitivity's row in Rows.Q, -1 if none
    head: np.ndarray  # (ring,) first and last event due in each slot
    tail: np.ndarray
    done: np.ndarray  # events delivered completely
    arrived: np.ndarray  # (2, G + 1) event and group, in this step, at states
    deferred: np.ndarray  # (2, G + 1) at inputs of map models, for the next update
    D: np.ndarray
    F: np.ndarray
    U: np.ndarray
    ds: np.ndarray
    dy: np.ndarray
    dst: np.ndarray
    dyt: np.ndarray
    work: np.ndarray  # scratch for one unit
    random: np.ndarray  # (1,) uint64 state of the generator of noise


class Rows(NamedTuple):
    """The influence matrix of one lane; P, Q, own and gathered are in the run's precision."""

    counts: np.ndarray
    P: np.ndarray  # segments
    Q: np.ndarray  # sensitivities of events under way
    at_p: np.ndarray  # (B,) offset of each block in P
    capacity: np.ndarray  # (B,) columns stored
    at_q: np.ndarray  # (B + 1,) offset of each block in a row of Q, and in `gathered`
    live: np.ndarray  # (B,) columns in use, in the order of their first life
    column: np.ndarray  # parameter -> column, -1 if none yet
    parameter: np.ndarray  # block, column -> parameter
    length: np.ndarray  # (segments,) columns that are filled
    at: np.ndarray  # (segments,) step to which `pending` brings it
    pending: np.ndarray  # (segments, dm*dm) transform still to be applied
    own: np.ndarray
    own_step: np.ndarray  # (N,)
    own_pending: np.ndarray  # (N, dm*dm)
    alive: np.ndarray  # (own entries,) whether anything has arrived since the restart
    fresh: (
        np.ndarray
    )  # (own entries,) for each unit: parameters that came alive, not yet with a column
    fresh_count: np.ndarray  # (N,)
    keep: np.ndarray  # (segments,) steps that what has arrived is kept, -1 for ever
    born: np.ndarray  # (segments,) step of the last arrival
    theta_open: np.ndarray  # (N,) whether the unit parameters have columns
    settled: np.ndarray  # (N,) step in which nothing was left pending for the own block
    theta: np.ndarray  # influence of own unit parameters, always up to date
    q_length: np.ndarray  # (event rows, B)
    q_free: np.ndarray
    q_count: np.ndarray  # (1,) free rows
    pair_row: np.ndarray  # arrivals of sensitivities, a list for each target
    pair_next: np.ndarray
    pair_factor: np.ndarray  # (pairs, dm)
    pair_head: np.ndarray  # (N,)
    pair_tail: np.ndarray
    touched: np.ndarray  # (N,)
    after: np.ndarray  # (N, dm*dm) reset Jacobian of units that spiked in this step
    has_after: np.ndarray
    gathered: np.ndarray  # gradient in column space
    sources: np.ndarray  # scratch: offsets of source rows
    factors: np.ndarray  # scratch: their factors
    tile: np.ndarray  # scratch (dm, tile)
    matrix: np.ndarray  # scratch (6, dm*dm) float64


class Limits(NamedTuple):
    """What a rule changes in the recursion of the rows; for the exact rule all of it is off.

    Letters as above; R event rows. `switch` says what is on; arrays that are off are of size 1.
    """

    switch: np.ndarray  # DEPTH: synapses that influence may cross, -1: any; PATHS: -1: all
    whole: np.ndarray  # (N,) rows that no limit of depth or path cuts: readouts
    depth: np.ndarray  # (segments,) fewest synapses that the influence in it has crossed
    q_depth: np.ndarray  # (R, B) the same of sensitivities under way
    tolerance: np.ndarray  # (1,) contributions of a smaller 2-norm are dropped
    q_norm: np.ndarray  # (R, B) 2-norm of sensitivities under way
    q_error: np.ndarray  # (R,) bound of their error
    error: np.ndarray  # (N, dm) bound of the 2-norm of each row's error
    bound: np.ndarray  # (1,) bound of the 2-norm of the gradient's error
    accept: np.ndarray  # (N,) units that indirect influence reaches in this step
    shuffled: np.ndarray  # units to draw from
    random: np.ndarray  # (1,) uint64 state of the generator
    reward: np.ndarray  # (4,) scalar feedback: on, noise, rate of the baseline, baseline
    decay: np.ndarray  # (1,) of the factors of a trace
    heard: np.ndarray  # (G,) filtered events: the presynaptic factor
    group: np.ndarray  # (E,) group of each synapse
    slot: np.ndarray  # (N + 1,) offsets in `local`: a place for each state or input
    local: np.ndarray  # (places, dm) filtered entry vectors: the postsynaptic factor
