"""Rows of the influence matrix in the file of a run: written, read, gone on with, compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neuro_rtrl import experiment
from neuro_rtrl.engine.layout import INFLUENCE
from neuro_rtrl.engine.run_file import open_run
from neuro_rtrl.engine.seal import seal
from neuro_rtrl.errors import BuildError, DescriptionError
from neuro_rtrl.experiment import run_experiment
from neuro_rtrl.experiment_text import load_experiment
from neuro_rtrl.experiment_training import make_job
from neuro_rtrl.experiment_verify import verify_run
from neuro_rtrl.outputs import News
from tests.test_experiment_keeping import SMALL, assert_same_run

LOOK = "record.influence={units={hidden=[0, 2]}, every=3, iterations=2}"


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("draw_learning_curve", "draw_raster"):
        monkeypatch.setattr(experiment, name, lambda *arguments: None)


def cut(news: News) -> None:
    if news.done == 3:
        raise KeyboardInterrupt


def test_a_run_keeps_rows_and_learns_the_same(tmp_path: Path) -> None:
    run_experiment("spiral", out=tmp_path / "with", overrides=[*SMALL, LOOK])
    run_experiment("spiral", out=tmp_path / "without", overrides=SMALL)
    job = make_job(load_experiment("spiral", SMALL), "spiral")
    trial = job.task.train(0)
    first = job.learner.influence(
        trial.inputs[0], trial.targets[0], units={"hidden": [0, 2]}, every=3
    )["hidden"]
    with open_run(tmp_path / "with") as one, open_run(tmp_path / "without") as other:
        found, steps = one.influence("hidden"), trial.inputs.shape[1]
        assert one.influences == {"hidden": tuple(job.learner.parameters)}
        assert other.influences == {}
        assert one.loss.tolist() == other.loss.tolist()
        for name, values in one.weights("end").items():
            np.testing.assert_array_equal(values, other.weights("end")[name])
        assert one.ledger == other.ledger
    begun = found.step < steps
    assert first.value.size > 20
    for name in INFLUENCE:
        kept = getattr(found, name)[begun]
        np.testing.assert_array_equal(kept, getattr(first, name).astype(kept.dtype), name)
    assert set(found.step // steps) == {0, 2, 4}
    assert set(found.step % steps) == set(np.minimum(np.arange(2, steps + 2, 3), steps - 1))


def test_it_goes_on_with_the_same_rows_and_verifies(tmp_path: Path) -> None:
    options: dict[str, Any] = {"overrides": [*SMALL, LOOK], "checkpoint_every": 2}
    run_experiment("spiral", out=tmp_path / "whole", **options)
    run_experiment("spiral", out=tmp_path / "cut", progress=cut, **options)
    run_experiment(tmp_path / "cut", resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "cut")
    assert verify_run(tmp_path / "cut", lambda news: None)["identical"]


def test_other_rows_are_seen(tmp_path: Path) -> None:
    run_experiment("spiral", out=tmp_path, overrides=[*SMALL, LOOK])
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        file["influence/hidden/value"][7] += 1.0
    seal(tmp_path / "run.h5")
    found = verify_run(tmp_path, lambda news: None)
    assert not found["identical"]
    assert "influence/hidden/value: first in row 7" in found["differences"][0]


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("{}", "record.influence.*units"),
        ("{units={g=[0]}}", "unknown population"),
        ("{units={x=[0]}}", "unknown population"),
        ("{units={hidden=[4]}}", "not numbers of units; given: .4.; expected: .* 0 to 3"),
        ("{units={hidden=[true]}}", "not numbers of units"),
        ("{units={hidden=[]}}", "not numbers of units"),
        ("{units={hidden=0}}", "not numbers of units"),
        ("{units={hidden=[0]}, every=0}", "record.influence.every"),
        ("{units={hidden=[0]}, often=1}", "unknown key"),
        ("{units={hidden=[0]}, own=1}", "record.influence.own"),
    ],
)
def test_texts_that_are_refused(setting: str, text: str) -> None:
    with pytest.raises(DescriptionError, match=text):
        load_experiment("spiral", [*SMALL, f"record.influence={setting}"])


def test_rules_and_wirings_without_rows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"the rule bptt has no influence matrix"):
        run_experiment("spiral", out=tmp_path / "a", overrides=[*SMALL, LOOK], rule="bptt")
    names = [p.get("name") for p in load_experiment("spiral", SMALL).values["projections"]]
    first = next(name for name in names if name)
    moving = f"learning.rewiring={{{first}={{name='deep_r', learning_rate=1e-3}}}}"
    with pytest.raises(BuildError, match=r"by numbers of synapses, and these come and go"):
        run_experiment("spiral", out=tmp_path / "b", overrides=[*SMALL, LOOK, moving])
