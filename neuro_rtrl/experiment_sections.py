"""The sections of an experiment's text: what each may hold, and as what it is handed on.

Every reader takes a `Table`, refuses what it does not know, and returns a plain value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neuro_rtrl import registry
from neuro_rtrl.contracts import Model
from neuro_rtrl.equations.model_text import load_model
from neuro_rtrl.equations.synapse_text import load_synapse
from neuro_rtrl.errors import DescriptionError, NeuroRtrlError, unknown
from neuro_rtrl.experiment_influence import InfluenceText, read_influence
from neuro_rtrl.experiment_keys import Table, is_number
from neuro_rtrl.network.pair_values import is_expression

_NEURON_LINES = ("threshold", "reset", "refractory", "method")
_NEURON_TABLES = ("surrogate", "initial", "parameters")
_NEURON_KEYS = ("n", "model", "learn", "reset_gradient", *_NEURON_LINES, *_NEURON_TABLES)
_PROJECTION_KEYS = (
    "source",
    "target",
    "name",
    "density",
    "indegree",
    "outdegree",
    "one_to_one",
    "pairs",
    "weights",
    "delay",
    "port",
    "learn",
    "self_connections",
    "plasticity",
    "modulator",
)
_RECORD_KEYS = ("spikes", "states", "units", "test_every", "compression", "influence")
COMPRESSIONS = ("gzip", "lzf", "zstd", "none")


@dataclass(frozen=True)
class PopulationText:
    """A population: `model` is None for inputs; `options` are arguments of `Network.neurons`."""

    name: str
    n: int
    model: Model | None
    options: Mapping[str, Any]


@dataclass(frozen=True)
class ProjectionText:
    """A projection: `options` are arguments of `Network.connect`."""

    source: str
    target: str
    options: Mapping[str, Any]
    place: str


@dataclass(frozen=True)
class NamedOptions:
    """A registered name and the options it is called with."""

    name: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class RecordText:
    """What to keep: names of populations, of states (`POPULATION.STATE`), and how often to test.

    `compression` is "gzip", "lzf", "zstd" or "none"; `influence` is None if nothing is looked at.
    """

    spikes: tuple[str, ...]
    states: tuple[str, ...]
    units: int
    test_every: int
    compression: str
    influence: InfluenceText | None = None


def read_populations(
    table: Table, models: Mapping[str, Model] | None = None
) -> tuple[PopulationText, ...]:
    """`[populations.NAME]`: at least one; `models` are those that the text itself defines."""
    if not table.values:
        raise DescriptionError(
            "there are no populations",
            where=table.place(),
            given="nothing",
            expected="one table [populations.NAME] for each",
        )
    return tuple(_population(name, table.table(name), models or {}) for name in table.values)


def _population(name: str, table: Table, models: Mapping[str, Model]) -> PopulationText:
    if "inputs" in table.values:
        table.only(("inputs",))
        return PopulationText(name, table.whole("inputs"), None, {})
    table.only(("inputs", *_NEURON_KEYS))
    n = table.whole("n")
    model = models.get(table.text("model")) or _model(table)
    options: dict[str, Any] = {key: table.text(key) for key in _NEURON_LINES if key in table.values}
    if "reset_gradient" in table.values:
        named = isinstance(table.values["reset_gradient"], list)
        options["reset_gradient"] = (
            table.names("reset_gradient") if named else table.flag("reset_gradient", True)
        )
    options["parameters"] = dict(table.table("parameters").values)
    for key in ("surrogate", "initial"):
        if key in table.values:
            options[key] = dict(table.table(key).values)
    table.table("parameters").only(model.parameters, "parameter")
    table.table("initial").only([state.name for state in model.states], "state")
    for key in ("parameters", "initial"):
        _check_values(table.table(key), n)
    options["learn"] = table.names("learn")
    for parameter in options["learn"]:
        if parameter not in model.parameters:
            raise unknown("parameter", parameter, model.parameters, where=table.place("learn"))
    return PopulationText(name, n, model, options)


def _model(table: Table) -> Model:
    """The model of a population; a path is looked for beside the experiment's file first."""
    given = table.text("model")
    beside = table.folder / given
    try:
        return load_model(beside if given.endswith(".toml") and beside.is_file() else given)
    except NeuroRtrlError as error:
        raise error.at(table.place("model")) from error


