"""The tables of a comparison: a row for each job, one for each rule, and both in HDF5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neuro_rtrl.compare_gradient import FIGURES
from neuro_rtrl.compare_gradient import mean as mean_of
from neuro_rtrl.engine.growing import disk_errors
from neuro_rtrl.engine.provenance import collect

FLOATS = ("loss", "score", *FIGURES, "multiply_adds_per_step", "seconds", "live_entries")
COUNTS = ("seed", "multiply_adds", "peak_bytes", "resident_bytes", "iterations", "steps")
AVERAGED = (*FLOATS, "multiply_adds", "peak_bytes", "resident_bytes")
SCHEMA, SCHEMA_VERSION = "neuro_rtrl comparison", 1


def by_rule(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row for each rule: means over its seeds, and `*_spread`, their standard deviation.

    >>> found = by_rule([{"rule": "a", "seed": s, "loss": s, "error": None} for s in (1.0, 3.0)])
    >>> found[0]["loss"], found[0]["loss_spread"], found[0]["seeds"], found[0]["score"]
    (2.0, 1.0, 2, None)
    """
    names = list(dict.fromkeys(row["rule"] for row in rows))
    table = []
    for name in names:
        mine = [row for row in rows if row["rule"] == name]
        good = [row for row in mine if row["error"] is None]
        errors = list(dict.fromkeys(row["error"] for row in mine if row["error"] is not None))
        one: dict[str, Any] = {"rule": name, "seeds": len(good)}
        for key in AVERAGED:
            values = [row.get(key) for row in good]
            one[key] = mean_of(values)
            found = [value for value in values if value is not None]
            one[f"{key}_spread"] = float(np.std(found)) if found else None
        table.append({**one, "error": errors[0] if errors else None})
    return table


def write_hdf5(file: Path, rows: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]) -> None:
    """All rows, curves and probes as one HDF5 file (docs/hdf5.md), there whole or not at all.

    Raises:
        RunFileError: the file cannot be written.
    """
    part = file.with_name(f".{file.name}")
    with disk_errors(file):
        with h5py.File(part, "w") as h5:
            header = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **facts}
            seed = min((int(row["seed"]) for row in rows), default=0)
            h5.attrs.update(collect(seed) | header)
            _write_rows(h5.create_group("rows"), rows)
            for row in rows:
                if row["error"] is None:
                    _write_course(h5, row)
        part.replace(file)


def _write_rows(group: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    text = h5py.string_dtype()
    for key in ("rule", "error"):
        group.create_dataset(key, data=[row[key] or "" for row in rows], dtype=text)
    for key in FLOATS:
        group[key] = np.array([_number(row[key]) for row in rows])
    for key in COUNTS:
        group[key] = np.array([-1 if row[key] is None else row[key] for row in rows], np.int64)


def _write_course(h5: Any, row: Mapping[str, Any]) -> None:
    """What one job was like on the way: loss of each iteration, and the probes."""
    group = h5.create_group(f"courses/{row['rule']}/{row['seed']}")
    group["loss"] = np.array([_number(value) for value in row["curve"]])
    probes = row["probes"]
    group["probes/iteration"] = np.array([probe["iteration"] for probe in probes], np.int64)
    for key in FIGURES:
        group[f"probes/{key}"] = np.array([_number(probe[key]) for probe in probes])


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)
