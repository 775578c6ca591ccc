"""Checksums of HDF5 files, inside the files: nothing of a sealed file is parsed before it is right.

HDF5 leaves the first bytes of a file to its users (a *user block*) and looks for itself behind
them. A seal is a text there: what the file is, the SHA-256 of all that follows, and the length.
A file that is still being written, or whose process was killed, has zeros in its place.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

BLOCK = 512
MAGIC = "neuro_rtrl sealed file"


def seal(file: Path) -> None:
    """Puts length and checksum into the user block of a closed file, and brings it to the disk."""
    said = _said(file)
    with file.open("r+b") as opened:
        opened.write(said)
        opened.flush()
        os.fsync(opened.fileno())


def sealed(file: Path) -> bool | None:
    """True if the seal is right, False if it is wrong, None if there is none.

    Raises:
        OSError: the file cannot be read.
    """
    with file.open("rb") as opened:
        head = opened.read(BLOCK)
    return head == _said(file) if head.startswith(MAGIC.encode()) else None


def checksum(file: Path) -> str:
    """SHA-256 of all that follows the user block."""
    with file.open("rb") as opened:
        opened.seek(BLOCK)
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _said(file: Path) -> bytes:
    text = f"{MAGIC}\n{checksum(file)}\n{file.stat().st_size}\n"
    return text.encode().ljust(BLOCK, b"\0")
