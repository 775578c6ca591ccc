"""Another wiring of a network: the description, and how its parameters are renumbered."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np

from neuro_rtrl.contracts_rewiring import Change
from neuro_rtrl.network.auxiliary import copied
from neuro_rtrl.network.describe import Network, Projection
from neuro_rtrl.network.plan import Plan, plan

MOST_LISTED = 1 << 21
"""Up to so many pairs all of them are listed; beyond, absent ones are found by trial."""


def made_plastic(net: Network, names: list[str]) -> Network:
    """A copy in which the projections `names` keep room for synapses of all their delays."""
    made = copied(net)
    for name in names:
        projection = made.projections[name]
        spread = np.unique(np.append(projection.delay, [] if projection.delay.size else 0))
        spread = spread.astype(np.int64)
        made.projections[name] = dataclasses.replace(projection, spread=spread)
    return made


def rewired(
    before: Plan,
    values: np.ndarray,
    changes: Mapping[str, Change],
    rng: np.random.Generator,
    keep_past: bool,
) -> tuple[Plan, np.ndarray, np.ndarray]:
    """The plan with another wiring.

    Args:
        before: the plan until now; its projections that change have a `spread` of delays.
        values: (parameters,) present values; survivors keep theirs.
        changes: name of a projection -> what stays and what comes.
        rng: draws the delays of new synapses from the `spread`.
        keep_past: whether influence that came through what goes now is still about.

    Returns:
        The plan, and (old, new) as in `contracts.Moved`.
    """
    net = copied(before.net)
    for name, projection in before.net.projections.items():
        present = dataclasses.replace(projection, weights=values[before.wiring.places[name]])
        if name in changes:
            present = _changed(present, changes[name], rng)
        net.projections[name] = present
    made = plan(net)
    old = np.full(made.values.size, -1, np.int64)
    for name, places in made.wiring.places.items():
        former = before.wiring.places[name]
        kept = former[changes[name].keep] if name in changes else former
        old[places[: kept.size]] = kept
    synapses, formerly = made.wiring.source.size, before.wiring.source.size
    old[synapses:] = np.arange(formerly, values.size)
    new = np.full(values.size, -1, np.int64)
    there = np.flatnonzero(old >= 0)
    new[old[there]] = there
    made.values[there] = values[old[there]]
    past = _gone(before, new[:formerly]) if keep_past else made.past
    return dataclasses.replace(made, past=past), old, new


def _changed(projection: Projection, change: Change, rng: np.random.Generator) -> Projection:
    keep, spread = change.keep, projection.spread
    # A synapse that moves may have any of the delays that there were.
    choices = projection.delay if projection.delay.size else spread
    if choices is None or choices.size == 0:
        delay = np.zeros(change.pre.size, np.int64)
    else:
        delay = rng.choice(choices, change.pre.size)
    return dataclasses.replace(
        projection,
        pre=np.concatenate([projection.pre[keep], change.pre]),
        post=np.concatenate([projection.post[keep], change.post]),
        weights=np.concatenate([projection.weights[keep], change.weights]),
        delay=np.concatenate([projection.delay[keep], delay]),
    )


def _gone(before: Plan, new: np.ndarray) -> np.ndarray:
    """(2, synapses) of `Plan.past`: what it was, and the synapses between units that go now."""
    source, target = before.wiring.source, before.wiring.wires.target
    gone = (new < 0) & (source < before.n)
    edges = np.stack([source[gone], target[gone]])
    return np.unique(np.concatenate([before.past, edges], axis=1), axis=1)


def wired(before: Plan, wiring: Mapping[str, np.ndarray], past: np.ndarray) -> Plan:
    """The plan with the wiring of another one that was made of the same network.

    Args:
        before: a plan of the network.
        wiring: name of a projection -> (3, synapses) pre, post, delay; its weights are 0 then.
        past: as in `Plan.past`.
    """
    net = copied(before.net)
    for name, (pre, post, delay) in wiring.items():
        net.projections[name] = dataclasses.replace(
            net.projections[name], pre=pre, post=post, delay=delay, weights=np.zeros(pre.size)
        )
    return dataclasses.replace(plan(net), past=past)


def possible(shape: tuple[int, int], self_connections: bool) -> int:
    """How many pairs there are to choose from.

    >>> possible((3, 3), False)
    6
    """
    return shape[0] * shape[1] - (0 if self_connections else shape[0])


def connected(made: Plan, names: Iterable[str]) -> dict[str, float]:
    """Name of a projection -> share of the pairs there could be that have a synapse."""
    found = {}
    for name in names:
        p = made.net.projections[name]
        loops = p.self_connections or p.source is not p.target
        found[name] = p.pre.size / max(possible((p.source.n, p.target.n), loops), 1)
    return found


def absent_pairs(
    pre: np.ndarray,
    post: np.ndarray,
    shape: tuple[int, int],
    self_connections: bool,
    count: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """`count` different pairs without a synapse, all equally likely; all of them if fewer are left.

    >>> rng = np.random.default_rng(0)
    >>> absent_pairs(np.array([0, 1]), np.array([0, 1]), (2, 2), True, 9, rng)
    (array([0, 1]), array([1, 0]))
    """
    n_post, total = shape[1], shape[0] * shape[1]
    taken = pre * n_post + post
    if not self_connections:
        taken = np.concatenate([taken, np.arange(shape[0]) * (n_post + 1)])
    taken = np.unique(taken)
    left = total - taken.size
    if total <= MOST_LISTED or count > left // 2:
        free = np.ones(total, bool)
        free[taken] = False
        places = np.flatnonzero(free)
        chosen = places if count >= left else rng.choice(places, count, replace=False)
    else:
        chosen = np.zeros(0, np.int64)
        while chosen.size < count:
            drawn = rng.integers(0, total, 2 * count)
            fresh = drawn[~np.isin(drawn, taken)]
            joined = np.concatenate([chosen, fresh])
            _, first = np.unique(joined, return_index=True)
            chosen = joined[np.sort(first)][:count]
    chosen = np.sort(chosen)
    return chosen // n_post, chosen % n_post


def present(net: Network, made: Plan, values: np.ndarray) -> Network:
    """A copy of `net` with the wiring of a plan that was made of it, and with these values."""
    copy = copied(net)
    for name, population in net.populations.items():
        learned = {k: values[made.names[f"{name}.{k}"]] for k in population.learn}
        parameters = population.parameters | learned
        copy.populations[name] = dataclasses.replace(population, parameters=parameters)
    for name, projection in net.projections.items():
        now = made.net.projections[name]
        copy.projections[name] = dataclasses.replace(
            projection,
            source=copy.populations[projection.source.name],
            target=copy.populations[projection.target.name],
            pre=now.pre.copy(),
            post=now.post.copy(),
            delay=now.delay.copy(),
            weights=values[made.wiring.places[name]],
        )
    return copy
