"""Tables in HDF5 that grow while a run goes on: buffered in memory, written in whole chunks.

A compressed chunk that is written a second time moves to another place of the file, and a process
killed at that moment can leave the index of the file pointing at the old one. So a table writes
only full chunks, each of them once, until somebody asks for the rest with `write(everything=True)`.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neuro_rtrl.engine.seal import BLOCK
from neuro_rtrl.errors import RunFileError

RESERVE = 4 * 2**20
"""Bytes that must stay free on the disk besides the data about to be written."""


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turns what the operating system and HDF5 raise (OSError, RuntimeError) into RunFileError."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise RunFileError(
            "the run file cannot be written",
            where=str(path),
            given=_reason(error),
            expected="a folder that exists, may be written and has free space",
            remedy="Free some space or choose another folder, then run again.",
        ) from error


def _reason(error: Exception) -> str:
    """The system's own words, which HDF5 hides among file offsets and addresses."""
    found = re.search(r"error message = '([^']*)'", str(error))
    return found[1] if found else str(error)


def require_space(path: Path, size: int) -> None:
    """Refuses to write `size` bytes to a disk that would be full then.

    HDF5 cannot close a file whose last writes failed, and what is on the disk cannot be opened;
    refused beforehand, the file stays whole.
    """
    free = shutil.disk_usage(path.parent).free
    if free < size + RESERVE:
        raise RunFileError(
            "the disk is full",
            where=str(path),
            given=f"{free / 2**20:.1f} MiB free",
            expected=f"at least {(size + RESERVE) / 2**20:.1f} MiB",
            remedy="What was written so far can be read. Free some space and run again.",
        )


def abandon(file: Any, path: Path) -> None:
    """Closes an `h5py.File` at `path` whose writes fail.

    HDF5 repeats the failed writes on closing and crashes the interpreter at its exit when they fail
    again; so they are sent to the null device. The file is then brought to the length that its
    header states (without using space), as it cannot be opened otherwise.
    """
    with suppress(OSError, RuntimeError, ValueError):
        size = file.id.get_filesize()
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, file.id.get_vfd_handle())
        os.close(null)
        file.close()
        os.truncate(path, size)


def sync(place: Path) -> None:
    """Brings a file, or the names in a folder, to the disk; where the system cannot, nothing."""
    with suppress(OSError):
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def created(path: Path, live: bool) -> Iterator[Any]:
    """A new `h5py.File`, open; it appears at `path` at the end of the context, or not at all.

    So whoever looks there, or kills this process, finds no file or one with all its groups. Where
    the system renames no open files, it is there from the start.
    """
    place = path if sys.platform == "win32" else path.with_suffix(".new")
    place.unlink(missing_ok=True)
    newest = {"libver": "latest"} if live else {}
    file = h5py.File(place, "x", userblock_size=BLOCK, **newest)
    try:
        yield file
        file.flush()
        if place != path:
            place.rename(path)
    except BaseException:
        with suppress(OSError, RuntimeError):
            file.close()
        place.unlink(missing_ok=True)
        raise


def packing(compression: str | None) -> dict[str, Any]:
    """How `h5py` is told to compress a dataset.

    Raises:
        RunFileError: zstd is asked for, and hdf5plugin is not installed.

    >>> packing(None), packing("gzip")
    ({}, {'compression': 'gzip', 'shuffle': True})
    """
    if compression is None:
        return {}
    if compression != "zstd":
        return {"compression": compression, "shuffle": True}
    load_zstd()
    import hdf5plugin

    return {**hdf5plugin.Zstd(clevel=3), "shuffle": True}


def load_zstd() -> None:
    """Makes HDF5 know zstd.

    Raises:
        RunFileError: hdf5plugin is not installed.
    """
    try:
        importlib.import_module("hdf5plugin")
    except ImportError as error:
        raise RunFileError(
            "zstd needs a library that is not installed",
            where="compression",
            given="no hdf5plugin",
            expected="hdf5plugin, an optional library",
            remedy="Install it: python -m pip install hdf5plugin. Or use gzip.",
        ) from error


class Growing:
    """Columns of one HDF5 group that grow together along their first axis.

    Args:
        group: the `h5py.Group` in which the columns are made, with length 0.
        columns: name -> (dtype, shape of one row).
        rows: rows in a chunk.
        compression: "gzip", "lzf" or None.

    The buffer never holds more than one chunk and what one call of `append` adds to it.
    """

    def __init__(
        self,
        group: Any,
        columns: Mapping[str, tuple[str, tuple[int, ...]]],
        rows: int,
        compression: str | None,
    ) -> None:
        self.columns = {
            name: group.create_dataset(
                name,
                shape=(0, *shape),
                maxshape=(None, *shape),
                chunks=(rows, *shape),
                dtype=dtype,
                **packing(compression),
            )
            for name, (dtype, shape) in columns.items()
        }
        self._dtypes = [dtype for dtype, _ in columns.values()]
        self._rows = rows
        self._written = 0
        self._waiting: list[tuple[np.ndarray, ...]] = []
        self._waiting_rows = 0

    def append(self, *arrays: np.ndarray) -> bool:
        """Copies rows into the buffer; True if it now holds the end of a chunk."""
        pairs = zip(arrays, self._dtypes, strict=True)
        with np.errstate(over="ignore"):  # what float32 cannot hold is infinite in the file, too
            self._waiting.append(tuple(np.array(array, dtype=dtype) for array, dtype in pairs))
        self._waiting_rows += len(arrays[0])
        return self._end_of_chunks() > self._written

    def waiting_bytes(self) -> int:
        """Size of the buffer."""
        return sum(array.nbytes for arrays in self._waiting for array in arrays)

    def write(self, everything: bool) -> None:
        """Writes the buffered rows that fill chunks, or all of them."""
        stop = self._written + self._waiting_rows if everything else self._end_of_chunks()
        count = stop - self._written
        if count <= 0:
            return
        merged = [np.concatenate(parts) for parts in zip(*self._waiting, strict=True)]
        for dataset, values in zip(self.columns.values(), merged, strict=True):
            dataset.resize(stop, axis=0)
            dataset[self._written : stop] = values[:count]
        rest = [tuple(values[count:].copy() for values in merged)]
        left = self._waiting_rows - count
        # Nothing is called between these: Ctrl-C cannot come between and double the rows.
        self._written, self._waiting, self._waiting_rows = stop, rest, left

    def _end_of_chunks(self) -> int:
        return (self._written + self._waiting_rows) // self._rows * self._rows


def reopened(file: Any, path: Path, tables: Mapping[str, Growing]) -> Any:
    """The file, closed and opened again: others no longer read along."""
    file.close()
    # A reader that has not noticed yet must not keep us out.
    again = h5py.File(path, "r+", libver="latest", locking=False)
    for key, table in tables.items():
        table.columns = {name: again[f"{key}/{name}"] for name in table.columns}
    return again
