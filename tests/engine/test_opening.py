"""Files that are no whole run are refused before they are read."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from neuro_rtrl.engine.opening import next_part, open_file, part_name, parts, require_size
from neuro_rtrl.engine.recorder import Recorder
from neuro_rtrl.engine.run_file import open_run
from neuro_rtrl.errors import RunFileError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.h5"
    Recorder(path, provenance={"seed": 1}, populations={"a": 2}, dt=1e-3).close()
    path.write_bytes(bytes(512) + path.read_bytes()[512:])  # without its seal it may be changed
    return path


def test_data_larger_than_their_file_can_hold_are_not_read(file: Path) -> None:
    with h5py.File(file, "r+") as opened:
        for name in ("step", "unit"):
            opened[f"spikes/a/{name}"].resize(10**12, axis=0)
    with open_run(file) as run, pytest.raises(RunFileError, match=r"claims to hold more than it"):
        run.spikes("a")
    with h5py.File(file, "r") as opened:
        require_size(file, opened["loss/loss"])


@pytest.mark.parametrize("name", ["loss", "weights"])
def test_a_group_that_is_something_else(name: str, file: Path) -> None:
    with h5py.File(file, "r+") as opened:
        del opened[name]
        opened[name] = np.zeros(3)
    with pytest.raises(RunFileError, match=rf"a part of the file is missing; given: {name}"):
        open_file(file)


@pytest.mark.parametrize("attribute", ["dt", "seed", "complete"])
def test_an_attribute_that_is_missing(attribute: str, file: Path) -> None:
    with h5py.File(file, "r+") as opened:
        del opened.attrs[attribute]
    with pytest.raises(RunFileError, match=r"the run file cannot be read"):
        open_file(file)


def test_names_of_parts(tmp_path: Path) -> None:
    assert next_part(tmp_path).name == part_name(0, 0)
    for first, last in ((0, 0), (1, 1), (0, 1), (2, 2)):
        (tmp_path / part_name(first, last)).touch()
    assert [part.name for part in parts(tmp_path)] == [part_name(0, 1), part_name(2, 2)]
    assert next_part(tmp_path).name == part_name(3, 3)
