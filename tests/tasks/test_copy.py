"""The layout of a sequence, the lengths of a batch, the rule by which they grow, and the loop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neuro_rtrl.contracts import Curriculum
from neuro_rtrl.engine.run_file import open_run
from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.experiment import run_experiment
from neuro_rtrl.tasks.copy import Copy, bits, make

EXPERIMENT = """
summary = "a copy task in the loop"
[populations.x]
inputs = 3
[populations.hidden]
n = 4
model = "lif"
[populations.y]
n = 1
model = "readout"
[[projections]]
source = "x"
target = "hidden"
[[projections]]
source = "hidden"
target = "y"
[task]
name = "copy"
batch = 3
test_size = 4
threshold = 100.0
[learning]
optimizer = { name = "sgd", learning_rate = 1e-3 }
loss = "bce"
iterations = 4
[record]
spikes = ["hidden"]
states = ["hidden.v"]
test_every = 2
"""


def new(seed: int = 0, **options: object) -> Copy:
    return make(np.random.default_rng(seed), **options)


def perfect(targets: np.ndarray) -> np.ndarray:
    return 50 * (np.nan_to_num(targets) - 0.5)


def test_a_sequence_is_flag_bits_flag_blanks() -> None:
    trial = new(length=4, curriculum=False).test()
    for sequence, target in zip(trial.inputs, trial.targets, strict=True):
        assert len(sequence) == 2 * 4 + 2
        np.testing.assert_array_equal(sequence[:, 1], [1] + 9 * [0])
        np.testing.assert_array_equal(sequence[:, 2], 5 * [0] + [1] + 4 * [0])
        np.testing.assert_array_equal(sequence[6:], 0)
        assert np.isnan(target[:6]).all()
        np.testing.assert_array_equal(target[6:, 0], sequence[1:5, 0])
    assert trial.targets[:, 6:].mean() == pytest.approx(0.5, abs=0.1)


def test_lengths_are_uniform_and_padding_has_no_targets() -> None:
    task = new(length=9, batch=3000)
    trial = task.train(0)
    lengths = np.isfinite(trial.targets[:, :, 0]).sum(axis=1)
    assert trial.inputs.shape[1] == 20
    values, counts = np.unique(lengths, return_counts=True)
    np.testing.assert_array_equal(values, [4, 5, 6, 7, 8, 9])
    assert counts.min() > 400
    for sequence, target, length in zip(trial.inputs, trial.targets, lengths, strict=True):
        assert not sequence[2 * length + 2 :].any()
        assert np.isnan(target[2 * length + 2 :]).all()


def test_short_strings_have_at_least_one_symbol() -> None:
    lengths = np.isfinite(new(length=3, batch=300).train(0).targets[:, :, 0]).sum(axis=1)
    assert set(lengths) == {1, 2, 3}


def test_the_level_grows_when_a_batch_is_cheap() -> None:
    task = new()
    for loss, level in ((0.2, 1), (0.15, 1), (0.149, 2), (0.0, 3), (0.3, 3)):
        task.advance(loss)
        assert task.level == level
    assert task.train(0).inputs.shape[1] == task.test().inputs.shape[1] == 8


def test_it_stays_without_a_curriculum() -> None:
    task = new(length=7, curriculum=False)
    task.report(task.train(0), perfect(task.train(0).targets))
    assert task.level == 7
    assert task.score(perfect(task.test().targets), task.test()) == 1


def test_a_report_counts_bits_and_tokens() -> None:
    task = new(length=6)
    assert isinstance(task, Curriculum)
    trial = task.train(0)
    lengths = np.isfinite(trial.targets[:, :, 0]).sum(axis=1)
    task.report(trial, np.zeros_like(trial.targets))
    assert task.level == 6
    task.report(trial, perfect(trial.targets))
    assert task.level == 7
    assert task.tokens == 2 * np.sum(2 * lengths + 2)


def test_bits_are_the_cross_entropy_of_logits() -> None:
    task = new(length=5)
    trial = task.train(0)
    logits = np.random.default_rng(1).normal(size=trial.targets.shape)
    asked = np.isfinite(trial.targets)
    p = 1 / (1 + np.exp(-logits[asked]))
    said = np.where(trial.targets[asked] == 1, p, 1 - p)
    assert bits(logits, trial) == pytest.approx(-np.log2(said).mean())


def test_the_score_counts_levels() -> None:
    task = new(length=4)
    trial = task.test()
    assert task.score(perfect(trial.targets), trial) == 4
    assert task.score(-perfect(trial.targets), trial) == 3


def test_symbols_may_have_more_bits() -> None:
    task = new(length=2, width=8)
    trial = task.test()
    assert trial.inputs.shape[2] == task.inputs == 10
    np.testing.assert_array_equal(trial.targets[:, 4:], trial.inputs[:, 1:3, :8])


def test_the_loop_reports_and_the_record_follows(tmp_path: Path) -> None:
    """With a threshold that every batch meets, the level grows in each iteration."""
    file = tmp_path / "copying.toml"
    file.write_text(EXPERIMENT, encoding="utf-8")
    summary = run_experiment(file, out=tmp_path / "run")
    steps = 4 + 6 + 8 + 10
    assert summary["steps"] == 3 * steps
    with open_run(tmp_path / "run") as run:
        np.testing.assert_array_equal(run.state("hidden.v").steps, np.arange(steps))
        # The tests are at levels 2 and 4.
        np.testing.assert_array_equal(np.floor(run.score[[1, 3]]), [1, 3])


@pytest.mark.parametrize(
    ("option", "value"),
    [("length", 0), ("width", 0), ("batch", 0), ("threshold", 0.0), ("spread", -1)],
)
def test_refuses_what_is_out_of_range(option: str, value: float) -> None:
    with pytest.raises(DescriptionError, match=f"copy: {option}: .*given: .*expected: "):
        new(**{option: value})
