"""One run at a time in a folder, by a lock that ends with its process, however that ends."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from neuro_rtrl.errors import RunFileError, writing

LOCK = "run.lock"
_TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps other runs out of `folder`, which is made if it is not there.

    Where the file system knows no locks, nothing is kept out.

    Raises:
        RunFileError: a run is going on there, or the folder cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name, locked(Path(name)):
    ...     Path(name, LOCK).exists()
    True
    """
    file = folder / LOCK
    with writing("the folder of the run cannot be made", folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _take(handle, file)
        os.truncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        try:
            yield
        finally:
            with suppress(OSError):
                file.unlink()
    finally:
        os.close(handle)


def _take(handle: int, file: Path) -> None:
    try:
        _lock(handle)
        # The run before may have removed the file between our opening and our locking it.
        same = file.exists() and os.path.samestat(os.fstat(handle), file.stat())
    except OSError as error:
        same = error.errno not in _TAKEN
    if not same:
        said = file.read_text() if file.exists() else ""
        raise RunFileError(
            "a run is going on in this folder",
            where=str(file.parent),
            given=f"process {said}" if said else "a lock",
            expected="a folder that no run writes to",
            remedy="Wait for its end, stop it, or choose another folder with --out.",
        )


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
