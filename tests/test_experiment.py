"""Whole runs in Python: what a run leaves, and that a sweep compares its points."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from neuro_rtrl.engine.run_file import open_run
from neuro_rtrl.errors import RunFileError
from neuro_rtrl.experiment import run_experiment
from neuro_rtrl.experiment_learning import LOSSES
from neuro_rtrl.experiment_text import load_experiment
from neuro_rtrl.kernels import losses
from neuro_rtrl.outputs import News

SMALL = [
    "learning.iterations=4",
    "record.test_every=2",
    "task.batch=3",
    "task.test_size=20",
    "populations.hidden.n=4",
    # Low thresholds: so small a network would be silent otherwise.
    "populations.hidden.parameters.theta=-4",
]


def test_the_text_knows_the_losses_of_the_kernels() -> None:
    assert LOSSES == losses.LOSSES


def test_a_run_records_itself(tmp_path: Path) -> None:
    news: list[News] = []
    summary = run_experiment("spiral", out=tmp_path, overrides=SMALL, progress=news.append)
    assert [n.done for n in news] == [1, 2, 3, 4]
    assert news[0].score is None
    assert summary["score"] == news[-1].score
    with open_run(tmp_path) as run:
        assert run.complete
        assert len(run.loss) == 4
        assert run.loss[-1] == summary["loss"] == news[-1].loss
        np.testing.assert_array_equal(np.isnan(run.score), [True, False, True, False])
        start, end = run.weights("start"), run.weights("end")
        assert set(start) == set(end)
        assert all(not np.array_equal(start[name], end[name]) for name in ("hidden_y", "y.bias"))
        trace = run.state("hidden.c")
        assert trace.values.shape == (4 * 17, 4)
        assert run.spikes("hidden").step.max() < 4 * 17
        assert json.loads(run.texts["experiment_with_overrides"])["populations"]["hidden"]["n"] == 4
        assert "summary" in run.texts["experiment"]
        assert "c[t+1]" in run.texts["model_of_hidden"]
        assert run.ledger["steps"] == summary["steps"] == 4 * 3 * 17


def test_recorded_events_are_those_of_the_recorded_states(tmp_path: Path) -> None:
    run_experiment("spiral", out=tmp_path, overrides=[*SMALL, "populations.hidden.n=6"])
    with open_run(tmp_path) as run:
        spikes, trace = run.spikes("hidden"), run.state("hidden.c")
        assert len(spikes.i) > 0
        # A sequence begins at the initial state 0, and a trace holds the state before the update.
        np.testing.assert_array_equal(trace.values[::17], 0)
        assert set(spikes.i) <= set(range(6))


@pytest.mark.parametrize("name", ["spiral", "lif_pattern"])
def test_the_same_seed_gives_the_same_run(name: str, tmp_path: Path) -> None:
    short = ["learning.iterations=2", "task.steps=100"] if name == "lif_pattern" else SMALL
    runs = [
        run_experiment(name, out=tmp_path / f"{i}", overrides=short, seed=seed)
        for i, seed in enumerate((5, 5, 6))
    ]
    assert runs[0]["loss"] == runs[1]["loss"] != runs[2]["loss"]


def test_steps_are_counted_whatever_the_rule_and_the_update(tmp_path: Path) -> None:
    changes = [*SMALL, "learning.update=5"]
    online = run_experiment("spiral", out=tmp_path / "a", overrides=changes)
    reference = run_experiment("spiral", out=tmp_path / "b", overrides=SMALL, rule="bptt")
    assert online["steps"] == reference["steps"] == 4 * 3 * 17


def test_the_reference_rule_learns_the_same(tmp_path: Path) -> None:
    runs = [
        run_experiment(
            "spiral",
            out=tmp_path / rule,
            rule=rule,
            overrides=[*SMALL, "learning.precision=float64"],
        )
        for rule in ("rtrl", "bptt")
    ]
    assert runs[0]["loss"] == pytest.approx(runs[1]["loss"], rel=1e-9)
    assert runs[0]["rule"] != runs[1]["rule"]


def test_an_existing_run_is_kept_and_foreign_files_too(tmp_path: Path) -> None:
    run_experiment("spiral", out=tmp_path, overrides=SMALL)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunFileError, match=r"there is a run already; given: run\.h5 exists"):
        run_experiment("spiral", out=tmp_path, overrides=SMALL)
    run_experiment("spiral", out=tmp_path, overrides=SMALL, force=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFileError, match="folder of the run cannot be made; given: "):
        run_experiment("spiral", out=tmp_path / "file", overrides=SMALL)


def test_ctrl_c_keeps_what_is_there(tmp_path: Path) -> None:
    def impatient(news: News) -> None:
        if news.done == 2:
            raise KeyboardInterrupt

    summary = run_experiment("spiral", out=tmp_path, overrides=SMALL, progress=impatient)
    assert summary["interrupted"]
    assert summary["iterations"] == 2
    with open_run(tmp_path) as run:
        assert not run.complete
        assert len(run.loss) == 2
        assert set(run.weights("end")) == set(run.weights("start"))


def test_a_sweep_compares_its_points(tmp_path: Path) -> None:
    chosen = [*SMALL, "sweep.only.weight_sparsity=['0', '0.8']"]
    summary = run_experiment("spiral_sparsity", out=tmp_path, overrides=chosen)
    assert summary == json.loads((tmp_path / "summary.json").read_text())
    points = {(p["weight_sparsity"], p["activity"]): p for p in summary["points"]}
    assert len(points) == 4
    for activity in ("on", "off"):
        dense, sparse = points["0", activity], points["0.8", activity]
        assert sparse["multiply_adds"] < dense["multiply_adds"]
        assert sparse["density"] < dense["density"]
        assert len(dense["loss_curve"]) == 4
    assert points["0", "on"]["density"] < points["0", "off"]["density"]
    assert points["0", "off"]["activity_sparsity"] == 0
    assert points["0", "off"]["compute_adjusted_iterations"] == pytest.approx(
        4 * points["0", "off"]["density"]
    )
    for picture in summary["pictures"]:
        assert (tmp_path / picture).stat().st_size > 5000
    assert (tmp_path / "weight_sparsity_0.8_activity_off" / "run.h5").exists()
    assert summary["steps"] == sum(p["steps"] for p in summary["points"])


def test_ctrl_c_ends_a_sweep_with_the_points_that_are_done(tmp_path: Path) -> None:
    seen: list[News] = []

    def impatient(news: News) -> None:
        seen.append(news)
        if len(seen) == 6:
            raise KeyboardInterrupt

    summary = run_experiment("spiral_sparsity", out=tmp_path, overrides=SMALL, progress=impatient)
    assert summary["interrupted"]
    assert len(summary["points"]) == 1


def test_the_default_folder_is_named_after_the_experiment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    summary = run_experiment("spiral", overrides=SMALL)
    assert (tmp_path / "runs" / "spiral" / "summary.json").exists()
    assert summary["out"] == str(Path("runs", "spiral"))
    assert load_experiment("spiral").name == "spiral"
