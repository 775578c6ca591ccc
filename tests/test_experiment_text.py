"""Reading experiments: what is read, overrides, extension, sweeps. Refusals: test_bad_input.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuro_rtrl import registry
from neuro_rtrl.errors import NeuroRtrlError
from neuro_rtrl.experiment_text import at_point, load_experiment


@pytest.mark.parametrize("name", sorted(registry.files("experiments")))
def test_every_shipped_experiment_is_good(name: str) -> None:
    experiment = load_experiment(name)
    assert experiment.name == name
    assert experiment.populations
    assert experiment.projections


def test_the_spiral_follows_the_protocol() -> None:
    experiment = load_experiment("spiral")
    hidden = {p.name: p for p in experiment.populations}["hidden"]
    assert (hidden.n, len(experiment.projections)) == (16, 7)
    assert experiment.task.options == {"batch": 32}
    assert experiment.learning.optimizer.name == "adam"
    assert experiment.learning.optimizer.options == {"learning_rate": 3e-3}
    assert experiment.learning.iterations == 1700
    assert experiment.learning.update == "sequence"
    assert set(hidden.options["learn"]) == {"b_u", "b_r", "b_c", "theta"}


def test_overrides_are_read_as_toml_or_as_bare_words() -> None:
    experiment = load_experiment(
        "spiral",
        [
            "learning.rule=bptt",
            "learning.iterations=7",
            "populations.hidden.n=8",
            "network.dt='2 ms'",
            "projections.0.density=0.5",
            "projections.hidden_u.density=0.25",
            "record.spikes=[]",
            "network.seed=4",
            "learning.update=5",
        ],
    )
    assert (experiment.learning.rule, experiment.learning.iterations) == ("bptt", 7)
    assert (experiment.dt, experiment.seed, experiment.learning.update) == ("2 ms", 4, 5)
    assert experiment.populations[1].n == 8
    assert experiment.projections[0].options["density"] == 0.5
    assert experiment.projections[3].options["density"] == 0.25
    assert experiment.record.spikes == ()


def test_a_sweep_has_every_combination_of_its_labels() -> None:
    experiment = load_experiment("spiral_sparsity")
    assert len(experiment.points) == 8
    first, last = experiment.points[0], experiment.points[-1]
    assert first.labels == {"weight_sparsity": "0", "activity": "on"}
    assert last.labels == {"weight_sparsity": "0.9", "activity": "off"}
    run = at_point(experiment, last)
    assert run.points == ()
    densities = [p.options.get("density", 1.0) for p in run.projections]
    assert densities == [1, 1, 1, 0.1, 0.1, 0.1, 1]
    assert run.populations[1].options["threshold"] == "c > -1000"
    assert "threshold" not in at_point(experiment, first).populations[1].options


def test_a_sweep_can_be_narrowed() -> None:
    experiment = load_experiment(
        "spiral_sparsity",
        [
            'sweep.only.weight_sparsity=["0.9", "0"]',
            'sweep.only.activity=["on"]',
        ],
    )
    assert [p.labels["weight_sparsity"] for p in experiment.points] == ["0.9", "0"]


def test_a_text_extends_another_beside_it(tmp_path: Path) -> None:
    text = 'extends = "spiral"\n[learning]\niterations = 3\n'
    (tmp_path / "mine.toml").write_text(text)
    mine = load_experiment(tmp_path / "mine.toml")
    assert (mine.name, mine.learning.iterations, mine.learning.loss) == ("mine", 3, "bce")
    (tmp_path / "third.toml").write_text('extends = "mine"\nsummary = "third"\n')
    third = load_experiment(tmp_path / "third.toml")
    assert (third.summary, third.learning.iterations) == ("third", 3)


def test_a_text_cannot_extend_itself(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('extends = "b"\n')
    (tmp_path / "b.toml").write_text('extends = "a"\n')
    with pytest.raises(NeuroRtrlError, match=r"extends.*given: .*expected: "):
        load_experiment(tmp_path / "a.toml")


def test_a_model_may_lie_beside_the_experiment(tmp_path: Path) -> None:
    model = registry.find("models", "lif").read_text()
    (tmp_path / "mine.toml").write_text(model)
    text = registry.find("experiments", "lif_pattern").read_text()
    (tmp_path / "task.toml").write_text(text.replace('"lif"', '"mine.toml"'))
    hidden = load_experiment(tmp_path / "task.toml").populations[1]
    assert hidden.model is not None
    assert hidden.model.name == "mine"
