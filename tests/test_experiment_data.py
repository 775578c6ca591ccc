"""Experiments on recorded data: where the data come from is in the run's file."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.datasets.japanese_vowels import DATASET
from neuro_rtrl.engine import checkpoint
from neuro_rtrl.engine.snapshot import Snapshot
from neuro_rtrl.errors import NeuroRtrlError
from neuro_rtrl.experiment_evaluation import Evaluator
from neuro_rtrl.experiment_text import load_experiment, make_network, make_optimizer, make_task
from neuro_rtrl.learner import Learner
from neuro_rtrl.outputs import News
from tests.test_experiment_keeping import KilledError, assert_same_run

SMALL = ["learning.iterations=1", "populations.hidden.n=4", "task.batch=2"]


def test_origin_and_licence_are_attributes_of_the_run(tmp_path: Path) -> None:
    nr.run_experiment("vowels", out=tmp_path, overrides=SMALL)
    with h5py.File(tmp_path / "run.h5") as run:
        facts = dict(run.attrs)
    for name, value in DATASET.provenance().items():
        assert facts[name] == value


def test_a_run_without_recorded_data_has_none(tmp_path: Path) -> None:
    nr.run_experiment("spiral", out=tmp_path, overrides=SMALL)
    with h5py.File(tmp_path / "run.h5") as run:
        assert not [name for name in run.attrs if name.startswith("data")]


def test_online_forecasts_are_scored_while_learning(tmp_path: Path) -> None:
    summary = nr.run_experiment("breathing", out=tmp_path)
    experiment = load_experiment("breathing")
    task, learning = make_task(experiment), experiment.learning
    learner = Learner(
        make_network(experiment),
        rule=learning.rule,
        optimizer=make_optimizer(experiment),
        update="step",
        precision="float32",
    )
    trial = task.train(0)
    result = learner.run(trial.inputs, trial.targets)
    assert summary["score"] == task.score(result.predictions, trial)
    frozen = Evaluator(make_network(experiment)).score(task, learner.parameters)
    assert summary["score"] != frozen
    # The made breaths are regular: even so short a course beats knowing the mean.
    assert summary["score"] > 0.3


def test_without_the_data_a_run_names_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEURO_RTRL_DATA", str(tmp_path / "empty"))
    with pytest.raises(NeuroRtrlError, match=r"vowels\.toml: task: .*data fetch japanese_vowels$"):
        nr.run_experiment("vowels", out=tmp_path / "run")
    assert not (tmp_path / "run" / "run.h5").exists()


def test_made_vowels_are_learned(tmp_path: Path) -> None:
    few = ["learning.iterations=40", "task.batch=8", "record.test_every=40"]
    summary = nr.run_experiment("vowels", out=tmp_path, overrides=few)
    assert summary["score"] > 0.5
    assert np.isfinite(summary["loss"])


def breaths(file: Path, period: float) -> Path:
    """A recording of one's own, at 10 Hz."""
    rows = [f"{100 * t},{np.sin(t / period):.4f}" for t in range(3000)]
    file.write_text("\n".join(["time_ms,chest", *rows]))
    return file


BELT = ["populations.hidden.n=4", "learning.iterations=1", "record.test_every=1"]
VOWELS = ["learning.iterations=6", "populations.hidden.n=4", "task.batch=2", "record.test_every=3"]


@pytest.mark.parametrize(
    ("name", "settings", "keeping"),
    [
        ("vowels", VOWELS, {"checkpoint_every": 2}),
        ("belt", BELT, {"checkpoint_steps": 200}),
    ],
)
def test_a_killed_run_over_recorded_data_goes_on(
    name: str,
    settings: list[str],
    keeping: dict[str, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for picture in ("draw_learning_curve", "draw_raster"):
        monkeypatch.setattr(f"neuro_rtrl.experiment.{picture}", lambda *arguments: None)
    if name == "belt":  # a recording of one's own
        belt = breaths(tmp_path / "belt.csv", 6.0)
        name, settings = "breathing", [*settings, f"task.recording='{belt}'"]
    nr.run_experiment(name, out=tmp_path / "whole", overrides=settings)
    written, place = checkpoint.write, tmp_path / "cut"

    def write(folder: Path, number: int, found: Snapshot, within: int = 0) -> Path:
        made = written(folder, number, found, within=within)
        if number >= 4 or within >= 600:
            raise KilledError
        return made

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "write", write)
        with pytest.raises(KilledError):
            nr.run_experiment(name, out=place, overrides=settings, **keeping)
    assert checkpoint.numbered(place)
    nr.run_experiment(place, resume=True)
    assert_same_run(tmp_path / "whole", place)


def test_a_run_does_not_go_on_with_other_data(tmp_path: Path) -> None:
    belt, place = breaths(tmp_path / "belt.csv", 6.0), tmp_path / "run"
    settings = [*BELT, f"task.recording='{belt}'", "learning.iterations=3"]

    def stop(news: News) -> None:
        raise KeyboardInterrupt

    nr.run_experiment("breathing", out=place, overrides=settings, progress=stop)
    breaths(belt, 7.0)
    with pytest.raises(NeuroRtrlError, match=r"other models or data; given: data_sha256"):
        nr.run_experiment(place, resume=True)
