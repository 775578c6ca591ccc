"""What a checkpoint says of its run, and which checkpoint of a folder can be gone on with."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

from neuro_rtrl.engine import checkpoint
from neuro_rtrl.engine.parts import sound_rows
from neuro_rtrl.engine.snapshot import Snapshot
from neuro_rtrl.errors import DamagedWarning, RunFileError
from neuro_rtrl.experiment_text import Experiment, check_experiment


def said(found: Snapshot, name: str, *tables: str) -> dict[str, Any]:
    """One of the texts of a checkpoint, read.

    Args:
        found: the checkpoint.
        name: of the text.
        tables: what has to be in it.

    Raises:
        RunFileError: it is none that a run has written.
    """
    try:
        read = json.loads(found.notes[f"/{name}"]["value"])
        if all(isinstance(table, dict) for table in (read, *(read[key] for key in tables))):
            return dict(read)
        problem = "another kind of value"
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        problem = f"{type(error).__name__}: {error}"
    raise _damaged(name, problem, f"a table with {tables}" if tables else "a table as JSON")


def recorded(found: Snapshot) -> dict[str, Any]:
    """What was recorded until a checkpoint: `rows` of each table, and `last` steps.

    Raises:
        RunFileError: it is not what a run has written.
    """
    read = said(found, "recorder", "rows", "last")
    numbers = [*read["rows"].values(), *read["last"].values()]
    if not all(type(number) is int for number in numbers):
        raise _damaged("recorder", numbers, "whole numbers")
    return read


def _damaged(name: str, given: object, expected: str) -> RunFileError:
    return RunFileError(
        "the checkpoint is damaged",
        where=f"checkpoint: /index: {name}",
        given=given,
        expected=expected,
        remedy="It is damaged or forged: start again with --force.",
    )


def kept_experiment(found: Snapshot) -> Experiment:
    """The experiment of a checkpoint.

    Raises:
        DescriptionError: this version of the package does not take it.
    """
    text = said(found, "experiment", "values")
    return check_experiment(text["values"], Path(str(text.get("file", "experiment.toml"))))


def choose(folder: Path) -> Snapshot | None:
    """The last checkpoint that can be gone on with; None if there is none.

    A checkpoint that is damaged, or whose recorded rows are, is warned of, and the one before is
    taken; if no other is left, the run begins anew.
    """
    rows, sound = sound_rows(folder), []
    for file in reversed(checkpoint.numbered(folder)):
        try:
            found = checkpoint.read(file)
            wanted = recorded(found)["rows"]
        except RunFileError as error:
            warnings.warn(f"{error} The one before is used.", DamagedWarning, stacklevel=2)
            continue
        sound.append(found)
        there = bool(rows) or not begun(found)
        if there and all(rows.get(table, 0) >= count for table, count in wanted.items()):
            return found
        text = f"{file}: what was recorded until then is damaged or missing; the run goes back."
        warnings.warn(text, DamagedWarning, stacklevel=2)
    return _at_the_start(sound[0]) if sound else None


def begun(found: Snapshot) -> bool:
    """Whether a checkpoint holds more than the beginning of a run."""
    read = recorded(found)
    return bool(read.get("begun", read["rows"]))


def _at_the_start(found: Snapshot) -> Snapshot:
    """The same run without any iteration."""
    nothing = {"value": json.dumps({"rows": {}, "last": {}})}
    return replace(found, notes=found.notes | {"/recorder": nothing})
