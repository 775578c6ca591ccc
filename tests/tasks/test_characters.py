"""Characters: targets are the next inputs, rare ones are one symbol, costs are bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neuro_rtrl.datasets.wikipedia import DATASET
from neuro_rtrl.errors import DataError, DescriptionError
from neuro_rtrl.tasks.characters import Characters, make


def own(folder: Path, text: str, **options: object) -> Characters:
    file = folder / "text.txt"
    file.write_text(text, encoding="utf-8")
    return make(np.random.default_rng(0), text=str(file), **options)  # type: ignore[arg-type]


def test_the_target_is_the_next_character() -> None:
    task = make(np.random.default_rng(0), alphabet=10)
    for trial in (task.train(0), task.test()):
        np.testing.assert_array_equal(trial.inputs[:, 1:], trial.targets[:, :-1])
        assert set(trial.inputs.sum(axis=2).ravel()) == {1}


def test_crops_are_pieces_of_the_text() -> None:
    text = "".join(map(chr, DATASET.load()["text"]))
    task = make(np.random.default_rng(0), alphabet=1000, steps=40, batch=5)
    for part, trial in (("train", task.train(2)), ("test", task.test())):
        for crop in trial.inputs.argmax(axis=2):
            found = text.find("".join(task.alphabet[n] for n in crop))
            assert (found > 0.94 * len(text)) == (part == "test")


def test_the_alphabet_is_of_the_most_frequent(tmp_path: Path) -> None:
    task = own(tmp_path, "aaabbcé" * 400, alphabet=2, steps=20)
    assert (task.alphabet, task.inputs, task.outputs) == ("ab", 3, 3)
    # a a a b b ? ?
    assert np.bincount(task.held_out)[2] / len(task.held_out) == pytest.approx(2 / 7, abs=0.01)


def test_scores_are_bits(tmp_path: Path) -> None:
    task = own(tmp_path, "abcd" * 400, steps=20)
    trial = task.test()
    assert task.inputs == 5
    assert task.score(np.zeros(trial.targets.shape), trial) == pytest.approx(-np.log2(5))
    sure_of_half = np.where(trial.targets == 1, 0.0, -np.inf)
    sure_of_half[:, :, 4] = 0
    assert task.score(np.nan_to_num(sure_of_half, neginf=-1e3), trial) == pytest.approx(-1)


def test_baselines_count(tmp_path: Path) -> None:
    task = own(tmp_path, "ab" * 5000, steps=20)
    found = task.baselines()
    assert found["unigram"] == pytest.approx(1, abs=0.01)
    assert found["bigram"] == pytest.approx(0, abs=0.01)


@pytest.mark.usefixtures("real_data")
def test_the_real_text_has_its_published_entropy() -> None:
    if not DATASET.is_kept():
        pytest.skip("real data not fetched here: neuro-rtrl data fetch wikipedia")
    found = make(np.random.default_rng(0)).baselines()
    assert found == {
        "unigram": pytest.approx(4.638, abs=1e-3),
        "bigram": pytest.approx(3.666, abs=1e-3),
    }


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.txt: the text cannot be read"):
        make(np.random.default_rng(0), text=str(tmp_path / "nowhere.txt"))
    with pytest.raises(DescriptionError, match=r"steps.*less than 50"):
        own(tmp_path, "a" * 1000)
    with pytest.raises(DescriptionError, match="an empty file"):
        own(tmp_path, "")
