"""Runs in several files read as one, are cut at any row, and are joined without loss."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neuro_rtrl.engine.opening import next_part, part_name, parts
from neuro_rtrl.engine.parts import cut_back, join, merge, sound_rows
from neuro_rtrl.engine.recorder import Recorder
from neuro_rtrl.engine.run_file import open_run
from neuro_rtrl.errors import RunFileError

ROWS = 40


def record(folder: Path, every: int, rows: int = ROWS) -> dict[int, dict[str, int]]:
    """A run that rotates; row -> what had been recorded then."""
    kept = {}
    recorder = Recorder(
        folder / "run.h5",
        provenance={"seed": 1},
        populations={"a": 3},
        states={"a.v": [0, 2]},
        dt=1e-3,
        units={"a.v": "mV"},
        precision="float32",
        block=8,
    )
    with recorder:
        recorder.attach("model", "text")
        recorder.weights("start", {"w": np.arange(3.0)}, {"w": ([0, 1, 2], [0, 0, 0])})
        for i in range(rows):
            if i and i % every == 0:
                recorder.rotate(next_part(folder))
                kept[i] = dict(recorder.rows)
            recorder.spikes("a", [i, i], [i % 3, 0])
            recorder.state("a.v", [i], [[i, -i]])
            recorder.loss(i, i / 7)
        recorder.weights("end", {"w": np.ones(3)})
        recorder.ledger({"steps": rows})
        recorder.close(not kept)
    return kept


def values(folder: Path) -> list[np.ndarray]:
    with open_run(folder) as run:
        spikes, state = run.spikes("a"), run.state("a.v")
        return [spikes.step, spikes.i, state.steps, state.values, state.units, run.loss]


def assert_same(one: list[np.ndarray], other: list[np.ndarray], rows: int = ROWS) -> None:
    lengths = (2 * rows, 2 * rows, rows, rows, 2, rows)
    for a, b, length in zip(one, other, lengths, strict=True):
        np.testing.assert_array_equal(a[:length], b)


@pytest.fixture
def whole(tmp_path: Path) -> list[np.ndarray]:
    (tmp_path / "whole").mkdir()
    record(tmp_path / "whole", ROWS)
    return values(tmp_path / "whole")


@pytest.mark.parametrize("every", [1, 7, 39])
def test_parts_read_as_one_and_are_joined(
    every: int, tmp_path: Path, whole: list[np.ndarray]
) -> None:
    record(tmp_path, every)
    assert_same(whole, values(tmp_path))
    join(tmp_path, {"loss": ROWS})
    assert not parts(tmp_path)
    assert_same(whole, values(tmp_path))
    with open_run(tmp_path) as run:
        assert run.weights("start")["w"].tolist() == [0, 1, 2]
        assert run.weights("end")["w"].tolist() == [1, 1, 1]
        assert run.indices["w"][0].tolist() == [0, 1, 2]
        assert run.texts == {"model": "text"}
        assert run.ledger == {"steps": ROWS}
        assert run.states == {"a.v": "mV"}
        assert run.state("a.v").values.dtype == np.float32


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("at", [5, 15, 35])
def test_cut_back_to_any_checkpoint(
    at: int, joined: bool, tmp_path: Path, whole: list[np.ndarray]
) -> None:
    rows = record(tmp_path, 5)[at]
    if joined:
        join(tmp_path, {})
    available = sound_rows(tmp_path)
    assert all(available[table] >= count for table, count in rows.items())
    for _ in range(2):  # once more does no harm
        cut_back(tmp_path, rows, begun=True)
        assert not (tmp_path / "run.h5").exists()
        assert_same(whole, values(tmp_path), at)


def test_cut_back_to_nothing(tmp_path: Path) -> None:
    record(tmp_path, 5)
    cut_back(tmp_path, {}, begun=False)
    assert not list(tmp_path.iterdir())


def test_missing_rows_are_told(tmp_path: Path) -> None:
    rows = record(tmp_path, 5)[35]
    parts(tmp_path)[-1].unlink()
    with pytest.raises(RunFileError, match=r"missing or damaged; given: .*loss: 5 rows too few"):
        cut_back(tmp_path, rows, begun=True)


def test_merged_parts_take_the_place_of_their_own(tmp_path: Path, whole: list[np.ndarray]) -> None:
    record(tmp_path, 5)
    before = {part: part.read_bytes() for part in parts(tmp_path)}
    merge(tmp_path, 7)
    assert parts(tmp_path) == list(before)
    merge(tmp_path, 6)
    assert [part.name for part in parts(tmp_path)] == [part_name(0, 6)]
    # As if the process had been killed before it removed them.
    for part, content in list(before.items())[2:]:
        part.write_bytes(content)
    assert len(parts(tmp_path)) == 1
    assert next_part(tmp_path).name == part_name(7, 7)
    assert_same(whole, values(tmp_path))
    join(tmp_path, {})
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["run.h5"]


@pytest.mark.parametrize("gone", [0, 3, 6])
def test_a_part_that_is_missing_is_told(gone: int, tmp_path: Path) -> None:
    kept = record(tmp_path, 5)
    parts(tmp_path)[gone].unlink()
    with pytest.raises(RunFileError, match=r"a part of the run is missing"):
        join(tmp_path, {"loss": ROWS})
    available = sound_rows(tmp_path)
    assert available.get("loss", 0) == 5 * gone
    assert available == kept.get(5 * gone, {})
