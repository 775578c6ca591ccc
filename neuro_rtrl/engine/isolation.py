"""Files that HDF5 itself may not survive: read by a child process first.

A seal (engine/seal.py) keeps damage out, not forgery: whoever writes a file can seal it. HDF5 is
written in C, and some files made to mislead it send its reader into a loop without end, or make it
crash. No exception tells of that, so a process of its own reads all of a file beforehand, within
bounds of time and memory; a file that it does not survive is refused. It costs the start of an
interpreter, about a third of a second.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py

from neuro_rtrl.engine.opening import MOST_CHECKED, MOST_PACKED
from neuro_rtrl.engine.seal import sealed
from neuro_rtrl.errors import RunFileError

SECONDS = 20.0
SECONDS_PER_BYTE = 1e-7
MEMORY = 4 * 2**30
MOST_READ = 2**26
"""Bytes that are read of each dataset: those that mislead do so at once."""


def require_survivable(path: Path, damaged_too: bool = False) -> None:
    """Has a child read a run file, or all HDF5 files of a run's folder.

    Args:
        path: the file or folder; what is not there is left to whoever opens it.
        damaged_too: also files with a wrong seal, which are not opened otherwise.

    Raises:
        RunFileError: the child did not survive one of them, or did not come back in time.
    """
    files = sorted(path.rglob("*.h5")) if path.is_dir() else [path]
    files = [file for file in files if file.is_file() and (damaged_too or not _damaged(file))]
    if not files:
        return
    limit = SECONDS + SECONDS_PER_BYTE * sum(file.stat().st_size for file in files)
    try:
        ended = subprocess.run(
            [sys.executable, "-P", "-m", __name__, *map(str, files)],
            env=_environment(), capture_output=True, text=True, timeout=limit, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as late:
        raise _refused(_last(late.stdout, files), f"no end after {limit:.0f} s") from late
    if ended.returncode != 0:
        raise _refused(_last(ended.stdout, files), f"exit code {ended.returncode}")


def _damaged(file: Path) -> bool:
    try:
        return file.stat().st_size <= MOST_CHECKED and sealed(file) is False
    except OSError:
        return True


def _environment() -> dict[str, str]:
    """The child finds this very package, and nothing in the folder that it is started in."""
    root = str(Path(__file__).parents[2])
    before = os.environ.get("PYTHONPATH")
    return os.environ | {"PYTHONPATH": os.pathsep.join([root, *([before] if before else [])])}


def _last(said: str | bytes | None, files: list[Path]) -> str:
    """The file that the child began last."""
    text = said.decode(errors="replace") if isinstance(said, bytes) else said or ""
    lines = text.split()
    return str(files[int(lines[-1])]) if lines else str(files[0])


def _refused(file: str, given: str) -> RunFileError:
    return RunFileError(
        "the file cannot be read: a process that tried did not survive it",
        where=file,
        given=given,
        expected="an HDF5 file that was written by HDF5",
        remedy="It is damaged or forged: get it again from where it was made, or run again.",
    )


def main(names: Iterable[str]) -> None:
    """In the child: reads each file; says its number before. What HDF5 refuses is none of ours."""
    bound()
    for number, name in enumerate(names):
        print(number, flush=True)
        with suppress(Exception), h5py.File(name, "r") as file:
            if file.attrs.get("compression") == "zstd":
                with suppress(ImportError):
                    importlib.import_module("hdf5plugin")
            read(file, MOST_PACKED * Path(name).stat().st_size)


def bound() -> None:
    """Bounds the memory of this process, where the system can."""
    with suppress(ImportError, ValueError, OSError):
        resource = importlib.import_module("resource")
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def read(group: Any, most: int) -> None:
    """Reads all below a group: names, attributes, values; at each place what can be read."""
    with suppress(Exception):
        dict(group.attrs)
    with suppress(Exception):
        for name in list(group):
            with suppress(Exception):
                found = group[name]
                if isinstance(found, h5py.Group):
                    read(found, most)
                else:
                    _read_values(found, most)


def _read_values(data: Any, most: int) -> None:
    dict(data.attrs)
    size = data.size * data.dtype.itemsize
    if size > most:  # refused by whoever opens it, too
        return
    if not data.shape or size <= MOST_READ:
        data[()]
    else:
        data[: max(1, MOST_READ * data.shape[0] // size)]


if __name__ == "__main__":
    main(sys.argv[1:])
