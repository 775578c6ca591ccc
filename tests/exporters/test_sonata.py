"""SONATA files: their structure by h5py alone, and as libsonata reads them if it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neuro_rtrl.engine.recorder import Recorder
from neuro_rtrl.errors import RunFileError
from neuro_rtrl.exporters.sonata import EXPORTER

OLD = Path(__file__).parents[1] / "data" / "old" / "run_schema_1.h5"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return EXPORTER.export(OLD, tmp_path / "sonata")


def record(path: Path, steps: list[int]) -> Path:
    with Recorder(
        path, provenance={"seed": 1}, populations={}, states={"a.v": [3, 0]}, dt=5e-4
    ) as recorder:
        recorder.state("a.v", steps, np.arange(2.0 * len(steps)).reshape(-1, 2))
    return path


def test_names(files: list[Path]) -> None:
    assert [path.name for path in files] == ["spikes.h5", "hidden.v.h5"]


def test_spikes(files: list[Path]) -> None:
    with h5py.File(files[0]) as file:
        group = file["spikes/hidden"]
        assert group["timestamps"][:].tolist() == [0, 0, 2, 5, 5, 9]
        assert group["timestamps"].attrs["units"] == "ms"
        assert group["timestamps"].dtype == np.float64
        assert group["node_ids"][:].tolist() == [1, 3, 1, 0, 2, 3]
        assert group["node_ids"].dtype == np.uint64
        kind = h5py.check_enum_dtype(group.attrs.get_id("sorting").dtype)
        assert kind == {"none": 0, "by_id": 1, "by_time": 2}
        assert group.attrs["sorting"] == kind["by_time"]
        assert file.attrs["magic"] == 0x0A7A


def test_report(files: list[Path]) -> None:
    with h5py.File(files[1]) as file:
        data, mapping = file["report/hidden/data"], file["report/hidden/mapping"]
        assert data[:].tolist() == [[-70.0, -60.5], [-65.0, -55.25], [-50.0, -71.0]]
        assert data.dtype == np.float32
        assert data.attrs["units"] == "mV"
        assert mapping["node_ids"][:].tolist() == [1, 3]
        assert mapping["index_pointers"][:].tolist() == [0, 1, 2]
        assert mapping["element_ids"][:].tolist() == [0, 0]
        assert mapping["time"][:] == pytest.approx([0, 3, 1])
        assert mapping["time"].attrs["units"] == "ms"


def test_what_readers_of_sonata_demand(files: list[Path]) -> None:
    """No filter, and the superblock of version 0."""

    def look(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            assert item.compression is None and not item.shuffle, name

    for path in files:
        assert path.read_bytes()[8] == 0
        with h5py.File(path) as file:
            file.visititems(look)


def test_every_fourth_step(tmp_path: Path) -> None:
    path = EXPORTER.export(record(tmp_path / "run.h5", [8, 12, 16]), tmp_path)[1]
    with h5py.File(path) as file:
        assert file["report/a/mapping/time"][:] == pytest.approx([4, 10, 2])
        assert file["report/a/mapping/node_ids"][:].tolist() == [3, 0]
        assert file["report/a/data"].attrs["units"] == "1"


def test_no_rows_no_report(tmp_path: Path) -> None:
    paths = EXPORTER.export(record(tmp_path / "run.h5", []), tmp_path)
    assert [path.name for path in paths] == ["spikes.h5"]


def test_gaps_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    run = record(tmp_path / "run.h5", [0, 1, 5])
    with pytest.raises(RunFileError, match=r"a\.v.*1 to 4 steps apart.*'csv'"):
        EXPORTER.export(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(RunFileError, match="cannot be written"):
        EXPORTER.export(OLD, tmp_path / "taken")


def test_libsonata_reads_both(files: list[Path]) -> None:
    sonata = pytest.importorskip("libsonata", reason="libsonata is optional")
    spikes = sonata.SpikeReader(str(files[0]))["hidden"].get(node_ids=[1, 3])
    assert sorted(spikes) == [(1, 0.0), (1, 2.0), (3, 0.0), (3, 9.0)]
    report = sonata.SomaReportReader(str(files[1]))["hidden"].get(node_ids=[3])
    assert report.data[:, 0].tolist() == [-60.5, -55.25, -71.0]
    assert list(report.times) == pytest.approx([0, 1, 2])
