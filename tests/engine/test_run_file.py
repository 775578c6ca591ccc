"""The reader: old files, interrupted files, files that are not ours, xarray."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neuro_rtrl.engine.recorder import Recorder
from neuro_rtrl.engine.run_file import open_run
from neuro_rtrl.engine.spikes import Spikes
from neuro_rtrl.errors import RunFileError

OLD = Path(__file__).parents[1] / "data" / "old" / "run_schema_1.h5"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A file to be damaged."""
    return Path(shutil.copyfile(OLD, tmp_path / "run.h5"))


def test_a_file_of_schema_1_opens() -> None:
    assert OLD.stat().st_size < 50_000
    with open_run(OLD) as run:
        assert (run.seed, run.dt, run.complete) == (42, 1e-3, True)
        assert run.provenance["git_commit"] == "0123456789abcdef0123456789abcdef01234567"
        assert run.provenance["package_version"] == "0.1.0"
        assert run.texts == {"experiment": 'summary = "a café of spikes"\n'}
        assert run.populations == {"hidden": 4}
        assert run.states == {"hidden.v": "mV"}


def test_spikes_of_schema_1() -> None:
    with open_run(OLD) as run:
        spikes = run.spikes("hidden")
    assert spikes.step.tolist() == [0, 0, 2, 5, 5, 9]
    assert spikes.i.tolist() == [1, 3, 1, 0, 2, 3]
    assert spikes.t == pytest.approx([0, 0, 0.002, 0.005, 0.005, 0.009])
    trains = {unit: times.tolist() for unit, times in spikes.spike_trains().items()}
    assert trains == {0: [5 * 1e-3], 1: [0.0, 2 * 1e-3], 2: [5 * 1e-3], 3: [0.0, 9 * 1e-3]}


def test_the_rest_of_schema_1() -> None:
    with open_run(OLD) as run:
        trace = run.state("hidden.v")
        assert trace.steps.tolist() == [0, 1, 2]
        assert trace.values.tolist() == [[-70.0, -60.5], [-65.0, -55.25], [-50.0, -71.0]]
        assert trace.units.tolist() == [1, 3]
        assert run.iteration.tolist() == [0, 1]
        assert run.loss.tolist() == [0.75, 0.5]
        assert np.isnan(run.score[0]) and run.score[1] == 0.875
        assert run.weights("start")["hidden.bias"].tolist() == [0, 0, 0, 0.125]
        assert run.weights("end")["input_hidden"].tolist() == [0.625, -0.5, 0.0]
        pre, post = run.indices["input_hidden"]
        assert (pre.tolist(), post.tolist()) == ([0, 0, 1], [0, 3, 2])
        assert run.ledger == {"multiply_adds": 12345, "densities": {"rows": 0.25, "mask": 0.5}}


def test_summary_is_plain() -> None:
    with open_run(OLD) as run:
        summary = json.loads(json.dumps(run.summary()))
    assert summary["spikes"] == {"hidden": 6}
    assert summary["states"] == {"hidden.v": [3, 2]}
    assert (summary["iterations"], summary["loss"], summary["score"]) == (2, 0.5, 0.875)


def test_an_empty_run(tmp_path: Path) -> None:
    Recorder(tmp_path / "run.h5", provenance={"seed": 0}, populations={"a": 2}, dt=1.0).close()
    with open_run(tmp_path) as run:
        assert run.spikes("a").spike_trains()[1].tolist() == []
        assert run.ledger == run.texts == run.indices == {}
        assert run.summary()["loss"] is None
        with pytest.raises(RunFileError, match="unknown time of weights"):
            run.weights("start")


def test_spike_trains_against_a_plain_loop() -> None:
    rng = np.random.default_rng(3)
    step, unit = np.sort(rng.integers(0, 99, 300)), rng.integers(0, 20, 300)
    trains = Spikes(step, unit, 25, 0.5).spike_trains()
    assert list(trains) == list(range(25))
    for k, times in trains.items():
        assert times.tolist() == [s * 0.5 for s, u in zip(step, unit, strict=True) if u == k]


def break_schema(file: Any) -> None:
    file.attrs["schema"] = "other"


def break_version(file: Any) -> None:
    file.attrs["schema_version"] = 2


def break_foreign(file: Any) -> None:
    for name in list(file.attrs):
        del file.attrs[name]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (break_schema, "given: other; expected: an attribute schema = 'neuro_rtrl'"),
        (break_foreign, "given: none"),
        (break_version, r"given: 2; expected: schema_version 1 or older\. Install a newer"),
    ],
)
def test_files_that_are_not_ours(copy: Path, change: Callable[[Any], None], message: str) -> None:
    with h5py.File(copy, "r+") as file:
        change(file)
    with pytest.raises(RunFileError, match=message):
        open_run(copy)
    with h5py.File(copy, "r+"):
        pass  # it was closed again


