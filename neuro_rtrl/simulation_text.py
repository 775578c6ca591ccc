"""Reads a simulation's text: a network without a task, events for its inputs, and what to record.

`network`, `populations` and `projections` are those of an experiment. Besides there are

* `[models.NAME]`: a model of the text's own, in the form of `make_model`;
* `[inputs.NAME]`: events of an input population (`simulation_inputs.py`);
* `[simulation]`: its `duration`;
* `[record]`: `states`, `units` of each, `every` so many steps, `compression`;
* `[replace]`: "section.key" = value, put in place of what an extended text says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuro_rtrl.contracts import SECOND, Model
from neuro_rtrl.equations.model_inline import make_model
from neuro_rtrl.equations.units import quantity
from neuro_rtrl.errors import DescriptionError, NeuroRtrlError, unknown
from neuro_rtrl.experiment_files import named_file, read_values
from neuro_rtrl.experiment_keys import Table, apply_override, apply_settings, is_number
from neuro_rtrl.experiment_memory import check_network
from neuro_rtrl.experiment_network import describe
from neuro_rtrl.experiment_sections import (
    COMPRESSIONS,
    PopulationText,
    ProjectionText,
    read_populations,
    read_projection,
)
from neuro_rtrl.network.describe import Network
from neuro_rtrl.simulation_inputs import Source, read_source

MOST_STEPS = 10**9
_SECTIONS = (
    "summary", "reference", "replace", "network", "models", "populations", "projections", "inputs",
    "simulation", "record",
)  # fmt: skip
_MODEL_LINES = ("method", "threshold", "reset", "refractory", "summary", "reference")
_MODEL_TABLES = ("parameters", "synapses", "initial")


@dataclass(frozen=True)
class SimulationText:
    """A simulation's text, checked.

    Attributes:
        steps: duration in steps of `dt`.
        sources: events of the input populations, in the order of the populations.
        states: "population.state" -> numbers of the recorded units; "projection.w" -> those of
            synapses, where the projection is plastic (at most: it may have fewer).
        every: steps from one record of the states to the next.
        values: the whole text as plain values, with everything applied.
    """

    name: str
    file: Path
    summary: str
    reference: str
    dt: str
    seed: int
    steps: int
    populations: tuple[PopulationText, ...]
    projections: tuple[ProjectionText, ...]
    sources: tuple[Source, ...]
    states: Mapping[str, range]
    every: int
    compression: str
    values: Mapping[str, Any]


def load_simulation(name: str | Path, overrides: Iterable[str] = ()) -> SimulationText:
    """Reads and checks a simulation.

    Args:
        name: a shipped simulation, or the path of a `.toml` file.
        overrides: `section.key=value` each; the value is TOML, bare words are texts.

    Raises:
        DescriptionError: something in the text or in an override is wrong.
        RunFileError: the file cannot be read.

    >>> load_simulation("cuba", ["simulation.duration='50 ms'"]).steps
    500
    """
    file = named_file("simulations", name)
    values = read_values("simulations", file)
    top = Table(values, file)
    for key, value in top.table("replace").values.items():
        apply_override(values, key, value, where=top.place("replace"))
    apply_settings(values, overrides)
    return check_simulation(values, file)


def check_simulation(values: dict[str, Any], file: Path) -> SimulationText:
    """Checks a text that has been read.

    Raises:
        DescriptionError: something in it is wrong; the error names file and key.
    """
    top = Table(values, file)
    if "task" in values or "learning" in values:
        raise DescriptionError(
            "this text learns: it is an experiment",
            where=top.place("task" if "task" in values else "learning"),
            given="a task, or rules of learning",
            expected="a simulation, with a section [simulation]",
            remedy=f"Use: neuro-rtrl run {file}",
        )
    top.only(_SECTIONS, "section")
    network = top.table("network")
    network.only(("dt", "seed", "max_memory"))
    models = _models(top.table("models"))
    populations = read_populations(top.table("populations", required=True), models)
    projections = tuple(read_projection(t, populations) for t in top.tables("projections"))
    check_network(network, populations, projections)
    dt, record = network.time("dt", "0.1 ms"), top.table("record")
    record.only(("states", "units", "every", "compression"))
    return SimulationText(
        name=file.stem,
        file=file,
        summary=top.text("summary"),
        reference=top.text("reference", "none"),
        dt=dt,
        seed=network.whole("seed", 0, minimum=0),
        steps=_steps(top.table("simulation", required=True), quantity(dt, SECOND)),
        populations=populations,
        projections=projections,
        sources=_sources(top.table("inputs"), populations),
        states=_states(record, populations, projections),
        every=record.whole("every", 1),
        compression=record.choice("compression", COMPRESSIONS, "gzip"),
        values=values,
    )


def make_network(text: SimulationText) -> Network:
    """The network, drawn from the text's seed.

    Raises:
        NeuroRtrlError: a value does not fit where it stands.
    """
    return describe(text.file.name, text.dt, text.seed, text.populations, text.projections)


def _models(table: Table) -> dict[str, Model]:
    made = {}
    for name in table.values:
        own = table.table(name)
        own.only(("equations", *_MODEL_LINES, *_MODEL_TABLES))
        given: dict[str, Any] = {k: own.text(k) for k in _MODEL_LINES if k in own.values}
        for key in _MODEL_TABLES:
            given[key] = dict(own.table(key).values)
            _check_entries(own.table(key), given[key], texts=key == "synapses")
        try:
            made[name] = make_model(own.text("equations"), name=name, **given)
        except NeuroRtrlError as error:
            raise error.at(table.place(name)) from error
    return made


def _check_entries(table: Table, entries: Mapping[str, Any], *, texts: bool) -> None:
    for key, value in entries.items():
        if not isinstance(value, str) and (texts or not is_number(value)):
            expected = "a text such as 'v += w'" if texts else "a number, or a text such as '20 ms'"
            raise table.refuse(key, "not what a model's text may say", expected)


def _steps(table: Table, dt: float) -> int:
    table.only(("duration",))
    table.need("duration", "a time, such as '1 s'")
    steps = round(quantity(table.time("duration", "1 s"), SECOND) / dt)
    if not 0 < steps <= MOST_STEPS:
        expected = f"a time of 1 to {MOST_STEPS} steps of {dt:g} s"
        raise table.refuse("duration", "the duration is out of range", expected)
    return steps


def _sources(table: Table, populations: tuple[PopulationText, ...]) -> tuple[Source, ...]:
    sizes = {p.name: p.n for p in populations if p.model is None}
    for name in table.values:
        if name not in sizes:
            raise unknown("input population", name, sizes, where=table.place(name))
    for name in sizes:
        table.need(name, "a table with a rate, or with times and units: events of these inputs")
    return tuple(read_source(name, table.table(name), n) for name, n in sizes.items())


def _states(
    record: Table,
    populations: tuple[PopulationText, ...],
    projections: tuple[ProjectionText, ...],
) -> dict[str, range]:
    sizes = {f"{p.name}.{s.name}": p.n for p in populations if p.model for s in p.model.states}
    for options in (p.options for p in projections):
        if "plasticity" in options and "name" in options:
            states = options["plasticity"]["name"].states
            sizes |= {f"{options['name']}.{s.name}": record.whole("units", 3) for s in states}
    units, found = record.whole("units", 3), {}
    for name in record.names("states"):
        if name not in sizes:
            raise unknown("state", name, sizes, where=record.place("states"))
        found[name] = range(min(units, sizes[name]))
    return found
