"""The section `[learning]` of an experiment's text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neuro_rtrl import registry
from neuro_rtrl.errors import NeuroRtrlError, unknown
from neuro_rtrl.experiment_keys import Table, is_number
from neuro_rtrl.experiment_optimizer import OptimizerText, read_optimizer
from neuro_rtrl.experiment_sections import PopulationText, numbers_or_text
from neuro_rtrl.learner_options import FiringRate

LOSSES = ("mse", "sse", "bce", "cross_entropy")
PRECISIONS = ("float32", "float64")
_LEARNING_KEYS = (
    "rule",
    "optimizer",
    "loss",
    "update",
    "precision",
    "iterations",
    "average",
    "firing_rate",
    "feedback",
    "rewiring",
)


@dataclass(frozen=True)
class LearningText:
    """How to learn; `update` is "step", "sequence" or a number of steps.

    `average` and what follows are options of `Learner`; rules without feedback weights make no use
    of `feedback`. `rewiring` names projections of the network: `experiment_rewiring` reads it.
    """

    rule: str
    optimizer: OptimizerText
    loss: str
    update: str | int
    precision: str
    iterations: int
    average: str | None
    firing_rate: FiringRate | None
    feedback: Mapping[str, Any]
    rewiring: Table | None


def read_learning(table: Table, populations: tuple[PopulationText, ...]) -> LearningText:
    """`[learning]`: registered names, and counts of at least 1."""
    table.only(_LEARNING_KEYS)
    update = table.values.get("update", "step")
    if isinstance(update, int):
        update = table.whole("update")
    elif update not in ("step", "sequence"):
        raise table.refuse("update", "not a time to update", "'step', 'sequence', or a count")
    return LearningText(
        rule=_rule(table),
        optimizer=read_optimizer(table),
        loss=table.choice("loss", LOSSES, "mse"),
        update=update,
        precision=table.choice("precision", PRECISIONS, "float32"),
        iterations=table.whole("iterations"),
        average=table.choice("average", ("steps",)) if "average" in table.values else None,
        firing_rate=_firing_rate(table, populations),
        feedback=_feedback(table.table("feedback")),
        rewiring=table.table("rewiring") if "rewiring" in table.values else None,
    )


def _firing_rate(learning: Table, populations: tuple[PopulationText, ...]) -> FiringRate | None:
    """`[learning.firing_rate]`: populations that exist, and two numbers."""
    if "firing_rate" not in learning.values:
        return None
    table = learning.table("firing_rate")
    table.only(("populations", "coefficient", "target"))
    names = [p.name for p in populations if p.model is not None]
    for name in table.names("populations"):
        if name not in names:
            raise unknown("population", name, names, where=table.place("populations"))
    numbers = {key: table.values[key] for key in ("coefficient", "target") if key in table.values}
    for key, value in numbers.items():
        if not is_number(value):
            raise table.refuse(key, "not a number", "a number")
    try:
        return FiringRate(table.names("populations"), **numbers)
    except NeuroRtrlError as error:
        raise error.at(learning.place()) from error


def _feedback(table: Table) -> dict[str, Any]:
    """`[learning.feedback]`: projection -> weights, in the forms of `[[projections]]`."""
    return {name: numbers_or_text(table, name) for name in table.values}


def _rule(table: Table) -> str:
    """A rule's name; only one of a family ("snap-2") has to be made to be checked."""
    name = table.text("rule", "rtrl")
    if name not in registry.files("rules"):
        registry.find("rules", name, where=table.place("rule"))
    return name
