"""Files that are no whole run are refused before they are read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neuro_rtrl.engine import opening
from neuro_rtrl.engine.opening import next_part, open_file, part_name, parts, require_size
from neuro_rtrl.engine.recorder import Recorder
from neuro_rtrl.engine.run_file import RunFile, open_run
from neuro_rtrl.engine.seal import seal
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


@pytest.mark.parametrize(
    ("place", "read"),
    [
        ("ledger/counts", lambda run: run.ledger),
        ("ledger/of/parts", lambda run: run.ledger),
        ("states/a.v/unit", lambda run: run.state("a.v")),
        ("provenance/text", lambda run: run.texts),
    ],
)
def test_no_array_is_read_before_its_size_is_looked_at(
    place: str, read: Callable[[RunFile], object], tmp_path: Path
) -> None:
    path = tmp_path / "a.h5"
    how: dict[str, Any] = {"provenance": {"seed": 1}, "populations": {"a": 2}, "dt": 1e-3}
    Recorder(path, states={"a.v": [0, 1]}, **how).close()
    with h5py.File(path, "r+") as opened:
        if place in opened:
            del opened[place]
        kind = h5py.string_dtype() if "text" in place else "i8"
        opened.create_dataset(place, (10**12,), kind, chunks=(1000,))
    seal(path)
    with open_run(path) as run, pytest.raises(RunFileError, match=r"given: [\d.]+ TiB; exp"):
        read(run)


def test_no_more_is_read_than_memory_holds(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with h5py.File(file, "r+") as opened:
        opened["spikes/a/step"].resize(1000, axis=0)
        monkeypatch.setattr(opening, "physical", lambda: 8000)
        require_size(file, opened["spikes/a/step"])
        monkeypatch.setattr(opening, "physical", lambda: 7999)
        with pytest.raises(RunFileError, match=r"at most 7\.81 KiB"):
            require_size(file, opened["spikes/a/step"])


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
