"""Arrays of what a rule changes in the recursion of the rows (kernels/limits.py)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.kernels.layout import CERTIFIED, DEPTH, PATHS, RANK_ONE, Limits, Mask, Rows


@dataclass(frozen=True)
class Reward:
    """Scalar feedback instead of targets: see `kernels.losses.slope_by_reward`.

    Attributes:
        noise: standard deviation of an action that is a number.
        rate: of the running mean of rewards that is the baseline.
    """

    noise: float = 0.3
    rate: float = 0.01


@dataclass(frozen=True)
class Changes:
    """What a rule asks for; as it stands, nothing.

    Attributes:
        depth: synapses that influence may cross, all of them with live events.
        tolerance: contributions of a smaller 2-norm are dropped, and the error bounded.
        paths: units that indirect influence may reach in a step, drawn at random.
        decay: a trace is the product of two factors that are filtered with it.
        reward: learn from a scalar reward.
    """

    depth: int | None = None
    tolerance: float | None = None
    paths: int | None = None
    decay: float | None = None
    reward: Reward | None = None


def make_limits(built: Built, mask: Mask, rows: Rows, changes: Changes, lane: int) -> Limits:
    """Arrays for lane number `lane`; what is off takes no room."""
    n, units = built.plan.n, built.units
    certified, rank_one = changes.tolerance is not None, changes.decay is not None
    switch = np.zeros(4, np.int64)
    switch[DEPTH] = -1 if changes.depth is None else changes.depth
    switch[PATHS] = -1 if changes.paths is None else changes.paths
    switch[CERTIFIED], switch[RANK_ONE] = certified, rank_one
    whole = built.plan.is_readout.astype(np.uint8)
    places = units.d[units.population] + units.inputs[units.population]
    slot = np.concatenate([[0], np.cumsum(places if rank_one else 0 * places)])
    groups, synapses = np.diff(built.wires.first), built.wires.target.size
    seed = [built.plan.net.seed, lane, 3]
    return Limits(
        switch=switch,
        whole=whole,
        depth=np.zeros(mask.segment_block.size if changes.depth is not None else 1, np.int64),
        tolerance=np.array([changes.tolerance or 0.0]),
        error=np.zeros((n if certified else 1, built.widest)),
        bound=np.zeros(1),
        accept=np.ones(n, np.uint8),
        shuffled=np.flatnonzero(whole == 0),
        random=np.random.default_rng(seed).integers(1, 2**63, 1, np.uint64),
        reward=_reward(changes.reward),
        decay=np.array([changes.decay or 1.0]),
        heard=np.zeros(groups.size if rank_one else 1),
        group=np.repeat(np.arange(groups.size), groups) if synapses else np.zeros(0, np.int64),
        slot=slot.astype(np.int64),
        local=np.zeros((max(int(slot[-1]), 1), built.widest)),
        **_of_events(rows, changes),
    )


def _reward(reward: Reward | None) -> np.ndarray:
    return np.zeros(4) if reward is None else np.array([1.0, reward.noise, reward.rate, 0.0])


def _of_events(rows: Rows, changes: Changes) -> dict[str, np.ndarray]:
    events, blocks = rows.q_length.shape
    deep = (events, blocks) if changes.depth is not None else (1, 1)
    certified = changes.tolerance is not None
    return {
        "q_depth": np.zeros(deep, np.int64),
        "q_norm": np.zeros((events, blocks) if certified else (1, 1)),
        "q_error": np.zeros(events if certified else 1),
    }


def grow_limits(limits: Limits, rows: Rows, changes: Changes) -> Limits:
    """Room for the sensitivities under way of `rows`, which has grown."""
    grown = _of_events(rows, changes)
    for name, array in grown.items():
        before = getattr(limits, name)
        array[: before.shape[0]] = before
    return limits._replace(**grown)


def restart_limits(limits: Limits) -> None:
    """Nothing heard, nothing dropped."""
    for array in (limits.error, limits.heard, limits.local):
        array[:] = 0.0


def follow_limits(before: Limits, built: Built, mask: Mask, rows: Rows, changes: Changes) -> Limits:
    """The same for another wiring, between sequences; draws, baseline and bound go on."""
    made = make_limits(built, mask, rows, changes, 0)
    kept = {name: getattr(before, name) for name in ("random", "reward", "bound", "shuffled")}
    return made._replace(**kept)
