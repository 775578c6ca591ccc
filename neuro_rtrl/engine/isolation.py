"""Files that HDF5 itself may not survive: read by a child process first.

A seal (engine/seal.py) keeps damage out, not forgery: whoever writes a file can seal it. HDF5 is
written in C, and some files made to mislead it send its reader into a loop without end, make it
crash, or have it ask for gigabytes. No exception tells of that in time, so a process of its own
reads all of a file beforehand, within bounds of time and memory; a file that it does not survive is
refused. It costs the start of an interpreter, about a third of a second.
"""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import h5py

from neuro_rtrl.engine.memory import said
from neuro_rtrl.engine.opening import MOST_CHECKED, MOST_PACKED
from neuro_rtrl.engine.seal import sealed
from neuro_rtrl.errors import RunFileError

SECONDS = 20.0
SECONDS_PER_BYTE = 1e-7
MEMORY, MORE = 4 * 2**30, 2**30
"""Bytes that the child may take: at most, and more than its libraries do."""
TOO_MUCH = 3
"""Exit code of a child that was refused memory."""
_NO_MEMORY = re.compile(r"memory allocation|(can't|unable to) allocate", re.IGNORECASE)
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
    if ended.returncode == TOO_MUCH:
        raise _refused(_last(ended.stdout, files), f"it asks for more than {said(MORE)} of memory")
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
        with _harmless(), h5py.File(name, "r") as file:
            if file.attrs.get("compression") == "zstd":
                with suppress(ImportError):
                    importlib.import_module("hdf5plugin")
            read(file, MOST_PACKED * Path(name).stat().st_size)


def bound() -> None:
    """Bounds the memory of this process, where the system can."""
    with suppress(ImportError, ValueError, OSError):
        resource = importlib.import_module("resource")
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        limit = min(MEMORY, _taken(resource.getpagesize()) + MORE)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _taken(page: int) -> int:
    """Bytes of address space that this process has; MEMORY where the system does not say."""
    with suppress(OSError, ValueError, IndexError):
        return page * int(Path("/proc/self/statm").read_text().split()[0])
    return MEMORY


@contextmanager
def _harmless() -> Iterator[None]:
    """What HDF5 refuses by an exception, it refuses to whoever opens the file, too.

    Memory it may then be given, and take its time with.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)):
            raise SystemExit(TOO_MUCH) from error


def read(group: Any, most: int) -> None:
    """Reads all below a group: names, attributes, values; at each place what can be read."""
    with _harmless():
        dict(group.attrs)
    with _harmless():
        for name in list(group):
            with _harmless():
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
