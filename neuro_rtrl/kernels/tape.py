"""What back-propagation through time has to remember of every step of a window.

A window begins with what is under way in it: events whose remaining groups of synapses are still to
be delivered, and groups collected for the very next update. They are copied here as *entries*
(source, step of emission, value, groups), because the queue itself moves on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuro_rtrl.kernels.jit import inline, jit
from neuro_rtrl.kernels.layout import DEFERRED, LIVE, STEP, Run, Wires

# Places in `Tape.window`.
START, ROWS, ENTRIES = range(3)
WINDOW_SIZE = 3


class Tape(NamedTuple):
    """One row a step, K of them; H = all states, A = all inputs of map models, N units.

    Where there are K + 1, the row after that of the last step is for what follows the window.
    """

    before: np.ndarray  # (K + 1, H) states before the update
    collected: np.ndarray  # (K + 1, A) collected arrivals before the update
    held: np.ndarray  # (K + 1, N) refractory in the update
    tested: np.ndarray  # (K, H) states at the threshold test
    arrived: np.ndarray  # (K, H) states before the reset
    blind: np.ndarray  # (K, N) refractory at the arrivals
    value: np.ndarray  # (K, N) values of the events
    slope: np.ndarray  # (K, outputs) dL/dy of the step
    at_states: np.ndarray  # (K, H) adjoint of the states before the reset
    at_inputs: np.ndarray  # (K + 1, A) adjoint of the collected arrivals
    adjoint: np.ndarray  # (H,) adjoint of the states at the end of a step
    spike_adjoint: np.ndarray  # (N,) adjoint of s through the reset
    window: np.ndarray  # (3,) step of the run at which it starts, rows filled, entries
    entry: np.ndarray  # (entries, 4) source, step of emission, first group, group after the last
    entry_value: np.ndarray
    counts: np.ndarray  # as `Rows.counts`


@jit
def copy(source: np.ndarray, target: np.ndarray) -> None:
    """target <- source."""
    for i in range(source.shape[0]):
        target[i] = source[i]


@inline
def open_window(wires: Wires, run: Run, tape: Tape) -> None:
    """A window starts before this step; what is under way is copied."""
    tape.window[START] = run.clock[STEP]
    tape.window[ROWS] = 0
    tape.window[ENTRIES] = 0
    for i in range(run.clock[DEFERRED]):
        group = run.deferred[1, i]
        _keep_entry(tape, run, run.deferred[0, i], group, group + 1)
    for slot in range(run.head.shape[0]):
        event = run.head[slot]
        while event >= 0:
            last = wires.group[run.source[event] + 1]
            _keep_entry(tape, run, event, run.next_group[event], last)
            event = run.link[event]


@jit
def _keep_entry(tape: Tape, run: Run, event: int, first: int, last: int) -> None:
    i = tape.window[ENTRIES]
    tape.entry[i, 0] = run.source[event]
    tape.entry[i, 1] = run.emitted[event]
    tape.entry[i, 2] = first
    tape.entry[i, 3] = last
    tape.entry_value[i] = run.value[event]
    tape.window[ENTRIES] = i + 1


@inline
def keep_before(tape: Tape, run: Run, row: int) -> None:
    """What the update starts from."""
    copy(run.h, tape.before[row])
    copy(run.a, tape.collected[row])
    copy(run.held, tape.held[row])


@inline
def keep_test(tape: Tape, run: Run, row: int) -> None:
    """The threshold test: states and values of events."""
    copy(run.h, tape.tested[row])
    for k in range(run.s.shape[0]):
        tape.value[row, k] = 0.0
    for i in range(run.clock[LIVE]):
        k = run.live[i]
        tape.value[row, k] = run.y[k]


@inline
def keep_arrivals(tape: Tape, run: Run, row: int) -> None:
    """States and refractoriness between arrivals and reset."""
    copy(run.h, tape.arrived[row])
    copy(run.held, tape.blind[row])
