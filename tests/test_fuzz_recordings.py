"""Recordings in files of one's own, changed at random: arrays, or one error of ours.

Tables of text, and HDF5 files in the layout of the Heidelberg data sets. HDF5 itself does not
survive every file: such files are read in children, and counted (see `test_fuzz.py`).
"""

from __future__ import annotations

import faulthandler
import os
import resource
import signal
import sys
import traceback
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from neuro_rtrl.datasets import csv_recording, shd
from neuro_rtrl.errors import NeuroRtrlError
from tests.datasets.test_shd import TIMES, UNITS, made
from tests.test_fuzz import DEFAULT, MANY, MEMORY, SECONDS, changed, examples, refused_or_fine

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="alarms and children by fork")


def csv_table(text: str) -> None:
    refused_or_fine(csv_recording.read, text, "fuzzed.csv")


TABLES = [
    "time_ms,chest,belly\n0,1.5,0.1\n100,1.25,0.2\n200,1,0.3\n",
    "datetime;x\n2016-11-24 13:58:58.081;1\n2016-11-24 13:58:59;2\n2016-11-24T13:59:00;3\n",
    "t [s]\tv\n# remark\n0\t1\n0.5\t-2e3\n",
    "1 2 3\n4 5 6\n",
]


@given(changed(TABLES))
@examples(2 * DEFAULT)
def test_tables_of_recordings(text: str) -> None:
    csv_table(text)


@pytest.mark.verification
@given(changed(TABLES))
@examples(MANY)
def test_many_tables_of_recordings(text: str) -> None:
    csv_table(text)


def read_spikes(file: Path) -> None:
    words = shd.read(file)
    words.binned(0.1, 10, 70)


def damaged_words(content: bytes, rng: np.random.Generator) -> bytes:
    """One to three changes: a bit, some bytes, the largest number, a piece that is lost."""
    made_of = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        at, change = int(rng.integers(len(made_of))), rng.integers(4)
        if change == 0:
            made_of[at] ^= 1 << int(rng.integers(8))
        elif change == 1:
            made_of[at : at + 4] = rng.bytes(4)
        elif change == 2:
            made_of[at : at + 8] = b"\xff" * 8
        else:
            del made_of[at : at + int(rng.integers(1, 50))]
    return bytes(made_of)


def in_children(folder: Path, numbers: range) -> int:
    """Reads damaged files of spikes in children; how many of them HDF5 did not survive."""
    content = made(folder / "shd.h5", TIMES * 20, UNITS * 20, [3, 0, 19] * 20).read_bytes()
    lost, start, said = 0, numbers.start, folder / "said"
    while start < numbers.stop:
        code = in_child(folder, content, range(start, numbers.stop))
        if code == 0:
            break
        assert code < 0, said.read_text()
        lost, start = lost + 1, int(said.read_text()) + 1
    return lost


def in_child(folder: Path, content: bytes, numbers: range) -> int:
    """The exit code of a child that reads damaged files; negative if a signal ended it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        faulthandler.disable()
        try:
            try_files(folder, content, numbers)
            os._exit(0)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def try_files(folder: Path, content: bytes, numbers: range) -> None:
    """In a child: `said` holds the number at work; if an exception passes, that."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    file, said = folder / "forged.h5", folder / "said"
    for number in numbers:
        said.write_text(str(number))
        file.write_bytes(damaged_words(content, np.random.default_rng(number)))
        signal.alarm(SECONDS // 4)
        try:
            read_spikes(file)
        except NeuroRtrlError:
            continue
        except BaseException:
            said.write_text(f"number {number}: {traceback.format_exc()}")
            os._exit(1)


def test_files_of_spikes(tmp_path: Path) -> None:
    assert in_children(tmp_path, range(2 * DEFAULT)) <= DEFAULT // 10


@pytest.mark.verification
def test_many_files_of_spikes(tmp_path: Path) -> None:
    lost = in_children(tmp_path, range(MANY))
    print(f"{MANY} files of spikes, HDF5 did not survive {lost}")
    assert lost <= MANY // 100
