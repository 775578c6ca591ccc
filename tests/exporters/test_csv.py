"""Tables of text: read back, they are the run."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from neuro_rtrl.engine.recorder import Recorder
from neuro_rtrl.engine.run_file import open_run
from neuro_rtrl.errors import RunFileError
from neuro_rtrl.exporters.csv import EXPORTER, ROWS

OLD = Path(__file__).parents[1] / "data" / "old" / "run_schema_1.h5"


def read(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_files_of_the_old_run(tmp_path: Path) -> None:
    paths = EXPORTER.export(OLD, tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["spikes_hidden.csv", "state_hidden.v.csv", "loss.csv"]
    spikes, state, loss = map(read, paths)
    assert spikes[:2] == [["step", "time_s", "unit"], ["0", "0.0", "1"]]
    assert spikes[3] == ["2", "0.002", "1"]
    assert len(spikes) == 7
    assert state[:2] == [["step", "time_s", "unit_1", "unit_3"], ["0", "0.0", "-70.0", "-60.5"]]
    assert loss == [["iteration", "loss", "score"], ["0", "0.75", ""], ["1", "0.5", "0.875"]]


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_values_survive_bit_for_bit(tmp_path: Path, precision: str) -> None:
    values = np.random.default_rng(1).normal(size=(ROWS + 3, 2)).astype(precision)
    values[0] = 0.1, 1 / 3
    with Recorder(
        tmp_path / "run.h5",
        provenance={"seed": 1},
        populations={},
        states={"a.v": [0, 1]},
        dt=1e-4,
        precision=precision,
    ) as recorder:
        recorder.state("a.v", range(ROWS + 3), values)
    rows = np.array(read(EXPORTER.export(tmp_path, tmp_path)[0])[1:])
    assert np.array_equal(rows[:, 2:].astype(precision), values)
    assert np.array_equal(rows[:, 0].astype(int), np.arange(ROWS + 3))
    assert rows[0, 2] == "0.1"
    assert len(rows[0, 3]) == {"float32": 10, "float64": 18}[precision]
    with open_run(tmp_path) as run:
        assert np.array_equal(rows[:, 1].astype(float), run.state("a.v").steps * 1e-4)


def test_what_cannot_be_written_or_read(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(RunFileError, match=r"cannot be written.*Choose another folder"):
        EXPORTER.export(OLD, tmp_path / "taken")
    with pytest.raises(RunFileError, match="no such run file"):
        EXPORTER.export(tmp_path / "none.h5", tmp_path)
