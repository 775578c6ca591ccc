"""What tasks of recorded data have in common."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neuro_rtrl.contracts import Recorded, Trial
from neuro_rtrl.errors import DataError, DescriptionError
from neuro_rtrl.registry import find
from neuro_rtrl.tasks._recorded import (
    classes,
    last_steps,
    need_part,
    one_hot_at,
    own_file,
    voted_classes,
)

TASKS = {
    "breathing_belt": "breathing",
    "characters": "wikipedia",
    "japanese_vowels": "japanese_vowels",
    "sequential_digits": "digits",
}


@pytest.mark.parametrize(("name", "data"), TASKS.items())
def test_a_task_tells_its_origin(name: str, data: str) -> None:
    task = find("tasks", name)(np.random.default_rng(0))
    assert isinstance(task, Recorded)
    assert task.origin["data"] == data
    assert {"data_licence", "data_origin", "data_sha256", "data_carrier"} <= set(task.origin)


def test_a_task_that_draws_its_data_has_no_origin() -> None:
    assert not isinstance(find("tasks", "spiral")(np.random.default_rng(0)), Recorded)


@pytest.mark.parametrize(("name", "data"), TASKS.items())
def test_without_the_data_a_task_names_the_command(
    name: str, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEURO_RTRL_DATA", str(tmp_path))
    with pytest.raises(DataError, match=f"neuro-rtrl data fetch {data}$"):
        find("tasks", name)(np.random.default_rng(0))


@pytest.mark.parametrize("name", TASKS)
def test_both_parts_can_be_tested_on(name: str) -> None:
    parts = {
        part: find("tasks", name)(np.random.default_rng(0), tested_on=part).test()
        for part in ("validation", "test")
    }
    shapes = {part: trial.inputs.shape for part, trial in parts.items()}
    same = shapes["test"] == shapes["validation"]
    assert not (same and np.array_equal(parts["test"].inputs, parts["validation"].inputs))
    with pytest.raises(DescriptionError, match=r"tested_on: unknown part.*Did you mean 'test'"):
        find("tasks", name)(np.random.default_rng(0), tested_on="tests")


def test_the_whole_sequence_votes() -> None:
    targets = one_hot_at(np.array([2, 0]), np.array([[True, True, False], [False, True, True]]), 3)
    trial = Trial(np.zeros((2, 3, 1)), targets)
    assert classes(trial).tolist() == [2, 0]
    predictions = np.zeros((2, 3, 3))
    # The first step is unsure and wrong, the second is sure; the third is not asked for.
    predictions[0] = [[0.1, 0, 0], [0, 0, 5], [90, 0, 0]]
    predictions[1, 1:] = [[0, 1, 0], [0, 1, 0]]
    assert voted_classes(predictions, trial) == 0.5
    # What is added to all logits of a step means nothing.
    assert voted_classes(predictions + np.arange(3)[:, None] * 100, trial) == 0.5


def test_steps_with_a_target() -> None:
    lengths = np.array([1, 4])
    assert last_steps(lengths, 4, 0).sum(axis=1).tolist() == [1, 4]
    assert last_steps(lengths, 4, 2).astype(int).tolist() == [[1, 0, 0, 0], [0, 0, 1, 1]]


def test_own_files_are_named_without_their_folder(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("abc")
    facts = own_file(file, "text")
    assert facts["data_file"] == "mine.txt"
    assert str(tmp_path) not in str(facts)
    assert facts["data_sha256"].startswith("ba7816bf8f01cfea")


def test_parts_by_name() -> None:
    need_part("x", "validation")
    with pytest.raises(DescriptionError, match="x: tested_on"):
        need_part("x", "train")
