"""The arrays of a simulation without learning. Letters as in layout.py; names that both have mean
the same, so parts of kernels that use these names only take either.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

CHUNK = 64  # units whose spikes are looked for together


class Cells(NamedTuple):
    """Populations and units."""

    first: np.ndarray  # (P,) first unit
    shift: np.ndarray  # (P,) from these numbers of units to those of the whole network
    size: np.ndarray  # (P,) number of units
    d: np.ndarray  # (P,) states
    inputs: np.ndarray  # (P,) inputs, random channels among them
    at_h: np.ndarray  # (P,) offsets of each population in the flat arrays
    at_a: np.ndarray
    at_c: np.ndarray
    at_theta: np.ndarray  # in `values`
    call: np.ndarray  # (P, 8) addresses of native functions
    spiking: np.ndarray  # (P,) flags
    resets: np.ndarray
    graded: np.ndarray  # events have values of their own
    refractory: np.ndarray  # 0: never, or what ends it: PERIOD, CONDITION
    chance: np.ndarray  # (P, largest number of inputs) NORMAL, UNIFORM, 0: collects arrivals
    blind: np.ndarray  # (P, dm) state ignores arrivals while refractory
    population: np.ndarray  # (N,)
    hold: np.ndarray  # (N,) refractory period in steps
    c: np.ndarray  # coefficients
    values: np.ndarray  # learned unit parameters at `at_theta`
    initial: np.ndarray  # initial states


class Fan(NamedTuple):
    """Groups and synapses: compressed rows, 12 bytes a synapse."""

    group: np.ndarray  # (S + 1,) groups of each source
    delay: np.ndarray  # (G,) steps; -1: before the update of the very step (external input)
    collects: np.ndarray  # (G,) whether the targets are inputs of map models
    careful: np.ndarray  # (G,) whether a target may be deaf
    even: np.ndarray  # (G,) none of all that, weights that stay as they are, and one jump
    first: np.ndarray  # (G + 1,) synapses of each group
    where: np.ndarray  # (E,) place in h, or in a, that an arrival adds to
    jump: np.ndarray  # (E,) gain w
    straight: np.ndarray  # (S, 4) of sources with one group only, even and without delay: its first
    # synapse, their end, and the bits of the jump, all in one line of the cache; else 0
    ring: np.ndarray  # (1,) slots of the calendar
    once: np.ndarray  # (1,) whether no event waits twice: a source has one delay, besides none


class Course(NamedTuple):
    """State of a simulation."""

    clock: np.ndarray
    h: np.ndarray
    a: np.ndarray
    y: np.ndarray  # value of the event, of all units of the network
    s: np.ndarray  # (N + CHUNK,) spike
    held: np.ndarray  # (N,) refractory now
    deaf: np.ndarray  # like h: ignores arrivals now
    last: np.ndarray  # (N,) step of the last spike
    live: np.ndarray  # (N,) units that spike in this step
    heard: np.ndarray  # units of the whole network that spike in this step
    wheel: np.ndarray  # (slots,) first unit whose refractory period may end in each slot, -1: none
    following: np.ndarray  # (N,) next unit in the same slot
    random: np.ndarray  # (1,) uint64 state of the generator of noise
    free: np.ndarray  # events not in use
    source: np.ndarray  # of each event
    value: np.ndarray
    emitted: np.ndarray
    next_group: np.ndarray
    link: np.ndarray
    row: np.ndarray
    head: np.ndarray  # (ring,) first and last event due in each slot
    tail: np.ndarray
    done: np.ndarray  # events delivered completely


class Tape(NamedTuple):
    """What flows in and out of a block of steps, from step `begin[0]` to `begin[1]`."""

    begin: np.ndarray  # (2,)
    pointer: np.ndarray  # (steps + 1,) external events of each step
    input: np.ndarray  # which input of each external event
    value: np.ndarray
    outputs: np.ndarray  # (outputs,) places in h of the readouts
    predictions: np.ndarray  # (steps, outputs) at the end of each step
    event_step: np.ndarray  # records: spikes
    event_unit: np.ndarray
    traced: np.ndarray  # places in h that are recorded at the start of every `every[0]`th step;
    # -1 - a place in the variables of synapses
    every: np.ndarray  # (1,)
    trace: np.ndarray  # (recorded steps, traced)
