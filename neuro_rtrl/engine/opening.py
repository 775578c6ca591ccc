"""Opens HDF5 files of runs: is it one, and may this version of the package read it?"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import h5py

from neuro_rtrl.engine import rows
from neuro_rtrl.engine.growing import load_zstd
from neuro_rtrl.engine.layout import GROUPS, SCHEMA, SCHEMA_VERSION
from neuro_rtrl.engine.memory import physical, said
from neuro_rtrl.engine.seal import sealed
from neuro_rtrl.errors import DamagedWarning, RunFileError

RUN_FILE = "run.h5"
PARTS = "run.part-*-*.h5"
UNREADABLE = (
    OSError, RuntimeError, KeyError, TypeError, ValueError, AttributeError, MemoryError,
    OverflowError,
)  # fmt: skip
"""What h5py raises for a damaged file, depending on where it is damaged."""
MOST_PACKED = 4096
"""Compressed data are not larger than that many times their file."""
MOST_CHECKED = 2**30
"""Bytes of a file up to which opening it looks at its checksum, at about a second for a GiB."""


def open_file(path: Path, checked: bool = True) -> Any:
    """An `h5py.File` of a run, open for reading.

    Args:
        path: the file.
        checked: whether its seal is looked at.

    Raises:
        RunFileError: it is not HDF5, not ours, of a newer schema, or damaged.
    """
    try:
        if checked and path.stat().st_size <= MOST_CHECKED and sealed(path) is False:
            raise damaged(path)
        file = _opened(path)
    except (OSError, RuntimeError) as error:
        raise unreadable(path, error) from error
    try:
        _check_schema(file, path)
        if file.attrs.get("compression") == "zstd":
            load_zstd()
    except UNREADABLE as error:
        file.close()
        raise unreadable(path, error) from error
    except RunFileError:
        file.close()
        raise
    return file


def _opened(path: Path) -> Any:
    """Also a file that others may read along, while it is written or after its process died."""
    try:
        return h5py.File(path, "r")
    except OSError:
        return h5py.File(path, "r", swmr=True)


def parts(folder: Path) -> list[Path]:
    """The closed parts of a run that has not ended, in their order.

    A name says from which to which checkpoint: what has been merged into a wider one is left out.
    """
    ranges = {_range(file): file for file in folder.glob(PARTS)}
    wide = {a for a in ranges if not any(b[0] <= a[0] and a[1] <= b[1] for b in ranges if a != b)}
    return [ranges[both] for both in sorted(wide)]


def without_gap(some: list[Path]) -> list[Path]:
    """The parts from the first one of a run on, up to where one is missing."""
    expected = 0
    for number, part in enumerate(some):
        first, last = _range(part)
        if first != expected:
            return some[:number]
        expected = last + 1
    return some


def part_name(first: int, last: int) -> str:
    """The name of the file that goes from one part to another.

    >>> part_name(0, 12)
    'run.part-000000-000012.h5'
    """
    return f"run.part-{first:06d}-{last:06d}.h5"


def next_part(folder: Path) -> Path:
    """The name of the part that comes next."""
    before = parts(folder)
    number = _range(before[-1])[1] + 1 if before else 0
    return folder / part_name(number, number)


def merged_name(some: list[Path]) -> str:
    """The name of a file that holds all of these parts."""
    return part_name(_range(some[0])[0], _range(some[-1])[1])


def _range(part: Path) -> tuple[int, int]:
    first, last = part.stem.removeprefix("run.part-").split("-")
    return int(first), int(last)


def whole(file: Any) -> bool:
    """Whether a file begins where its run begins: it holds the weights of the start."""
    return "start" in file["weights"]


def open_parts(path: Path, checked: bool = True) -> list[Any]:
    """The files of a run, open for reading, in their order: closed parts, then `path` itself.

    Raises:
        RunFileError: there is none, or one of them cannot be read. The last one may be damaged, as
            a killed process leaves it, if there are parts before it: that is warned of.
    """
    before = parts(path.parent) if path.name == RUN_FILE else []
    rows.require(
        path.is_file() or bool(before),
        "there is no such run file",
        str(path),
        "nothing",
        "a file, or a folder that holds run.h5",
        "Give the folder that `neuro-rtrl run` wrote.",
    )
    if not before:
        return [open_file(path, checked)]
    last = _last(path)
    if last is not None and whole(last):
        return [last]
    rows.require(
        without_gap(before) == before,
        "a part of the run is missing",
        str(path.parent),
        ", ".join(part.name for part in before),
        "parts without a gap between their numbers",
        "Bring it back, or go on with --resume from where nothing is missing.",
    )
    files = [open_file(part, checked) for part in before]
    return files if last is None else [*files, last]


def _last(path: Path) -> Any:
    """The file that was written last, if it is there and can be read."""
    if not path.is_file():
        return None
    try:
        return open_file(path)
    except RunFileError as error:
        warnings.warn(f"{error} The parts before it are used.", DamagedWarning, stacklevel=4)
        return None


def _check_schema(file: Any, path: Path) -> None:
    schema, version = file.attrs.get("schema", "none"), file.attrs.get("schema_version", 0)
    remedy = "Give the run.h5 that `neuro-rtrl run` wrote."
    wanted = f"an attribute schema = '{SCHEMA}'"
    rows.require(schema == SCHEMA, "not a file of a run", str(path), schema, wanted, remedy)
    newer = f"schema_version {SCHEMA_VERSION} or older"
    remedy = "Install a newer version of neuro_rtrl to read it."
    known = 1 <= version <= SCHEMA_VERSION
    rows.require(known, "the file's schema is not known", str(path), version, newer, remedy)
    for name in ("dt", "seed", "complete"):
        float(file.attrs[name])
    for name in GROUPS:
        found = isinstance(file[name], h5py.Group)
        rows.require(found, "a part of the file is missing", str(path), name, "a group", remedy)


def unreadable(path: Path, error: Exception) -> RunFileError:
    """The error for a file that HDF5 cannot read."""
    return RunFileError(
        "the run file cannot be read",
        where=str(path),
        given=error,
        expected="a whole HDF5 file that no run is writing to",
        remedy="If the run goes on, wait for its end; if the file is damaged, run again.",
    )


def require_size(path: Path, *datasets: Any) -> None:
    """Refuses datasets that claim to be larger than their file, or memory, can hold, before they
    are read.

    Raises:
        RunFileError: they do.
    """
    claimed = sum(data.size * data.dtype.itemsize for data in datasets)
    most = min(MOST_PACKED * path.stat().st_size, physical())
    if claimed > most:
        raise RunFileError(
            "the file claims to hold more than it can",
            where=str(path),
            given=said(claimed),
            expected=f"at most {said(most)}",
            remedy="It is damaged, or was not made by this package.",
        )


def damaged(path: Path) -> RunFileError:
    """The error for a file with a wrong checksum."""
    return RunFileError(
        "the run file is damaged",
        where=str(path),
        given="another checksum or length",
        expected="those in its first lines",
        remedy="Run again; if you changed the file yourself, `neuro-rtrl repair` seals it anew.",
    )
