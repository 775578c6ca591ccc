"""What back-propagation through time has to remember of every step of a sequence."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuro_rtrl.kernels.jit import inline, jit
from neuro_rtrl.kernels.layout import LIVE, Run


class Tape(NamedTuple):
    """One row a step, T of them; H = all states, A = all inputs of map models, N units."""

    before: np.ndarray  # (T, H) states before the update
    collected: np.ndarray  # (T, A) collected arrivals before the update
    held: np.ndarray  # (T, N) refractory in the update
    tested: np.ndarray  # (T, H) states at the threshold test
    arrived: np.ndarray  # (T, H) states before the reset
    blind: np.ndarray  # (T, N) refractory at the arrivals
    spike: np.ndarray  # (T, N)
    value: np.ndarray  # (T, N) values of the events
    slope: np.ndarray  # (T, outputs) dL/dy of the step
    at_states: np.ndarray  # (T, H) adjoint of the states before the reset
    at_inputs: np.ndarray  # (T, A) adjoint of the collected arrivals
    adjoint: np.ndarray  # (H,) adjoint of the states at the end of a step
    spike_adjoint: np.ndarray  # (N,) adjoint of s through the reset
    counts: np.ndarray  # as `Rows.counts`


@jit
def copy(source: np.ndarray, target: np.ndarray) -> None:
    """target <- source."""
    for i in range(source.shape[0]):
        target[i] = source[i]


@inline
def keep_before(tape: Tape, run: Run, t: int) -> None:
    """What the update starts from."""
    copy(run.h, tape.before[t])
    copy(run.a, tape.collected[t])
    copy(run.held, tape.held[t])


@inline
def keep_test(tape: Tape, run: Run, t: int) -> None:
    """The threshold test: states, spikes, values."""
    copy(run.h, tape.tested[t])
    for k in range(run.s.shape[0]):
        tape.spike[t, k] = 0
        tape.value[t, k] = 0.0
    for i in range(run.clock[LIVE]):
        k = run.live[i]
        tape.spike[t, k] = run.s[k]
        tape.value[t, k] = run.y[k]


@inline
def keep_arrivals(tape: Tape, run: Run, t: int) -> None:
    """States and refractoriness between arrivals and reset."""
    copy(run.h, tape.arrived[t])
    copy(run.held, tape.blind[t])
