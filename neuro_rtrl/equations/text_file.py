"""Reading texts that may be anything: devices, pipes, gigabytes, brackets without end."""

from __future__ import annotations

import re
import stat
import tomllib
from pathlib import Path
from typing import Any

LARGEST = 2**24
"""Bytes of a text of TOML: weights of a thousand units to a thousand others fit."""
LONGEST_KEY = 64
"""Parts of a key: time to read one grows with their square."""
_LONG_KEY = re.compile(rf"""(?<![\w"'.-])(?:[\w"'-]++[ \t]*+\.[ \t]*+){{{LONGEST_KEY}}}""")


def why_unreadable(path: Path, most: int = LARGEST) -> str:
    """What stands against reading all of a file: it is none, but a pipe or a device, or too large.

    Args:
        path: the file.
        most: bytes.

    Returns:
        Some words, or none if nothing does.

    >>> why_unreadable(Path("."))
    'Is a directory'
    """
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        strerror = error.strerror if isinstance(error, OSError) else None
        return strerror or str(error)
    if stat.S_ISDIR(found.st_mode):
        return "Is a directory"
    if not stat.S_ISREG(found.st_mode):
        return "not a file, but a pipe or a device"
    return f"{found.st_size} bytes, more than {most}" if found.st_size > most else ""


class UnreadableError(OSError):
    """A file that is not to be read; the words are those of `why_unreadable`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.strerror = reason


def read_whole(path: Path, most: int = LARGEST, encoding: str = "utf-8") -> str:
    """All of a file of text.

    Args:
        path: the file.
        most: bytes.
        encoding: of the text.

    Raises:
        OSError: it cannot be read, is not a file or has more bytes.
        UnicodeDecodeError: it is not such text.
    """
    reason = why_unreadable(path, most)
    if reason:
        raise UnreadableError(reason)
    return path.read_text(encoding=encoding)


def parse_toml(source: str) -> dict[str, Any]:
    """The tables of a text.

    Raises:
        tomllib.TOMLDecodeError: it is not valid TOML, or nested too deeply.

    >>> parse_toml("a = " + "[" * 9999)
    Traceback (most recent call last):
        ...
    tomllib.TOMLDecodeError: nested too deeply
    """
    if _LONG_KEY.search(source):
        raise tomllib.TOMLDecodeError(f"nested too deeply: a key of more than {LONGEST_KEY} parts")
    try:
        return tomllib.loads(source)
    except RecursionError as error:
        raise tomllib.TOMLDecodeError("nested too deeply") from error
    except tomllib.TOMLDecodeError:
        raise
    except ValueError as error:  # a whole number of thousands of digits, a date that is none
        raise tomllib.TOMLDecodeError(f"Not a value: {error}") from error
