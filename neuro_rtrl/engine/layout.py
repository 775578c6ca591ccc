"""Schema 1 of a run file: which groups, datasets, attributes and scales there are (`docs/hdf5.md`).

Flags are stored as 0 and 1: netCDF readers do not know HDF5's boolean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuro_rtrl.engine import rows
from neuro_rtrl.engine.growing import Growing, packing

SCHEMA = "neuro_rtrl"
SCHEMA_VERSION = 1
RESERVED = ("schema", "schema_version", "dt", "complete", "compression")
GROUPS = ("provenance", "spikes", "states", "loss", "weights", "ledger")
INFLUENCE = ("value", "unit", "state", "learned", "number", "step")
LOSS_ROWS = 1024
PACKED_BYTES = 4096
"""Arrays below this stay unpacked: the index of their chunks would be larger than what is saved."""

Counts = Mapping[str, Any]
"""Names to numbers, arrays of numbers, or again `Counts`."""


def write_header(file: Any, provenance: Mapping[str, str | int | float], how: Storage) -> None:
    """The root attributes and the groups that every file has."""
    facts = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "dt": float(how.dt), "complete": 0}
    file.attrs.update(facts | {"compression": how.compression or "none"} | dict(provenance))
    for name in GROUPS:
        file.create_group(name)


@dataclass(frozen=True)
class Kinds:
    """What is recorded: population -> units, state -> numbers of its units, state -> its unit,
    population whose influence is looked at -> names of what learns.
    """

    sizes: Mapping[str, int]
    recorded: Mapping[str, np.ndarray]
    units: Mapping[str, str]
    influence: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Storage:
    """How it is stored: step in seconds, values of a block, and as `Recorder` has them."""

    dt: float
    block: int
    compression: str | None
    precision: str


def make_tables(file: Any, kinds: Kinds, how: Storage) -> dict[str, Growing]:
    """All tables that grow, by the names of their groups."""
    common = (how.dt, how.block, how.compression)
    tables = {
        f"spikes/{name}": add_population(file, name, size, *common)
        for name, size in kinds.sizes.items()
    }
    for name, numbers in kinds.recorded.items():
        unit = kinds.units.get(name, "")
        table = add_state(file, name, numbers, *common, how.precision, unit)
        tables[f"states/{name}"] = table
    for name, learned in kinds.influence.items():
        tables[f"influence/{name}"] = add_influence(file, name, learned, *common, how.precision)
    return tables | {"loss": add_loss(file, how.compression)}


def add_population(
    file: Any, name: str, size: int, dt: float, block: int, compression: str | None
) -> Growing:
    """`/spikes/<name>`: one row per event."""
    group = file["spikes"].create_group(name)
    group.attrs["n"] = int(size)
    columns = {"unit": ("i8", ()), "step": ("i8", ())}
    table = Growing(group, columns, block, compression)
    _make_steps(table.columns["step"], dt)
    table.columns["unit"].dims[0].attach_scale(table.columns["step"])
    return table


def add_state(
    file: Any,
    name: str,
    units: np.ndarray,
    dt: float,
    block: int,
    compression: str | None,
    precision: str,
    unit: str,
) -> Growing:
    """`/states/<name>`: one row per recorded step, one column per recorded unit."""
    group = file["states"].create_group(name)
    columns = {"values": (precision, (len(units),)), "step": ("i8", ())}
    table = Growing(group, columns, max(1, block // len(units)), compression)
    numbers = group.create_dataset("unit", data=units)
    numbers.make_scale("unit")
    _make_steps(table.columns["step"], dt)
    values = table.columns["values"]
    values.dims[0].attach_scale(table.columns["step"])
    values.dims[1].attach_scale(numbers)
    if unit:
        values.attrs["units"] = unit
    return table


def add_influence(
    file: Any,
    name: str,
    learned: Sequence[str],
    dt: float,
    block: int,
    compression: str | None,
    precision: str,
) -> Growing:
    """`/influence/<name>`: one row per entry that is not zero."""
    group = file.require_group("influence").create_group(name)
    group.attrs["learned"] = "\n".join(learned)
    numbers = dict.fromkeys(INFLUENCE[1:], ("i8", ()))
    table = Growing(group, {"value": (precision, ()), **numbers}, block, compression)
    _make_steps(table.columns["step"], dt)
    for column in INFLUENCE[:-1]:
        table.columns[column].dims[0].attach_scale(table.columns["step"])
    return table


def add_loss(file: Any, compression: str | None) -> Growing:
    """`/loss`: one row per iteration."""
    columns = {"loss": ("f8", ()), "score": ("f8", ()), "iteration": ("i8", ())}
    table = Growing(file["loss"], columns, LOSS_ROWS, compression)
    table.columns["iteration"].make_scale("iteration")
    for name in ("loss", "score"):
        table.columns[name].dims[0].attach_scale(table.columns["iteration"])
    return table


def _make_steps(dataset: Any, dt: float) -> None:
    dataset.make_scale("step")
    dataset.attrs["long_name"] = "step of the run; time = step * dt"
    dataset.attrs["dt"] = float(dt)


def keep_arrays(group: Any, arrays: Mapping[str, np.ndarray], compression: str | None) -> None:
    """Arrays of fixed shape, each a dataset of `group`."""
    for name, array in arrays.items():
        packed = compression if array.nbytes >= PACKED_BYTES else None
        group.create_dataset(name, data=array, **packing(packed))


def keep_weights(
    group: Any,
    when: str,
    values: Mapping[str, np.ndarray],
    synapses: Mapping[str, Mapping[str, np.ndarray]],
    compression: str | None,
) -> None:
    """`/weights/<when>`, and the ends of the synapses: once, and of the end again where synapses
    came or went.
    """
    keep_arrays(group.create_group(when), values, compression)
    known = group.require_group("indices")
    for name, ends in sorted(synapses.items()):
        if name in known and all(np.array_equal(known[name][e][:], ends[e]) for e in ends):
            continue
        place = known if when == "start" else group.require_group("indices_end")
        keep_arrays(place.create_group(name), ends, compression)


def keep_counts(group: Any, counts: Counts) -> None:
    """Numbers as attributes, arrays as datasets, mappings as groups; equal names are replaced."""
    for name, value in counts.items():
        if isinstance(value, Mapping):
            keep_counts(group.require_group(name), value)
        elif np.ndim(value) == 0:
            group.attrs[name] = value
        else:
            if name in group:
                del group[name]
            group.create_dataset(name, data=np.asarray(value))


def check_counts(counts: Counts, where: str) -> None:
    """Refuses what `keep_counts` could not keep."""
    for name, value in counts.items():
        rows.require_usable(name, where)
        place = f"{where}: {name}"
        if isinstance(value, Mapping):
            check_counts(value, place)
            continue
        kind = np.asarray(value).dtype.kind
        rows.require(kind in "fiu", "not a count", place, repr(value), "numbers or names of such")