def _check_values(table: Table, n: int) -> None:
    """Values of units: a number, a text, or a list of `n` numbers."""
    expected = f"a number, a text such as '20 ms', or a list of {n} numbers"
    for key, value in table.values.items():
        is_list = isinstance(value, list) and len(value) == n and all(map(is_number, value))
        if not (is_number(value) or is_list or (isinstance(value, str) and value.strip())):
            raise table.refuse(key, "not a value of the units", expected)


def read_projection(table: Table, populations: tuple[PopulationText, ...]) -> ProjectionText:
    """One `[[projections]]`, between populations that exist."""
    table.only(_PROJECTION_KEYS)
    by_name = {p.name: p for p in populations}
    source = table.choice("source", by_name)
    target = by_name[table.choice("target", by_name)]
    if target.model is None:
        raise table.refuse("target", "inputs receive nothing", "a population of neurons")
    options: dict[str, Any] = {k: table.text(k) for k in ("name",) if k in table.values}
    if "port" in table.values:
        options["port"] = table.choice("port", target.model.ports)
    if "density" in table.values:
        chance = table.values["density"]
        text = isinstance(chance, str) and is_expression(chance)
        options["density"] = chance if text else table.fraction("density", 1.0)
    for key in ("indegree", "outdegree"):
        if key in table.values:
            options[key] = table.whole(key, minimum=0)
    for key in ("learn", "self_connections", "one_to_one"):
        if key in table.values:
            options[key] = table.flag(key, True)
    for key in ("weights", "delay"):
        if key in table.values:
            options[key] = numbers_or_text(table, key)
    if "pairs" in table.values:
        options["pairs"] = _pairs(table)
    if "modulator" in table.values:
        options["modulator"] = table.choice("modulator", by_name)
    if "plasticity" in table.values:
        options["plasticity"] = _plasticity(table)
    return ProjectionText(source, target.name, options, table.place())


def _plasticity(table: Table) -> dict[str, Any]:
    """A synapse model's name, or a table with its name and parameters."""
    value = table.values["plasticity"]
    options = {"name": value} if isinstance(value, str) else dict(table.table("plasticity").values)
    name = options.get("name")
    if not isinstance(name, str):
        raise table.refuse(
            "plasticity", "no synapse model is named", "'stdp', or { name = 'stdp', ... }"
        )
    beside = table.folder / name
    try:
        made = load_synapse(beside if name.endswith(".toml") and beside.is_file() else name)
    except NeuroRtrlError as error:
        raise error.at(table.place("plasticity")) from error
    return options | {"name": made}


def numbers_or_text(table: Table, key: str) -> Any:
    """Weights or delays, as they are handed on to `Network.connect`."""
    value = table.values[key]
    rows = value if isinstance(value, list) else [value]
    flat = [x for row in rows for x in (row if isinstance(row, list) else [row])]
    if not (isinstance(value, str) and value.strip()) and not all(map(is_number, flat)):
        raise table.refuse(
            key, "not numbers", "a number, a list of numbers, or a text such as 'normal(0, 0.1)'"
        )
    return value


def _pairs(table: Table) -> tuple[list[int], list[int]]:
    value = table.values["pairs"]
    two = isinstance(value, list) and len(value) == 2 and all(isinstance(v, list) for v in value)
    if (
        not two
        or len(value[0]) != len(value[1])
        or not all(type(unit) is int and unit >= 0 for side in value for unit in side)
    ):
        raise table.refuse("pairs", "not pairs of units", "two lists of unit numbers of one length")
    return value[0], value[1]


def read_task(table: Table) -> NamedOptions:
    """`[task]`: a registered name, and options that its `make` takes."""
    name = table.choice("name", registry.files("tasks"))
    options = {key: value for key, value in table.values.items() if key != "name"}
    registry.check_options("tasks", name, options, where=table.place())
    return NamedOptions(name, options)


def read_record(table: Table, populations: tuple[PopulationText, ...]) -> RecordText:
    """`[record]`: names of populations and states that exist."""
    table.only(_RECORD_KEYS)
    names = [p.name for p in populations]
    for population in table.names("spikes"):
        if population not in names:
            raise unknown("population", population, names, where=table.place("spikes"))
    states = [f"{p.name}.{state.name}" for p in populations if p.model for state in p.model.states]
    for state in table.names("states"):
        if state not in states:
            raise unknown("state", state, states, where=table.place("states"))
    return RecordText(
        spikes=table.names("spikes"),
        states=table.names("states"),
        units=table.whole("units", 8),
        test_every=table.whole("test_every", 100),
        compression=table.choice("compression", COMPRESSIONS, "gzip"),
        influence=read_influence(table, {p.name: p.n for p in populations if p.model}),
    )
