"""How far two runs of one network agree: spikes, states, and for how long."""

from __future__ import annotations

import numpy as np

from neuro_rtrl.contracts import Model, State
from neuro_rtrl.validation_brian import Run

TOLERANCE = 1e-9


def first_difference(ours: Run, theirs: Run) -> tuple[int, int] | None:
    """The first (step, unit) of a spike that only one of both runs has."""
    found: set[tuple[int, int]] = set()
    for name in theirs.spikes:
        here, there = (
            set(zip(*(a.tolist() for a in run.spikes[name]), strict=True)) for run in (ours, theirs)
        )
        found |= here ^ there
    return min(found) if found else None


def agreement(model: Model, ours: Run, theirs: Run) -> int:
    """Steps from the start in which every spike is the same and every state within 1e-9."""
    first = first_difference(ours, theirs)
    found = [] if first is None else [first[0]]
    steps = 0
    for state in model.states:
        a, b = (run.states[f"units.{state.name}"] for run in (ours, theirs))
        steps = a.shape[1]
        apart = ~(np.abs(a - b).max(axis=0) <= TOLERANCE * state_scale(state, theirs))
        found += np.flatnonzero(apart)[:1].tolist()
    return min([steps, *found])


def state_difference(model: Model, ours: Run, theirs: Run) -> float:
    """The largest difference of a state; infinite if a state is not finite."""
    worst = 0.0
    for state in model.states:
        a, b = (run.states[f"units.{state.name}"] for run in (ours, theirs))
        difference = float(np.abs(a - b).max()) / state_scale(state, theirs)
        worst = max(worst, difference if np.isfinite(difference) else np.inf)
    return worst


def state_scale(state: State, run: Run) -> float:
    """What differences of a state are measured by: its largest value, of pure numbers at least 1.

    Izhikevich's membrane is a pure number of about 100, and no rounding of it is below 1e-14.
    """
    largest = float(np.abs(run.states[f"units.{state.name}"]).max())
    return max(largest, float(np.finfo(float).tiny) if state.dimension else 1.0)