def test_no_file_no_hdf5_half_a_file(tmp_path: Path, copy: Path) -> None:
    with pytest.raises(RunFileError, match="there is no such run file"):
        open_run(tmp_path / "nothing.h5")
    (tmp_path / "folder").mkdir()
    with pytest.raises(RunFileError, match=r"folder that holds run\.h5"):
        open_run(tmp_path / "folder")
    (tmp_path / "text.h5").write_text("spikes, all of them")
    with pytest.raises(RunFileError, match="cannot be read"):
        open_run(tmp_path / "text.h5")
    copy.write_bytes(copy.read_bytes()[:20_000])
    with pytest.raises(RunFileError, match="cannot be read"):
        open_run(copy)


def test_a_missing_part_is_named(copy: Path) -> None:
    with h5py.File(copy, "r+") as file:
        del file["loss/score"]
        del file["states/hidden.v/values"]
    with open_run(copy) as run:
        for read in (lambda: run.loss, lambda: run.states, run.summary):
            with pytest.raises(RunFileError, match=r"cannot be read.*run again"):
                read()


def test_unknown_names() -> None:
    with open_run(OLD) as run:
        with pytest.raises(RunFileError, match="Did you mean 'hidden'"):
            run.spikes("hiden")
        with pytest.raises(RunFileError, match=r"Did you mean 'hidden\.v'"):
            run.state("hidden.w")
        with pytest.raises(RunFileError, match="Did you mean 'start'"):
            run.weights("starts")


def test_closed() -> None:
    with open_run(OLD) as run:
        pass
    with pytest.raises(RunFileError, match="closed"):
        run.spikes("hidden")


def interrupted(path: Path) -> Path:
    """A run whose second chunk of values (rows 4 to 7) cannot be read."""
    rng = np.random.default_rng(1)
    recorder = Recorder(
        path, provenance={"seed": 1}, populations={}, states={"a.v": [0]}, dt=1.0, block=4
    )
    with pytest.raises(KeyboardInterrupt), recorder:
        recorder.state("a.v", range(7), rng.normal(size=(7, 1)))
        raise KeyboardInterrupt
    with h5py.File(path, "r+") as file:
        chunk = file["states/a.v/values"].id.get_chunk_info(1)
    with path.open("r+b") as raw:
        raw.seek(chunk.byte_offset)
        raw.write(b"\xff" * chunk.size)
    return path


def test_an_interrupted_run_reads_as_far_as_it_goes(tmp_path: Path) -> None:
    with open_run(interrupted(tmp_path / "run.h5")) as run:
        assert not run.complete
        trace = run.state("a.v")
    assert trace.steps.tolist() == [0, 1, 2, 3]
    assert trace.values.shape == (4, 1)


def test_a_complete_run_is_never_silently_shortened(tmp_path: Path) -> None:
    path = interrupted(tmp_path / "run.h5")
    with h5py.File(path, "r+") as file:
        file.attrs["complete"] = 1
    with open_run(path) as run, pytest.raises(RunFileError, match="cannot be read"):
        run.state("a.v")


def test_columns_of_different_lengths(copy: Path) -> None:
    with h5py.File(copy, "r+") as file:
        file["spikes/hidden/step"].resize(4, axis=0)
    with open_run(copy) as run:
        assert run.spikes("hidden").i.tolist() == [1, 3, 1, 0]


def test_xarray_opens_the_file_itself() -> None:
    xarray = pytest.importorskip("xarray", reason="xarray is optional")
    pytest.importorskip("h5netcdf", reason="h5netcdf is optional")
    how = {"engine": "h5netcdf", "phony_dims": "sort", "decode_times": False}
    with xarray.open_dataset(OLD, group="states/hidden.v", **how) as data:
        assert data["values"].dims == ("step", "unit")
        assert float(data["values"].sel(step=1, unit=3)) == -55.25
        assert data["values"].attrs["units"] == "mV"
    with xarray.open_dataset(OLD, group="spikes/hidden", **how) as data:
        assert data["unit"].sel(step=5).values.tolist() == [0, 2]
    with xarray.open_dataset(OLD, group="loss", **how) as data:
        assert float(data["score"].sel(iteration=1)) == 0.875


def test_to_xarray() -> None:
    pytest.importorskip("xarray", reason="xarray is optional")
    with open_run(OLD) as run:
        state, spikes, loss = (run.to_xarray(name) for name in ("hidden.v", "hidden", "loss"))
        with pytest.raises(RunFileError, match="unknown name"):
            run.to_xarray("input.v")
    assert float(state["values"].sel(step=2, unit=1)) == -50.0
    assert state["time"].values == pytest.approx([0, 1e-3, 2e-3])
    assert state.attrs["seed"] == 42
    assert spikes["unit"].values.tolist() == [1, 3, 1, 0, 2, 3]
    assert loss["loss"].values.tolist() == [0.75, 0.5]


def test_xarray_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xarray", None)
    with open_run(OLD) as run, pytest.raises(RunFileError, match="pip install xarray"):
        run.to_xarray("hidden.v")
