"""The reader of SHD's layout, on files made here: no spike in this test was recorded."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from neuro_rtrl.datasets.shd import read
from neuro_rtrl.errors import BuildError, DataError, DescriptionError

TIMES = [[0.0, 0.25, 0.875], [], [0.5]]
UNITS = [[0, 350, 699], [], [7]]


def made(file: Path, times: list[list[float]], units: list[list[int]], labels: list[int]) -> Path:
    """A file with the data types of the published ones."""
    with h5py.File(file, "w") as out:
        for name, rows, kind in (("times", times, np.float16), ("units", units, np.uint16)):
            column = out.create_dataset(f"spikes/{name}", (len(rows),), dtype=h5py.vlen_dtype(kind))
            for at, row in enumerate(rows):
                column[at] = np.array(row, dtype=kind)
        out["labels"] = np.array(labels, dtype=np.uint16)
        out["extra/speaker"] = np.zeros(len(labels), dtype=np.uint16)
        out["extra/keys"] = np.array([b"zero", b"one"])
    return file


def test_what_is_written_is_read(tmp_path: Path) -> None:
    words = read(made(tmp_path / "shd.h5", TIMES, UNITS, [3, 0, 19]))
    assert [row.tolist() for row in words.times] == TIMES
    assert [row.tolist() for row in words.units] == UNITS
    assert words.labels.tolist() == [3, 0, 19]
    assert words.keys == ("zero", "one")
    assert words.speakers is not None
    assert words.speakers.tolist() == [0, 0, 0]


def test_bins(tmp_path: Path) -> None:
    words = read(made(tmp_path / "shd.h5", TIMES, UNITS, [3, 0, 19]))
    counts = words.binned(0.1, 8, 70)
    assert counts.shape == (3, 8, 70)
    # The spike at 0.875 s comes after the last step.
    assert np.argwhere(counts).tolist() == [[0, 0, 0], [0, 2, 35], [2, 5, 0]]
    assert words.binned(1.0, 1, 1).ravel().tolist() == [3, 0, 1]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ((0, 5), "step"), ((np.nan, 5), "step"), ((np.inf, 5), "step"), (("1", 5), "step"),
        ((0.1, 0), "steps"), ((0.1, 2.5), "steps"), ((0.1, True), "steps"),
        ((0.1, 5, 64), "channels"), ((0.1, 5, 0), "channels"), ((0.1, 5, 70.0), "channels"),
    ],
)  # fmt: skip
def test_bins_out_of_range(tmp_path: Path, options: tuple[float, int], name: str) -> None:
    words = read(made(tmp_path / "shd.h5", TIMES, UNITS, [3, 0, 19]))
    with pytest.raises(DescriptionError, match=f"shd: {name}: the value is out of range"):
        words.binned(*options)


@pytest.mark.parametrize(
    ("times", "units", "labels", "message"),
    [
        ([[0.1]], [[700]], [0], "utterance 0 has others; expected: units from 0 to 699"),
        ([[-0.1]], [[7]], [0], "utterance 0 has others"),
        ([[np.inf]], [[7]], [0], "utterance 0 has others; expected: .* finite times"),
        ([[0.1, np.nan]], [[7, 7]], [0], "utterance 0 has others; expected: .* finite times"),
        ([[0.1], [0.2]], [[1], [1, 2]], [0, 0], "utterance 1: 1 times, 2 units"),
        ([[0.1]], [[1]], [0, 1], "1 times, 1 units, 2 labels"),
    ],
)
def test_other_contents_are_refused(
    tmp_path: Path, times: list, units: list, labels: list, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(made(tmp_path / "shd.h5", times, units, labels))


def test_no_step_is_too_short_for_a_spike(tmp_path: Path) -> None:
    words = read(made(tmp_path / "shd.h5", TIMES, UNITS, [3, 0, 19]))
    assert words.binned(1e-300, 2, 1).sum() == 1  # the one at 0 s
    with pytest.raises(BuildError, match=r"shd: steps: there is not enough memory"):
        words.binned(0.1, 10**15)


@pytest.mark.parametrize("name", ["spikes/times", "spikes/units", "labels"])
def test_another_layout_is_refused(tmp_path: Path, name: str) -> None:
    file = made(tmp_path / "shd.h5", [[0.1], [0.2]], [[1], [2]], [0, 0])
    for change in ("a group", "a table", "texts", "no list"):
        with h5py.File(file, "r+") as out:
            del out[name]
            if change == "a group":
                out.create_group(name)
            elif change == "a table":
                out[name] = np.zeros((2, 3, 2))
            elif change == "texts":
                out[name] = [b"zero", b"one"]
            else:
                out[name] = 1
        with pytest.raises(DataError, match=r"shd\.h5: "):
            read(file)


def test_more_than_a_file_can_hold_is_not_read(tmp_path: Path) -> None:
    file = made(tmp_path / "shd.h5", TIMES, UNITS, [3, 0, 19])
    with h5py.File(file, "r+") as out:
        del out["labels"]
        out.create_dataset("labels", (10**13,), np.uint16, chunks=(1000,))
    with pytest.raises(DataError, match=r"bytes claimed; expected: no more than such a file"):
        read(file)


def test_other_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.h5"
    with h5py.File(file, "w") as out:
        out["labels"] = [1]
    with pytest.raises(DataError, match=r"other\.h5: .*no /spikes/times"):
        read(file)
    file.write_bytes(b"no HDF5")
    with pytest.raises(DataError, match="cannot be read"):
        read(file)
    with pytest.raises(DataError, match="cannot be read"):
        read(tmp_path / "nowhere.h5")
