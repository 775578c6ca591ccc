"""A seal tells a damaged file from a whole one, and says nothing of files without one."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from neuro_rtrl.engine.seal import BLOCK, checksum, seal, sealed


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", userblock_size=BLOCK) as opened:
        opened["numbers"] = np.arange(100)
    return path


def test_sealing_changes_nothing_but_the_block(file: Path) -> None:
    before = checksum(file)
    assert sealed(file) is None
    seal(file)
    assert sealed(file) is True
    assert checksum(file) == before
    with h5py.File(file) as opened:
        assert opened["numbers"][-1] == 99


@pytest.mark.parametrize("change", [-1, 1])
def test_another_length_or_content_is_seen(file: Path, change: int) -> None:
    seal(file)
    whole = file.read_bytes()
    file.write_bytes(whole[:change] if change < 0 else whole + b"x")
    assert sealed(file) is False


def test_files_of_others_have_no_seal(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as opened:
        opened["numbers"] = np.arange(100)
    assert sealed(path) is None
    path.write_text("text")
    assert sealed(path) is None
