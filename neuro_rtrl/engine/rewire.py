"""Synapses come and go in a network that learns: who decides it, and what is built of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from neuro_rtrl.contracts import Optimizer, Rule
from neuro_rtrl.contracts_rewiring import (
    ByName,
    Change,
    Following,
    Moved,
    Rewirable,
    Rewiring,
    Synapses,
)
from neuro_rtrl.engine.build import Built
from neuro_rtrl.errors import BuildError
from neuro_rtrl.network.plan import Plan
from neuro_rtrl.network.rewired import rewired, wired


class Plastic:
    """The projections of a network that are rewired, each by its own method.

    Args:
        built: the network; these projections have a `spread` of delays.
        rewirings: name of a projection -> method.

    Attributes:
        wiring: (3, synapses) pre, post, delay of each of these projections, as it is now.
        past: `Plan.past` of the mask that lanes have now.
        over: whether all lanes have begun anew since, so that nothing of the past is left.
    """

    def __init__(self, built: Built, rewirings: Mapping[str, Rewiring]) -> None:
        seeds = np.random.SeedSequence(built.plan.net.seed, spawn_key=(2,))
        self._rng, *rngs = (np.random.default_rng(s) for s in seeds.spawn(len(rewirings) + 1))
        self._rewirers = {
            name: method.start(synapses(built, name), rng)
            for (name, method), rng in zip(rewirings.items(), rngs, strict=True)
        }
        self.over = True
        self._keep(built.plan)

    @property
    def names(self) -> tuple[str, ...]:
        """The projections that are rewired."""
        return tuple(self._rewirers)

    def _keep(self, plan: Plan) -> None:
        chosen = [plan.net.projections[name] for name in self._rewirers]
        self.wiring = [np.stack([p.pre, p.post, p.delay]).astype(np.int64) for p in chosen]
        self.past = plan.past.copy()

    def wired(self, built: Built, kept: Mapping[str, np.ndarray], place: str) -> Built:
        """The network as it was when the state at `place` was kept; as it is, if there is none."""
        if f"{place}/past" not in kept:
            return built
        wiring = {n: kept[f"{place}/wiring/{i}"] for i, n in enumerate(self._rewirers)}
        plan = wired(built.plan, wiring, kept[f"{place}/past"])
        self._keep(plan)
        return _built(built, plan)

    def changes(self, built: Built, gradient: np.ndarray) -> dict[str, Change]:
        """What is to change now; weights are changed in place as the methods say."""
        found = {}
        for name, rewirer in self._rewirers.items():
            places, view = built.plan.wiring.places[name], synapses(built, name)
            change = rewirer.update(view, gradient[places])
            built.values[places] = view.weights
            if change is not None and (change.pre.size or not change.keep.all()):
                found[name] = change
        return found

    def rebuild(
        self, built: Built, changes: Mapping[str, Change], before: np.ndarray, midway: bool
    ) -> tuple[Built, Moved]:
        """The same network with another wiring.

        Args:
            before: (parameters,) values when events were last delivered.
            midway: whether there is influence that came through what goes now.
        """
        plan = built.plan
        if self.over:
            plan = dataclasses.replace(plan, past=np.zeros((2, 0), np.int64))
        made, old, new = rewired(plan, built.values, changes, self._rng, midway)
        self.over = False
        self._keep(made)
        return _built(built, made), Moved(old, new, before)


def _built(before: Built, plan: Plan) -> Built:
    """The same units with another wiring."""
    units = before.units._replace(at_theta=plan.at_theta)
    return dataclasses.replace(before, plan=plan, units=units, values=plan.values.copy())


def synapses(built: Built, name: str) -> Synapses:
    """A projection as a rewiring sees it; the weights are a copy."""
    projection = built.plan.net.projections[name]
    return Synapses(
        name,
        projection.pre,
        projection.post,
        built.values[built.plan.wiring.places[name]],
        (projection.source.n, projection.target.n),
        projection.self_connections or projection.source is not projection.target,
    )


def plastic(
    built: Built,
    rewirings: Mapping[str, Rewiring] | None,
    rule: Rule,
    update_every: int,
    optimizer: Optimizer | None,
) -> Plastic | None:
    """The projections of a network that are rewired, if there are any.

    Raises:
        BuildError: the rule or the optimizer cannot follow.
    """
    if not rewirings:
        return None
    check_rule(rule, update_every)
    check_optimizer(optimizer)
    return Plastic(built, rewirings)


def check_rule(rule: Rule, update_every: int) -> None:
    """Refuses a rule that cannot follow the changes of a wiring, or not at these times."""
    if not isinstance(rule, Rewirable):
        raise BuildError(
            f"the rule {rule.name} cannot follow while synapses come and go",
            where="rewiring",
            given=rule.name,
            expected="a rule with a fixed influence pattern, such as rtrl, snap-1, eprop or bptt",
            remedy='The nearest that can is "rtrl".',
        )
    if update_every and not rule.midway:
        raise BuildError(
            f"under the rule {rule.name} synapses come and go between sequences only",
            where="rewiring",
            given=f"an update every {update_every} steps",
            expected='update="sequence"',
            remedy='The rules "rtrl", "snap-1" and "eprop" can do it within a sequence.',
        )


def check_optimizer(optimizer: Optimizer | None) -> None:
    """Refuses an optimizer whose memory cannot follow when parameters are renumbered."""
    if optimizer is not None and not isinstance(optimizer, Following):
        raise BuildError(
            "this optimizer cannot follow while synapses come and go",
            where="optimizer",
            given=type(optimizer).__name__,
            expected="one with a method follow(old)",
            remedy="Every optimizer of the package has it: Adam(1e-3), say.",
        )


def renumbered(values: np.ndarray, old: np.ndarray) -> np.ndarray:
    """`values` in the present numbering; new ones are 0."""
    made = np.zeros((old.size, *values.shape[1:]), values.dtype)
    there = old >= 0
    made[there] = values[old[there]]
    return made


def learned_before(before: Built, built: Built, moved: Moved) -> np.ndarray:
    """For each learned parameter its former place among the learned ones, -1 if it is new."""
    place = np.full(before.values.size + 1, -1, np.int64)
    place[before.plan.learned] = np.arange(before.plan.learned.size)
    found: np.ndarray = place[moved.old[built.plan.learned]]
    return found


def bind(optimizer: Optimizer | None, built: Built) -> None:
    """Tells an optimizer that goes by names where they are among the learned parameters."""
    named: Any = optimizer
    if isinstance(named, ByName):
        plan = built.plan
        named.bind({name: np.searchsorted(plan.learned, at) for name, at in plan.names.items()})
