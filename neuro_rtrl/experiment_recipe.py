"""Weights that a task's recipe fixes: "task.NAME" in an experiment's text."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from neuro_rtrl.contracts import Recipe, Task
from neuro_rtrl.errors import BuildError, unknown
from neuro_rtrl.experiment_sections import ProjectionText
from neuro_rtrl.network.auxiliary import readouts
from neuro_rtrl.network.describe import Network

PREFIX = "task."


def with_recipe(
    projections: tuple[ProjectionText, ...], make_task: Callable[[], Task]
) -> tuple[ProjectionText, ...]:
    """Projections whose weights are the numbers of the recipe, where a text asks for them.

    Args:
        projections: as read.
        make_task: makes the task; called only if there is need.

    Raises:
        BuildError: the task has no weights; DescriptionError: none of that name.
    """
    made = []
    for projection in projections:
        given = projection.options.get("weights")
        if isinstance(given, str) and _is_of_task(given):
            weights = weights_of(given, make_task, f"{projection.place}.weights")
            options = {**projection.options, "weights": weights}
            projection = dataclasses.replace(projection, options=options)
        made.append(projection)
    return tuple(made)


def feedback_of(
    feedback: Mapping[str, Any], make_task: Callable[[], Task], place: str
) -> dict[str, Any]:
    """Feedback weights with the numbers of the recipe, where a text asks for them."""
    return {
        name: weights_of(given, make_task, f"{place}.{name}") if _is_of_task(given) else given
        for name, given in feedback.items()
    }


def weights_of(given: str, make_task: Callable[[], Task], place: str) -> np.ndarray:
    """The matrix (sources, targets) that "task.NAME" stands for."""
    task, name = make_task(), given.strip().removeprefix(PREFIX)
    if not isinstance(task, Recipe):
        raise BuildError(
            "the recipe of this task fixes no weights",
            where=place,
            given=repr(given),
            expected="a task such as pattern_generation, or evidence_accumulation with recipe_seed",
        )
    if name not in task.weights:
        raise unknown("weights of the task", name, task.weights, where=place)
    return task.weights[name]


def check_feedback(feedback: Mapping[str, Any], network: Network, file: str) -> None:
    """Refuses feedback for what is not a projection to a readout."""
    targets = readouts(network)
    known = [name for name, p in network.projections.items() if p.target in targets]
    for name in feedback:
        if name not in known:
            raise unknown(
                "projection to a readout", name, known, where=f"{file}: learning.feedback"
            )


def _is_of_task(given: Any) -> bool:
    return isinstance(given, str) and given.strip().startswith(PREFIX)
