"""Options of a learner: firing rates kept near a target, weights that carry errors, rewiring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from neuro_rtrl.contracts import Guided, Rule
from neuro_rtrl.contracts_influence import Remembering
from neuro_rtrl.contracts_rewiring import Rewiring
from neuro_rtrl.errors import BuildError, DescriptionError, unknown
from neuro_rtrl.network.auxiliary import spiking, with_counters
from neuro_rtrl.network.describe import Network


@dataclass(frozen=True)
class FiringRate:
    """Firing rates that learning keeps near a target (Bellec et al. 2020, Nat. Commun. 11:3625).

    Each unit adds `coefficient (r - target)^2 / 2` to the objective of every sequence, with r its
    spikes per step in that sequence. The loss that is reported is that of the targets alone.

    Args:
        populations: names of populations; empty: all that spike.
        coefficient: strength, above 0.
        target: spikes per step and unit, in [0, 1] (0.01 in steps of 1 ms: 10 Hz).

    Raises:
        DescriptionError: a number outside its range.

    >>> FiringRate(("hidden",), coefficient=300, target=0.01).target
    0.01
    """

    populations: tuple[str, ...] = ()
    coefficient: float = 1.0
    target: float = 0.01

    def __post_init__(self) -> None:
        good = _is_number(self.coefficient) and 0 < self.coefficient < float("inf")
        _check("coefficient", self.coefficient, good, "a number above 0")
        good = _is_number(self.target) and 0 <= self.target <= 1
        _check("target", self.target, good, "spikes per step, from 0 to 1")


def _is_number(given: object) -> bool:
    return isinstance(given, Real) and not isinstance(given, bool)


def _check(name: str, given: float, good: bool, expected: str) -> None:
    if not good:
        raise DescriptionError(
            f"the {name} is out of range" if _is_number(given) else f"the {name} is no number",
            where=f"firing_rate: {name}",
            given=repr(given),
            expected=expected,
        )


def counting(net: Network, firing_rate: FiringRate | None) -> Network:
    """The network, with a spike counter for each unit whose rate is kept near a target.

    Raises:
        DescriptionError: there is no such population; BuildError: it does not spike.
    """
    if firing_rate is None:
        return net
    return with_counters(net, firing_rate.populations or [p.name for p in spiking(net)])


def takes_feedback(rule: Rule) -> bool:
    """Whether a rule has feedback weights that users may give."""
    return isinstance(rule, Guided) and rule.takes_feedback


def guided(rule: Rule, feedback: Mapping[str, Any] | None) -> Rule:
    """The rule, with the feedback weights that are given for some projections.

    Raises:
        BuildError: the rule has none.
    """
    if feedback is None:
        return rule
    if not isinstance(rule, Guided) or not rule.takes_feedback:
        raise BuildError(
            f"the rule {rule.name} has no feedback weights that could be given",
            where="feedback",
            given=", ".join(feedback),
            expected="a rule with random or adaptive feedback",
            remedy='The nearest is "eprop-random"; "rflo" and "superspike-random" work too.',
        )
    return rule.with_feedback(feedback)


def with_weights_that_change(rule: Rule, within_sequences: bool) -> Rule:
    """The rule, by the way that it goes if weights change `within_sequences`."""
    if within_sequences and isinstance(rule, Remembering):
        return rule.with_changing_weights()
    return rule


def check_options(optimizer: object, average: str | None, batch: int) -> None:
    """Refuses what a learner cannot be told.

    Args:
        optimizer: None, or an object with a method `update`.
        average: None or "steps".
        batch: 1 or more.

    Raises:
        DescriptionError: one of them is something else.
    """
    updates = callable(getattr(optimizer, "update", None)) and not isinstance(optimizer, type)
    if optimizer is not None and not updates:
        raise DescriptionError(
            "this is no optimizer",
            where="optimizer",
            given=repr(optimizer),
            expected="None, or an object with a method update(values, gradient)",
            remedy="Give one with its learning rate, for example nr.Adam(1e-3) or nr.Sgd(0.1).",
        )
    if average not in (None, "steps"):
        raise unknown("average", average, ("steps",))
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise DescriptionError(
            "the batch is out of range", where="batch", given=batch, expected="1 or more"
        )


def check_both(rewiring: Mapping[str, Rewiring], feedback: Mapping[str, Any] | None) -> None:
    """Refuses feedback weights that are given one by one for synapses that come and go.

    Raises:
        BuildError: they are.
    """
    for name, value in (feedback or {}).items():
        if name in rewiring and np.ndim(value) == 1:
            raise BuildError(
                "synapses that come later would have no feedback weights",
                where=f"feedback: {name}",
                given=f"one weight for each of {np.size(value)} synapses that are rewired",
                expected="a number, a matrix (sources, targets) or a distribution",
            )


def rewirings(
    net: Network, rewiring: Rewiring | Mapping[str, Rewiring] | None
) -> dict[str, Rewiring]:
    """Name of a projection -> how it is rewired; empty if the wiring is fixed.

    Raises:
        DescriptionError: there is no such projection that learns, or this is no such method.
    """
    learned = [name for name, projection in net.projections.items() if projection.learn]
    if rewiring is None:
        return {}
    if isinstance(rewiring, Rewiring):
        return dict.fromkeys(learned, rewiring)
    if not isinstance(rewiring, Mapping):
        raise DescriptionError(
            "this is not a way to rewire",
            where="rewiring",
            given=repr(rewiring),
            expected='a method such as DeepR(), or a dict {"recurrent": DeepR()}',
        )
    for name, method in rewiring.items():
        if name not in learned:
            raise unknown("projection that learns", name, learned, where="rewiring")
        if not isinstance(method, Rewiring):
            raise DescriptionError(
                "this is not a way to rewire",
                where=f"rewiring: {name}",
                given=repr(method),
                expected="a method such as DeepR()",
            )
    return dict(rewiring)
