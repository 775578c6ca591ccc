"""Files damaged at random, read in children that need not survive it."""

from __future__ import annotations

import faulthandler
import os
import resource
import signal
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from neuro_rtrl.errors import NeuroRtrlError

SECONDS = 20
"""Longer than that is a hang."""
MEMORY = 6 * 2**30
Read = Callable[[int], object]


def damaged(content: bytes, rng: np.random.Generator, first: int = 0, front: int = 0) -> bytes:
    """One to three changes: a bit, some bytes, the largest number, a piece that is lost.

    Args:
        content: a file.
        rng: draws them.
        first: bytes at the beginning that stay.
        front: where six of ten changes are before, if it is not 0.
    """
    made = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        end = front if front and rng.random() < 0.6 else len(made)
        at, change = int(rng.integers(first, min(end, len(made)))), rng.integers(4)
        if change == 0:
            made[at] ^= 1 << int(rng.integers(8))
        elif change == 1:
            made[at : at + 4] = rng.bytes(4)
        elif change == 2:
            made[at : at + 8] = b"\xff" * 8
        else:
            del made[at : at + int(rng.integers(1, 50))]
    return bytes(made)


def casualties(folder: Path, numbers: range, read: Read, after: Read) -> int:
    """Reads the files of these numbers in children; how many of them HDF5 itself did not survive.

    A file with a right seal that was not made by us is a forgery, and the library that parses it is
    not ours: what we owe is that no exception of it passes.

    Args:
        folder: where a child says what it is doing.
        numbers: of the files.
        read: makes a file and reads it.
        after: called with the number of each file that a child did not survive.
    """
    lost, start, said = 0, numbers.start, folder / "said"
    while start < numbers.stop:
        code = _in_child(said, range(start, numbers.stop), read)
        if code == 0:
            break
        assert code < 0, said.read_text()
        number = int(said.read_text())
        after(number)
        lost, start = lost + 1, number + 1
    return lost


def _in_child(said: Path, numbers: range, read: Read) -> int:
    """The exit code of a child that reads files; negative if a signal ended it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        faulthandler.disable()
        try:
            _read_all(said, numbers, read)
            os._exit(0)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _read_all(said: Path, numbers: range, read: Read) -> None:
    """In a child: `said` holds the number at work; if an exception passes, that."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for number in numbers:
        said.write_text(str(number))
        signal.alarm(SECONDS // 4)
        try:
            read(number)
        except NeuroRtrlError:
            continue
        except BaseException:
            said.write_text(f"number {number}: {traceback.format_exc()}")
            os._exit(1)
