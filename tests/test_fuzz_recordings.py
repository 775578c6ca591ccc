"""Recordings in files of one's own, changed at random: arrays, or one error of ours.

Tables of text, and HDF5 files in the layout of the Heidelberg data sets. HDF5 itself does not
survive every file: such files are read in children, and counted (see `test_fuzz.py`).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from neuro_rtrl.datasets import csv_recording, shd
from tests.datasets.test_shd import TIMES, UNITS, made
from tests.forged_files import casualties, damaged
from tests.test_fuzz import DEFAULT, MANY, changed, examples, refused_or_fine

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


def in_children(folder: Path, numbers: range) -> int:
    """Reads damaged files of spikes; how many of them HDF5 did not survive."""
    content = made(folder / "shd.h5", TIMES * 20, UNITS * 20, [3, 0, 19] * 20).read_bytes()
    file = folder / "forged.h5"

    def read(number: int) -> None:
        file.write_bytes(damaged(content, np.random.default_rng(number)))
        read_spikes(file)

    return casualties(folder, numbers, read, lambda number: None)


def test_files_of_spikes(tmp_path: Path) -> None:
    assert in_children(tmp_path, range(2 * DEFAULT)) <= DEFAULT // 10


@pytest.mark.verification
def test_many_files_of_spikes(tmp_path: Path) -> None:
    lost = in_children(tmp_path, range(MANY))
    print(f"{MANY} files of spikes, HDF5 did not survive {lost}")
    assert lost <= MANY // 100
