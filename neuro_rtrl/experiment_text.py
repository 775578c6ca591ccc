"""Reads an experiment's text: every key and value is checked before anything is built.

The format is described in docs/architecture.md. `extends = "NAME"` takes another experiment as a
base (tables are merged, other values replaced); `[sweep.AXIS]` makes a sweep, whose axes are
tables `label = { "section.key" = value, ... }`: one run for every combination of labels.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuro_rtrl import registry
from neuro_rtrl.contracts import Optimizer, Task
from neuro_rtrl.errors import (
    BuildError,
    DescriptionError,
    NeuroRtrlError,
    enough_memory,
    unknown,
)
from neuro_rtrl.experiment_files import named_file, read_values
from neuro_rtrl.experiment_keys import Table, apply_override, apply_settings
from neuro_rtrl.experiment_learning import LearningText, read_learning
from neuro_rtrl.experiment_memory import check_network, check_trials
from neuro_rtrl.experiment_network import describe
from neuro_rtrl.experiment_optimizer import check_names, optimizer_of
from neuro_rtrl.experiment_recipe import check_feedback, feedback_of, with_recipe
from neuro_rtrl.experiment_rewiring import read_rewiring
from neuro_rtrl.experiment_sections import (
    NamedOptions,
    PopulationText,
    ProjectionText,
    RecordText,
    read_populations,
    read_projection,
    read_record,
    read_task,
)
from neuro_rtrl.network.describe import Network

_SECTIONS = (
    "summary",
    "reference",
    "extends",
    "network",
    "populations",
    "projections",
    "task",
    "learning",
    "record",
    "sweep",
)


@dataclass(frozen=True)
class SweepPoint:
    """One run of a sweep: axis -> label, and the values to set for it."""

    labels: Mapping[str, str]
    overrides: Mapping[str, Any]


@dataclass(frozen=True)
class Experiment:
    """An experiment's text, checked.

    Attributes:
        name: the file's name without its ending.
        values: the whole text as plain values, with `extends` and overrides applied.
        points: the runs of a sweep; empty for a single run.
    """

    name: str
    file: Path
    summary: str
    dt: str
    seed: int
    populations: tuple[PopulationText, ...]
    projections: tuple[ProjectionText, ...]
    task: NamedOptions
    learning: LearningText
    record: RecordText
    points: tuple[SweepPoint, ...]
    values: Mapping[str, Any]


def load_experiment(name: str | Path, overrides: Iterable[str] = ()) -> Experiment:
    """Reads and checks an experiment.

    Args:
        name: a shipped experiment, or the path of a `.toml` file.
        overrides: `section.key=value` each; the value is TOML, bare words are texts.

    Raises:
        DescriptionError: something in the text or in an override is wrong.
        RunFileError: the file cannot be read.

    >>> load_experiment("spiral", ["learning.iterations=5"]).learning.iterations
    5
    """
    file = named_file("experiments", name)
    values = read_values("experiments", file)
    apply_settings(values, overrides)
    experiment = check_experiment(values, file)
    for point in experiment.points:
        at_point(experiment, point)
    return experiment


def at_point(experiment: Experiment, point: SweepPoint) -> Experiment:
    """The single run at one point of a sweep.

    Raises:
        DescriptionError: a value of the point is wrong in its place.
    """
    values = copy.deepcopy(dict(experiment.values))
    del values["sweep"]
    where = f"{experiment.file.name}: sweep"
    for key, value in point.overrides.items():
        apply_override(values, key, value, where=where)
    return check_experiment(values, experiment.file)


def check_experiment(values: dict[str, Any], file: Path) -> Experiment:
    """Checks a text that has been read.

    Raises:
        DescriptionError: something in it is wrong; the error names file and key.
    """
    top = Table(values, file)
    top.only(_SECTIONS, "section")
    network = top.table("network")
    network.only(("dt", "seed", "max_memory"))
    populations = read_populations(top.table("populations", required=True))
    projections = tuple(read_projection(t, populations) for t in top.tables("projections"))
    check_network(network, populations, projections)
    experiment = Experiment(
        name=file.stem,
        file=file,
        summary=top.text("summary"),
        dt=network.time("dt", "1 ms"),
        seed=network.whole("seed", 0, minimum=0),
        populations=populations,
        projections=projections,
        task=read_task(top.table("task", required=True)),
        learning=read_learning(top.table("learning", required=True), populations),
        record=read_record(top.table("record"), populations),
        points=_points(top.table("sweep")),
        values=values,
    )
    with enough_memory(file.name):
        check_trials(top.table("task"), network, *_ends(experiment))
        _check_sizes(experiment)
        made = make_network(experiment)
    check_feedback(experiment.learning.feedback, made, top.file.name)
    check_names(experiment.learning.optimizer, made)
    read_rewiring(experiment.learning.rewiring, made)
    return experiment


def make_network(experiment: Experiment) -> Network:
    """The experiment's network, drawn from its seed; nothing is computed yet.

    Raises:
        NeuroRtrlError: a value does not fit where it stands.
    """
    return describe(
        experiment.file.name,
        experiment.dt,
        experiment.seed,
        experiment.populations,
        with_recipe(experiment.projections, lambda: make_task(experiment)),
    )


def make_feedback(experiment: Experiment) -> dict[str, Any] | None:
    """Projection -> weights through which errors pass to hidden units; None: those of the rule."""
    place = f"{experiment.file.name}: learning.feedback"
    given = experiment.learning.feedback
    return feedback_of(given, lambda: make_task(experiment), place) if given else None


def make_task(experiment: Experiment) -> Task:
    """The experiment's task, drawn from its seed.

    Raises:
        DescriptionError: an option is out of its range.
    """
    named = experiment.task
    # A stream of its own: the network draws from the seed itself.
    rng = np.random.default_rng([experiment.seed, 1])
    try:
        task: Task = registry.find("tasks", named.name)(rng, **named.options)
    except NeuroRtrlError as error:
        raise error.at(f"{experiment.file.name}: task") from error
    return task


def make_optimizer(experiment: Experiment) -> Optimizer:
    """The experiment's optimizer.

    Raises:
        DescriptionError: an option is out of its range.
    """
    return optimizer_of(experiment.learning.optimizer)


def _check_sizes(experiment: Experiment) -> None:
    """The task and the network have to agree on the number of inputs and outputs."""
    make_optimizer(experiment)
    task = make_task(experiment)
    inputs, outputs = _ends(experiment)
    for what, given, expected in (
        ("input units", inputs, task.inputs),
        ("units with a readout", outputs, task.outputs),
    ):
        if given != expected:
            raise BuildError(
                f"task '{experiment.task.name}' and the populations do not fit",
                where=f"{experiment.file.name}: populations",
                given=f"{given} {what}",
                expected=f"{expected}",
            )


def _points(table: Table) -> tuple[SweepPoint, ...]:
    """Every combination of the labels of all axes, the last axis running fastest."""
    axes = [_axis(axis, table.table(axis)) for axis in table.values if axis != "only"]
    only = table.table("only")
    only.only([name for name, _ in axes], "axis")
    chosen = []
    for name, labels in axes:
        wanted = only.names(name) or tuple(labels)
        for label in wanted:
            if label not in labels:
                raise unknown("label", label, labels, where=only.place(name))
        chosen.append([(name, label, labels[label]) for label in wanted])
    return tuple(
        SweepPoint(
            {name: label for name, label, _ in combination},
            {key: value for *_, values in combination for key, value in values.items()},
        )
        for combination in itertools.product(*chosen)
        if combination
    )


def _axis(name: str, table: Table) -> tuple[str, dict[str, Mapping[str, Any]]]:
    if not table.values:
        raise DescriptionError(
            "an axis without labels",
            where=table.place(),
            given="{}",
            expected="label = { 'section.key' = value }",
        )
    return name, {label: table.table(label).values for label in table.values}


def _ends(experiment: Experiment) -> tuple[int, int]:
    """Numbers of inputs and of units with a readout."""
    inputs = sum(p.n for p in experiment.populations if p.model is None)
    readouts = [p for p in experiment.populations if p.model and p.model.readout]
    return inputs, sum(p.n for p in readouts)
