"""`info`, `verify` and `repair` on runs that ended well, were interrupted, killed, or changed."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neuro_rtrl import experiment
from neuro_rtrl.cli import main
from neuro_rtrl.engine.opening import parts
from neuro_rtrl.engine.parts import repair
from neuro_rtrl.engine.recorder import Recorder
from neuro_rtrl.engine.run_file import open_run
from neuro_rtrl.engine.run_info import information
from neuro_rtrl.engine.seal import seal
from neuro_rtrl.errors import NeuroRtrlError, RunFileError
from neuro_rtrl.experiment import run_experiment
from neuro_rtrl.experiment_verify import verify_run
from neuro_rtrl.outputs import News
from tests.test_experiment_keeping import SMALL, Impatient, assert_same_run, killed


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("draw_learning_curve", "draw_raster"):
        monkeypatch.setattr(experiment, name, lambda *arguments: None)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    run_experiment("spiral", out=folder, overrides=SMALL)
    return folder


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """A copy of the run's folder."""
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def exit_code(*arguments: object) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    return int(left.value.code or 0)


def nobody(news: News) -> None:
    """Is not interested."""


def change(file: Path, dataset: str, row: int, value: float) -> None:
    """One number, with a seal that is right again."""
    with h5py.File(file, "r+") as opened:
        opened[dataset][row] = value
    seal(file)


