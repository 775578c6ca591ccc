"""Checkpoints: a snapshot in a file that is whole or is not there (`docs/hdf5.md`).

A checkpoint is written under another name, brought to the disk and renamed, so that a process
killed at any instant leaves the one before; it is sealed with a checksum (engine/seal.py), which is
looked at before anything is parsed. There is no pickle in it: arrays, and JSON.
"""

from __future__ import annotations

import json
import re
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neuro_rtrl.engine.growing import disk_errors, require_space, sync
from neuro_rtrl.engine.opening import UNREADABLE, require_size
from neuro_rtrl.engine.seal import BLOCK, seal, sealed
from neuro_rtrl.engine.snapshot import Snapshot
from neuro_rtrl.errors import DamagedWarning, RunFileError

FOLDER = "checkpoints"
KEPT = 2
CHECKPOINT_VERSION = 1
PACKED_BYTES = 4096
_NAME = re.compile(r"\d{10,}(-\d{12,})?")


def write(folder: Path, number: int, found: Snapshot, within: int = 0) -> Path:
    """Writes checkpoint `number` of a run's folder, and removes all but the last two.

    Args:
        folder: of the run.
        number: iterations that are done.
        found: what is kept.
        within: steps that are done of the next iteration.

    Raises:
        RunFileError: the disk is full, or the folder cannot be written.
    """
    place = folder / FOLDER
    target = place / (f"{number:010d}-{within:012d}.h5" if within else f"{number:010d}.h5")
    new = target.with_suffix(".new")
    with disk_errors(target):
        place.mkdir(exist_ok=True)
        require_space(target, sum(array.nbytes for array in found.arrays.values()))
        try:
            _write(new, found)
            seal(new)
            new.replace(target)
        except BaseException:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            raise
        sync(place)
        for old in numbered(folder)[:-KEPT]:
            old.unlink(missing_ok=True)
    return target


def numbered(folder: Path) -> list[Path]:
    """The checkpoints of a run's folder, the oldest first."""
    files = (folder / FOLDER).glob("*.h5")
    return sorted(
        (file for file in files if _NAME.fullmatch(file.stem)), key=lambda file: file.stem
    )


def newest(folder: Path) -> tuple[Path, Snapshot] | None:
    """The last checkpoint that is sound; None if there is none. A damaged one is warned of."""
    for file in reversed(numbered(folder)):
        try:
            return file, read(file)
        except RunFileError as error:
            warnings.warn(f"{error} The one before is used.", DamagedWarning, stacklevel=2)
    return None


def remove(folder: Path) -> None:
    """Removes all checkpoints of a run's folder."""
    place = folder / FOLDER
    with disk_errors(place):
        for file in [*place.glob("*.h5"), *place.glob("*.new")]:
            file.unlink(missing_ok=True)
        if place.is_dir() and not any(place.iterdir()):
            place.rmdir()


def read(file: Path) -> Snapshot:
    """A checkpoint, once its checksum is right.

    Raises:
        RunFileError: it cannot be read, was damaged, or is of a newer make.
    """
    _check(file)
    try:
        with h5py.File(file, "r") as opened:
            version = int(opened.attrs["checkpoint_version"])
            if version > CHECKPOINT_VERSION:
                raise _refused(file, f"version {version}", f"version {CHECKPOINT_VERSION} or older")
            require_size(file, opened["index"], *opened["arrays"].values())
            index = json.loads(opened["index"].asstr()[()])
            flat = {name: data[:] for name, data in opened["arrays"].items()}
        where = index["arrays"].items()
        arrays = {place: _cut(flat[name], at, shape) for place, (name, at, shape) in where}
        return Snapshot(arrays, dict(index["notes"]))
    except UNREADABLE as error:
        raise _refused(file, error, "arrays and an index") from error


def _write(file: Path, found: Snapshot) -> None:
    """One dataset for each type of number, one array behind the other, and where they are."""
    by_type: dict[str, list[tuple[str, np.ndarray]]] = {}
    for place, array in found.arrays.items():
        by_type.setdefault(array.dtype.name, []).append((place, array))
    where: dict[str, tuple[str, int, tuple[int, ...]]] = {}
    with h5py.File(file, "w", userblock_size=BLOCK) as opened:
        opened.attrs["checkpoint_version"] = CHECKPOINT_VERSION
        group = opened.create_group("arrays")
        for name, arrays in by_type.items():
            size = sum(array.size for _, array in arrays)
            small = size * arrays[0][1].itemsize < PACKED_BYTES
            packed: dict[str, Any] = {} if small else {"compression": "gzip", "compression_opts": 1}
            data = group.create_dataset(name, (size,), arrays[0][1].dtype, **packed)
            at = 0
            for place, array in arrays:
                where[place] = (name, at, array.shape)
                if array.size:
                    data[at : at + array.size] = np.ravel(array)
                at += array.size
        text = json.dumps({"arrays": where, "notes": found.notes})
        opened.create_dataset("index", data=text, dtype=h5py.string_dtype())


def _cut(flat: np.ndarray, at: int, shape: list[int]) -> np.ndarray:
    size = int(np.prod(shape, dtype=np.int64))
    array: np.ndarray = flat[at : at + size].reshape(shape)
    return array


def _check(file: Path) -> None:
    try:
        good = sealed(file)
    except OSError as error:
        raise _refused(file, error.strerror or error, "a file that can be read") from error
    if not good:
        raise _refused(file, "another checksum or length", "those in its first lines")


def _refused(file: Path, given: object, expected: str) -> RunFileError:
    return RunFileError(
        "the checkpoint is damaged", where=str(file), given=given, expected=expected
    )
