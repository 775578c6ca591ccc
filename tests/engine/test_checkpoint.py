"""Checkpoint files: whole or not there, the last two kept, and damage never goes unnoticed."""

from __future__ import annotations

import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest

from neuro_rtrl.engine import checkpoint
from neuro_rtrl.engine.checkpoint import newest, numbered, read, write
from neuro_rtrl.engine.seal import BLOCK, seal
from neuro_rtrl.engine.snapshot import Snapshot, take
from neuro_rtrl.errors import DamagedWarning, RunFileError


def snapshot(number: int = 0) -> Snapshot:
    rng = np.random.default_rng(number)
    arrays = {"a": rng.random((3, 4)), "b": np.arange(2000), "c": np.zeros(0, np.float32)}
    return take([arrays, number, rng, float("inf")])


def assert_equal(one: Snapshot, other: Snapshot) -> None:
    assert one.notes == other.notes
    assert one.arrays.keys() == other.arrays.keys()
    for place, array in one.arrays.items():
        assert array.dtype == other.arrays[place].dtype
        np.testing.assert_array_equal(array, other.arrays[place])


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = write(tmp_path, 12, snapshot())
    assert_equal(read(file), snapshot())
    assert [f.name for f in (tmp_path / checkpoint.FOLDER).iterdir()] == ["0000000012.h5"]


def test_every_reader_of_hdf5_opens_it(tmp_path: Path) -> None:
    with h5py.File(write(tmp_path, 0, snapshot()), "r") as opened:
        assert opened.userblock_size == BLOCK
        assert opened["arrays/int64"][:5].tolist() == [0, 1, 2, 3, 4]


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    for number in (5, 100, 20000):
        write(tmp_path, number, snapshot(number))
    assert [int(file.stem) for file in numbered(tmp_path)] == [100, 20000]
    checkpoint.remove(tmp_path)
    assert not list(tmp_path.iterdir())
    checkpoint.remove(tmp_path)
    assert newest(tmp_path) is None


def test_any_flipped_bit_is_noticed(tmp_path: Path, rng: np.random.Generator) -> None:
    file = write(tmp_path, 0, snapshot())
    whole = file.read_bytes()
    for at in [*range(0, BLOCK, 37), *rng.integers(0, len(whole), 40).tolist()]:
        damaged = bytearray(whole)
        damaged[at] ^= 1 << int(rng.integers(8))
        file.write_bytes(damaged)
        with pytest.raises(RunFileError, match=r"the checkpoint is damaged"):
            read(file)


@pytest.mark.parametrize("kept", [0, 1, 511, 512, 3000])
def test_a_truncated_one_is_noticed(tmp_path: Path, kept: int) -> None:
    file = write(tmp_path, 0, snapshot())
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(RunFileError, match=r"the checkpoint is damaged"):
        read(file)


def test_the_one_before_a_damaged_one_is_used_with_a_warning(tmp_path: Path) -> None:
    write(tmp_path, 1, snapshot(1))
    last = write(tmp_path, 2, snapshot(2))
    last.write_bytes(last.read_bytes()[:-1])
    with pytest.warns(DamagedWarning, match=r"0000000002\.h5: the checkpoint is damaged"):
        found = newest(tmp_path)
    assert found is not None
    assert found[0].name == "0000000001.h5"
    assert_equal(found[1], snapshot(1))


def test_a_vanished_one_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunFileError, match=r"damaged; given: No such file"):
        read(tmp_path / "0.h5")


def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, 0, snapshot())
    with h5py.File(file, "r+") as opened:
        opened.attrs["checkpoint_version"] = 99
    seal(file)
    with pytest.raises(RunFileError, match=r"given: version 99; expected: version 1 or older"):
        read(file)


def test_a_foreign_file_with_a_right_checksum_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "0.h5"
    with h5py.File(file, "w", userblock_size=BLOCK) as opened:
        opened["arrays"] = np.zeros(3)
    seal(file)
    with pytest.raises(RunFileError, match=r"damaged; given: .*expected: arrays and an index"):
        read(file)


def test_a_failed_write_leaves_the_ones_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 1, snapshot(1))

    def full(file: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "seal", full)
    with pytest.raises(RunFileError, match=r"No space left on device"):
        write(tmp_path, 2, snapshot(2))
    monkeypatch.undo()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = newest(tmp_path)
    assert found is not None
    assert found[0].name == "0000000001.h5"
    assert [f.name for f in (tmp_path / checkpoint.FOLDER).iterdir()] == ["0000000001.h5"]