def test_info_says_where_a_run_comes_from(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "info.json"
    assert exit_code("info", whole, "--json", file) == 0
    found = json.loads(file.read_text())
    assert found["seal"] == "right"
    assert found["schema_version"] == 1
    assert found["rule"] == "rtrl"
    assert found["iterations"] == found["rows"]["loss"] == 6
    assert len(found["sha256"]) == 64
    said = capsys.readouterr().out
    assert found["sha256"][:20] in said
    assert "numba" in said


def test_info_of_a_run_that_was_killed(tmp_path: Path) -> None:
    killed(tmp_path, 5)
    found = information(tmp_path)
    assert found["seal"] == "none"
    assert found["parts"] == 2
    assert found["checkpoints"] == "0000000002, 0000000004"
    assert not found["complete"]


def test_a_run_is_verified(whole: Path, tmp_path: Path) -> None:
    file = tmp_path / "verify.json"
    assert exit_code("verify", whole, "--json", file) == 0
    found = json.loads(file.read_text())
    assert found["identical"] is True
    assert found["iterations"] == 6
    assert found["versions"] == "the same"


@pytest.mark.parametrize(
    ("dataset", "row", "text"),
    [
        ("states/hidden.c/values", 30, r"states/hidden\.c/values: first in row 30: "),
        ("weights/end/hidden_y", 2, r"weights/end/hidden_y: first in row 2: 7\.0, now "),
        ("loss/loss", 4, r"loss/loss: first in row 4: 7\.0, now 0\."),
    ],
)
def test_it_is_told_where_two_runs_part(
    dataset: str, row: int, text: str, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(copy / "run.h5", dataset, row, 7.0)
    assert exit_code("verify", copy) == 1
    said = capsys.readouterr().out
    (line,) = [line for line in said.splitlines() if "first in row" in line]
    assert re.match(text, line), line


def test_what_there_is_of_an_interrupted_run_is_verified(tmp_path: Path) -> None:
    run_experiment("spiral", out=tmp_path, overrides=SMALL, progress=Impatient(3))
    found = verify_run(tmp_path, nobody)
    assert found["identical"], found
    assert found["iterations"] == 3


def test_another_number_of_rows_is_told(copy: Path) -> None:
    with h5py.File(copy / "run.h5", "r+") as opened:
        for name in ("step", "unit"):
            data = opened[f"spikes/hidden/{name}"]
            data.resize(len(data) - 1, axis=0)
    seal(copy / "run.h5")
    assert any(
        "spikes/hidden/step: shape" in line for line in verify_run(copy, nobody)["differences"]
    )


def test_a_file_that_cannot_be_run_again(copy: Path, tmp_path: Path) -> None:
    with h5py.File(copy / "run.h5", "r+") as opened:
        del opened["provenance/model_of_hidden"]
        opened["provenance/model_of_hidden"] = "another text"
    seal(copy / "run.h5")
    with pytest.raises(RunFileError, match=r"a model is another one now; given: .*'egru'"):
        verify_run(copy, nobody)
    with h5py.File(copy / "run.h5", "r+") as opened:
        del opened["provenance/experiment_with_overrides"]
    seal(copy / "run.h5")
    with pytest.raises(RunFileError, match=r"the file does not say what was run"):
        verify_run(copy, nobody)


def test_a_run_without_iterations(copy: Path) -> None:
    with h5py.File(copy / "run.h5", "r+") as opened:
        for data in opened["loss"].values():
            data.resize(0, axis=0)
    seal(copy / "run.h5")
    with pytest.raises(RunFileError, match=r"there is nothing to compare; given: no iteration"):
        verify_run(copy, nobody)


def test_repair_makes_a_whole_file_of_parts(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    killed(tmp_path, 5)
    assert exit_code("repair", tmp_path) == 0
    assert "loss" in capsys.readouterr().out
    assert not parts(tmp_path)
    with open_run(tmp_path) as run:
        assert len(run.loss) == 5
        assert not run.complete
    assert information(tmp_path)["seal"] == "right"
    run_experiment(tmp_path, resume=True)
    assert_same_run(whole, tmp_path)


def test_repair_seals_what_was_changed_on_purpose(copy: Path) -> None:
    with h5py.File(copy / "run.h5", "r+") as opened:
        opened.attrs["note"] = "mine"
    with pytest.raises(RunFileError, match=r"damaged.*neuro-rtrl repair"):
        open_run(copy)
    repair(copy / "run.h5")
    with open_run(copy) as run:
        assert run.provenance["note"] == "mine"
        assert run.complete


def test_repair_of_what_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_text("nothing")
    with pytest.raises(RunFileError, match=r"cannot be read"):
        repair(tmp_path / "a.h5")


def test_a_live_run_is_read_while_it_is_written(whole: Path, tmp_path: Path) -> None:
    seen: list[int] = []

    def look(news: News) -> None:
        with h5py.File(tmp_path / "run.h5", "r", swmr=True) as opened:
            seen.append(len(opened["states/hidden.c/values"]))

    options: dict[str, Any] = {"overrides": SMALL, "live": True, "checkpoint_every": 4}
    run_experiment("spiral", out=tmp_path, progress=look, **options)
    assert len(seen) == 6
    assert_same_run(whole, tmp_path)


def test_a_live_file_that_was_left_open_is_read_and_repaired(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    how: dict[str, Any] = {"provenance": {"seed": 1}, "populations": {"a": 2}, "dt": 1e-3}
    recorder = Recorder(path, live=True, **how)
    recorder.spikes("a", [0, 1], [1, 0])
    recorder.flush()
    left = tmp_path / "left.h5"
    shutil.copy(path, left)  # as a killed process leaves it: still marked as being written
    recorder.close()
    with open_run(left) as run:
        assert run.spikes("a").i.tolist() == [1, 0]
    assert repair(left) == {"spikes/a": 2, "loss": 0}
    with h5py.File(left) as opened:
        assert opened["spikes/a/unit"][:].tolist() == [1, 0]


@pytest.mark.parametrize("compression", ["zstd", "lzf", "none"])
def test_the_compression_can_be_chosen(compression: str, whole: Path, tmp_path: Path) -> None:
    if compression == "zstd":
        pytest.importorskip("hdf5plugin", reason="hdf5plugin is optional")
    changes = [*SMALL, f"record.compression='{compression}'"]
    run_experiment("spiral", out=tmp_path, overrides=changes, checkpoint_every=2)
    with open_run(tmp_path) as run, open_run(whole) as other:
        assert run.provenance["compression"] == compression
        np.testing.assert_array_equal(run.state("hidden.c").values, other.state("hidden.c").values)


def test_zstd_is_optional(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hdf5plugin", None)
    with pytest.raises(RunFileError, match=r"pip install hdf5plugin\. Or use gzip"):
        run_experiment("spiral", out=tmp_path, overrides=[*SMALL, "record.compression='zstd'"])


def test_neo_objects(whole: Path) -> None:
    pytest.importorskip("neo", reason="neo is optional")
    with open_run(whole) as run:
        made = run.to_neo()
        (segment,) = made.segments
        trains = run.spikes("hidden").spike_trains()
        assert len(segment.spiketrains) == len(trains) == 4
        for unit, train in enumerate(segment.spiketrains):
            np.testing.assert_allclose(train.magnitude, trains[unit])
            assert train.annotations["unit"] == unit
        signal = next(s for s in segment.analogsignals if s.name == "hidden.c")
        np.testing.assert_array_equal(signal.magnitude, run.state("hidden.c").values)
        assert float(signal.sampling_period) == pytest.approx(run.dt)


def test_neo_takes_units_and_gaps(tmp_path: Path) -> None:
    pytest.importorskip("neo", reason="neo is optional")
    states = {"a.v": [0], "a.w": [1], "a.x": [0]}
    units = {"a.v": "mV", "a.w": "__import__('os').system('false')", "a.x": "exec"}
    how: dict[str, Any] = {"states": states, "units": units, "populations": {}, "dt": 1e-3}
    with Recorder(tmp_path / "run.h5", provenance={"seed": 1}, **how) as recorder:
        recorder.state("a.v", [0, 1], [[1.0], [2.0]])
        recorder.state("a.w", [0, 4], [[1.0], [2.0]])
    with open_run(tmp_path) as run:
        (segment,) = run.to_neo().segments
    assert segment.analogsignals[0].units.dimensionality.string == "mV"
    found = {s.name: s for s in segment.irregularlysampledsignals}
    assert found["a.w"].units.dimensionality.string == "dimensionless"
    np.testing.assert_allclose(found["a.w"].times.magnitude, [0, 0.004])
    assert found["a.x"].units.dimensionality.string == "dimensionless"


def test_neo_is_optional(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "neo", None)
    with open_run(whole) as run, pytest.raises(RunFileError, match=r"pip install neo"):
        run.to_neo()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "text cannot be read"), ("[" * 20_000, "text cannot be read"),
        ("[]", "text cannot be read"), ('{"a": 1}', "a: unknown section"),
    ],
)  # fmt: skip
def test_verify_refuses_a_text_that_is_none(text: str, message: str, copy: Path) -> None:
    with h5py.File(copy / "run.h5", "r+") as file:
        del file["provenance/experiment_with_overrides"]
        file["provenance/experiment_with_overrides"] = text
    seal(copy / "run.h5")
    with pytest.raises(NeuroRtrlError, match=rf"experiment_with_overrides.*{message}"):
        verify_run(copy, nobody)
