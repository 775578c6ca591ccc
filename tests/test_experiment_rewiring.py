"""Experiments whose synapses come and go: the text, the run, its files, and going on with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.compare_gradient import Probe
from neuro_rtrl.engine.run_file import open_run
from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.experiment_evaluation import Evaluator
from neuro_rtrl.experiment_text import load_experiment, make_network, make_task
from neuro_rtrl.experiment_training import make_job
from neuro_rtrl.outputs import News
from neuro_rtrl.registry import files
from tests.test_experiment_keeping import assert_same_run, interrupted

SMALL = [
    "learning.iterations=6", "record.test_every=2", "task.batch=3", "task.test_size=20",
    "populations.hidden.n=4", "populations.hidden.parameters.theta=-4",
]  # fmt: skip
DEEP_R = 'learning.rewiring={ name = "deep_r", l1 = 1.0, learning_rate = 3e-2 }'
PRUNE = "learning.rewiring={ hidden_c = { name = 'magnitude', density = 0.5, end = 4, every = 1 } }"
SPARSE = ["projections.hidden_u.density=0.5", "projections.hidden_y.density=0.5"]


def run(folder: Path, *overrides: str, **options: Any) -> dict[str, Any]:
    return nr.run_experiment("spiral", out=folder, overrides=[*SMALL, *overrides], **options)


def test_a_run_says_the_density_and_keeps_both_wirings(tmp_path: Path) -> None:
    news: list[News] = []
    summary = run(tmp_path, PRUNE, progress=news.append)
    densities = [n.density for n in news]
    assert densities[0] < 1
    assert densities[-3:] == [0.5] * 3
    assert summary["connected"] == {"hidden_c": 0.5}
    assert json.loads((tmp_path / "summary.json").read_text())["connected"] == {"hidden_c": 0.5}
    with open_run(tmp_path / "run.h5") as found:
        assert found.indices["hidden_c"][0].size == found.weights("start")["hidden_c"].size == 16
        pre, post = found.indices_end["hidden_c"]
        assert pre.size == post.size == found.weights("end")["hidden_c"].size == 8
        assert found.indices_end["hidden_u"][0].size == 16


def test_a_fixed_wiring_is_not_mentioned(tmp_path: Path) -> None:
    news: list[News] = []
    assert "connected" not in run(tmp_path, progress=news.append)
    assert {n.density for n in news} == {None}


def test_the_score_is_that_of_the_wiring_of_now(tmp_path: Path) -> None:
    """The last loss of a run that stands still is the one that a network made anew has."""
    still = ["learning.iterations=2", "learning.optimizer={ name = 'sgd', learning_rate = 1e-12 }"]
    prune = "learning.rewiring={ name = 'magnitude', density = 0.5, end = 1, every = 1 }"
    summary = run(tmp_path, *still, prune)
    experiment = load_experiment("spiral", [*SMALL, *still, prune])
    with open_run(tmp_path / "run.h5") as found:
        weights, ends = found.weights("end"), found.indices_end
    net, made = make_network(experiment), nr.Network(dt="1 ms", seed=1)
    made.populations = net.populations
    for name, p in net.projections.items():
        made.connect(
            p.source, p.target, name=name, port=p.port.name, pairs=ends[name], weights=weights[name]
        )
    score = Evaluator(made).score(make_task(experiment), weights)
    assert summary["score"] == pytest.approx(score, abs=1e-12)
    assert weights["hidden_c"].size == 8


def test_a_run_that_was_interrupted_goes_on_with_its_wiring(tmp_path: Path) -> None:
    settings = "learning.optimizer.projections.hidden_y.learning_rate=1e-2"
    changes = [*SMALL, *SPARSE, DEEP_R, settings]
    nr.run_experiment("spiral", out=tmp_path / "whole", overrides=changes, checkpoint_every=2)
    interrupted(tmp_path / "cut", 3, overrides=changes)
    nr.run_experiment(tmp_path / "cut", resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "cut")
    with open_run(tmp_path / "whole" / "run.h5") as found:
        assert not np.array_equal(found.indices["hidden_u"], found.indices_end["hidden_u"])


def test_settings_of_projections(tmp_path: Path) -> None:
    frozen = "learning.optimizer.projections.hidden_u.frozen=true"
    other = "learning.optimizer.projections.hidden_y={ name = 'sgd', learning_rate = 1e-9 }"
    run(tmp_path, frozen, other, "learning.optimizer.projections.hidden_r.learning_rate=1.0")
    with open_run(tmp_path / "run.h5") as found:
        start, end = found.weights("start"), found.weights("end")
    moved = {name: float(np.abs(end[name] - start[name]).max()) for name in start}
    assert moved["hidden_u"] == 0
    assert 0 < moved["hidden_y"] < 1e-6 < moved["hidden_c"] < 0.05 < moved["hidden_r"]


def test_gradients_are_compared_in_the_wiring_of_now() -> None:
    """What `compare` looks at: exact is exact, whatever has come and gone."""
    experiment = load_experiment("spiral", [*SMALL, *SPARSE, DEEP_R])
    job, probe = make_job(experiment, "spiral"), Probe(experiment)
    for iteration in range(6):
        trial = job.task.train(iteration)
        job.learner.run(trial.inputs, trial.targets)
    assert not np.array_equal(
        job.learner.projections["hidden_u"].pre, job.network.projections["hidden_u"].pre
    )
    figures = probe.measure(job.learner, job.task, 4)
    assert figures["cosine"] == pytest.approx(1.0, abs=1e-5)
    assert figures["norm_ratio"] == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ('learning.rewiring={ name = "deepr" }', r"learning.rewiring.name.*mean 'deep_r'"),
        ('learning.rewiring={ name = "deep_r", l2 = 1 }', r"rewiring.l2.*unknown option"),
        ('learning.rewiring={ name = "deep_r", l1 = -1 }', r"learning.rewiring.*l1.*range"),
        ('learning.rewiring={ hiden_u = { name = "deep_r" } }', r"rewiring.*mean 'hidden_u'"),
        (
            'learning.rewiring={ name = "deep_r", projections = ["y"] }',
            r"rewiring.projections.*projection that learns",
        ),
        ("learning.optimizer.projections.hidden_z.frozen=true", r"projections.*mean 'hidden_"),
        (
            "learning.optimizer.projections.hidden_y={ frozen = true, clip_norm = 1.0 }",
            r"hidden_y.clip_norm.*unknown key",
        ),
        (
            "learning.optimizer.projections.hidden_y={ learning_rate = 'fast' }",
            r"hidden_y.learning_rate.*wrong type",
        ),
    ],
)
def test_refusals_name_the_place(override: str, said: str) -> None:
    with pytest.raises(DescriptionError, match=said):
        load_experiment("spiral", [override])


def test_the_shipped_one_rewires_in_three_ways() -> None:
    assert "rewiring" in files("experiments")
    experiment = load_experiment("rewiring")
    ways = [point.overrides.get("learning.rewiring") for point in experiment.points]
    assert ways[0] is None
    assert [way["hidden_hidden"]["name"] for way in ways[1:]] == ["magnitude", "deep_r", "rigl"]


def test_the_shipped_one_prunes_within_sequences(tmp_path: Path) -> None:
    small = ["learning.iterations=3", "task.steps=200", "task.inputs=10", "populations.x.inputs=10"]
    text = "learning.rewiring={ hidden_hidden = { name = 'magnitude', density = 0.05, end = 30 } }"
    summary = nr.run_experiment("lif_pattern", out=tmp_path, overrides=[*small, text])
    assert summary["connected"] == {"hidden_hidden": 0.05}
