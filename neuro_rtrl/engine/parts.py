"""Runs in several files: cut back to a checkpoint, and joined in the end (`docs/hdf5.md`).

At a checkpoint the file of a run is closed and gets a name of its own: what lies before a
checkpoint is never written again. All that happens here happens to one file at a time and by
renaming, so that a process killed in between can do it once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neuro_rtrl.engine.columns import sized
from neuro_rtrl.engine.growing import disk_errors
from neuro_rtrl.engine.layout import RESERVED
from neuro_rtrl.engine.opening import (
    PARTS,
    RUN_FILE,
    merged_name,
    next_part,
    open_file,
    open_parts,
    parts,
    whole,
    without_gap,
)
from neuro_rtrl.engine.recorder import Recorder
from neuro_rtrl.engine.run_file import RunFile
from neuro_rtrl.errors import RunFileError


def join(folder: Path, rows: Mapping[str, int]) -> None:
    """Makes one `run.h5` of all parts of a run, and removes them.

    Args:
        folder: of the run.
        rows: table -> rows that were recorded.

    Raises:
        RunFileError: one of them cannot be read, rows are missing, or the disk is full.
    """
    target = folder / RUN_FILE
    if not parts(folder):
        return
    files = open_parts(target)
    try:
        held = RunFile(files, target).rows
        left = {
            table: n - held.get(table, 0) for table, n in rows.items() if n > held.get(table, 0)
        }
        if left:
            raise missing(folder, left)
        if not whole(files[-1]):
            rewrite(files, target, {})
    finally:
        for file in files:
            file.close()
    remove_parts(folder)


def merge(folder: Path, most: int = 64) -> None:
    """Makes one part of all closed ones, if they are more than `most`.

    Raises:
        RunFileError: one of them cannot be read, or the disk is full.
    """
    closed = parts(folder)
    if len(closed) > most:
        files = [open_file(part) for part in closed]
        rewrite(files, folder / merged_name(closed), {})
        for file in files:
            file.close()
        remove_parts(folder, but=folder / merged_name(closed))


def remove_parts(folder: Path, but: Path | None = None) -> None:
    """Removes all parts, merged ones too, but one."""
    _remove([part for part in folder.glob(PARTS) if part != but])


def cut_back(folder: Path, rows: Mapping[str, int], begun: bool) -> None:
    """Leaves nothing in a run's folder but closed parts that end with the rows of a checkpoint.

    Args:
        folder: of the run.
        rows: table -> rows that there were.
        begun: whether the first part stays, even without rows: it has the texts of the run.

    Raises:
        RunFileError: some of these rows are missing, or a file cannot be written.
    """
    last = folder / RUN_FILE
    if _is_whole(last):
        remove_parts(folder)
        with disk_errors(last):
            last.rename(next_part(folder))
    else:
        _remove([last])
    left = {table: count for table, count in rows.items() if count}
    for number, part in enumerate(parts(folder)):
        if not left and (number > 0 or not begun):
            _remove([part])
            continue
        held = _held(part)
        if any(count > left.get(table, 0) for table, count in held.items()):
            file = open_file(part)
            rewrite([file], part, {table: left.get(table, 0) for table in held})
            file.close()
        left = {table: count - held[table] for table, count in left.items() if count > held[table]}
    if left:
        raise missing(folder, left)


def sound_rows(folder: Path) -> dict[str, int]:
    """Table -> rows in the parts of a run whose checksums are right, up to the first that is not.

    A `run.h5` that holds the whole run takes the place of the parts.
    """
    last = folder / RUN_FILE
    total: dict[str, int] = {}
    for part in [last] if _is_whole(last) else without_gap(parts(folder)):
        try:
            held = _held(part)
        except RunFileError:
            break
        total = {table: count + total.get(table, 0) for table, count in held.items()}
    return total


def rewrite(files: list[Any], target: Path, limits: Mapping[str, int]) -> None:
    """One sealed file of several open ones, in the place of `target`.

    Args:
        files: open `h5py.File`s of one run, in their order.
        target: the path that the new file gets, once it is whole.
        limits: table -> rows at most.

    Raises:
        RunFileError: they cannot be read, or the new one cannot be written.
    """
    run, new = RunFile(files, target), target.with_suffix(".joined")
    new.unlink(missing_ok=True)
    recorder = Recorder(
        new,
        provenance={n: v for n, v in run.provenance.items() if n not in RESERVED},
        populations=run.populations,
        states={name: sized(files[0][f"states/{name}/unit"])[:] for name in run.states},
        dt=run.dt,
        units=run.states,
        influence=run.influences,
        **_storage(files[0]),
    )
    with recorder:
        for name, text in run.texts.items():
            recorder.attach(name, text)
        for when in sorted(run.kept_weights, reverse=True):  # the start first
            pairs = run.indices if when == "start" else run.indices_end
            recorder.weights(when, run.weights(when), pairs)
        left = dict(limits)
        for file in files:
            for table, count in _copy(file, recorder, left).items():
                left |= {table: left[table] - count} if table in left else {}
        recorder.ledger(run.ledger)
        recorder.close(run.complete)
    with disk_errors(target):
        new.replace(target)


def _copy(file: Any, recorder: Recorder, limits: Mapping[str, int]) -> dict[str, int]:
    """Appends the rows of a file, slice by slice, as far as they can be read."""
    done = {}
    for table, names in recorder.tables.items():
        columns = [file[f"{table}/{name}"] for name in names]
        length, at = min(len(column) for column in columns), 0
        length = min(length, limits.get(table, length))
        while at < length:
            stop = min(length, at + columns[0].chunks[0])
            try:
                slices = [column[at:stop] for column in columns]
            except OSError:
                break
            recorder.append_rows(table, *slices)
            at = stop
        done[table] = at
    return done


def _storage(file: Any) -> dict[str, Any]:
    """How the tables of a file are stored."""
    compression = str(file.attrs.get("compression", file["loss/loss"].compression or "none"))
    states = [group["values"].dtype for group in file["states"].values()]
    precision = states[0].name if states else np.dtype("float64").name
    return {"compression": None if compression == "none" else compression, "precision": precision}


def _held(part: Path) -> dict[str, int]:
    with RunFile([open_file(part)], part) as run:
        return run.rows


def _is_whole(file: Path) -> bool:
    if not file.is_file():
        return False
    try:
        with open_file(file) as opened:
            return whole(opened)
    except (RunFileError, OSError, KeyError):
        return False


def _remove(files: list[Path]) -> None:
    for file in files:
        with disk_errors(file):
            file.unlink(missing_ok=True)


def missing(folder: Path, rows: Mapping[str, int]) -> RunFileError:
    """The error for parts that hold less than a checkpoint says."""
    return RunFileError(
        "a part of the run is missing or damaged",
        where=str(folder),
        given=", ".join(f"{table}: {count} rows too few" for table, count in rows.items()),
        expected="the files that the run has written",
        remedy="Start the run again.",
    )


def repair(path: Path) -> dict[str, int]:
    """Makes a sealed file of one that a killed process has left, with all rows that can be read.

    Args:
        path: a run file, or the folder of a run, whose parts become one file.

    Returns:
        Table -> rows that were kept.

    Raises:
        RunFileError: nothing can be read, or the new file cannot be written.
    """
    path = path / RUN_FILE if path.is_dir() else path
    files = open_parts(path, checked=False)
    try:
        rewrite(files, path, {})
    finally:
        for file in files:
            file.close()
    if path.name == RUN_FILE:
        remove_parts(path.parent)
    return _held(path)
