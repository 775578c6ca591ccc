"""Checkpoints that were forged, with a right seal: refused in words, or left for one before."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neuro_rtrl import experiment
from neuro_rtrl.engine import checkpoint
from neuro_rtrl.engine.seal import seal
from neuro_rtrl.errors import DamagedWarning, NeuroRtrlError
from neuro_rtrl.experiment import run_experiment
from neuro_rtrl.outputs import News
from tests.test_experiment_keeping import SMALL

Change = Callable[[dict[str, Any]], Any]
HOSTILE: list[Any] = [None, 1e308, -1, 10**30, "x", [], {}, [1, 1, 1], True, {"a": 1}, "__import__"]


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("draw_learning_curve", "draw_raster"):
        monkeypatch.setattr(experiment, name, lambda *arguments: None)


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "interrupted"

    def stop(news: News) -> None:
        if news.done == 4:
            raise KeyboardInterrupt

    run_experiment("spiral", out=folder, overrides=SMALL, checkpoint_every=2, progress=stop)
    assert len(checkpoint.numbered(folder)) == 2
    return folder


@pytest.fixture
def copy(interrupted: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(interrupted, tmp_path / "copy"))


def index_of(file: Path) -> dict[str, Any]:
    with h5py.File(file) as opened:
        return dict(json.loads(opened["index"].asstr()[()]))


def forge(folder: Path, change: Change) -> None:
    """Changes the index of all checkpoints; the seals are right again."""
    for file in checkpoint.numbered(folder):
        index = index_of(file)
        text = change(index)
        with h5py.File(file, "r+") as opened:
            del opened["index"]
            opened["index"] = text if isinstance(text, str) else json.dumps(index)
        seal(file)


def go_on(folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedWarning)
        run_experiment(folder, resume=True)


@pytest.mark.parametrize("name", ["experiment", "made_with", "recorder"])
@pytest.mark.parametrize("text", ["{", "[" * 20_000, "[]", "null", "{}", '"x"'])
def test_texts_that_are_none(name: str, text: str, copy: Path) -> None:
    forge(copy, lambda index: index["notes"][f"/{name}"].__setitem__("value", text))
    with pytest.raises(NeuroRtrlError, match=r"; given: .*; expected: "):
        go_on(copy)


@pytest.mark.parametrize("name", ["rows", "last"])
def test_numbers_that_are_none(name: str, copy: Path) -> None:
    def change(index: dict[str, Any]) -> None:
        note = index["notes"]["/recorder"]
        note["value"] = json.dumps(json.loads(note["value"]) | {name: {"loss": "many"}})

    forge(copy, change)
    warned = pytest.warns(DamagedWarning, match=r"index: recorder.*many.*The one before is used")
    with warned, pytest.raises(NeuroRtrlError, match=r"there is no run to go on with"):
        run_experiment(copy, resume=True)


@pytest.mark.parametrize(
    "change",
    [
        lambda index: "[" * 20_000,
        lambda index: "[]",
        lambda index: index["notes"].clear(),
        lambda index: index["arrays"].clear(),
    ],
)
def test_an_index_that_is_none(change: Change, copy: Path) -> None:
    forge(copy, change)
    with pytest.raises(NeuroRtrlError):
        go_on(copy)


LEARNER = "/learner/_session"


@pytest.mark.parametrize("seed", range(8))
def test_notes_at_random(seed: int, copy: Path) -> None:
    """Of the learner: one of ours, or a run that goes on."""
    rng = np.random.default_rng(seed)

    def change(index: dict[str, Any]) -> None:
        places = [place for place in sorted(index["notes"]) if place.startswith(LEARNER)]
        for _ in range(rng.integers(1, 4)):
            entry = index["notes"][places[rng.integers(len(places))]]
            for key in entry:
                if rng.random() < 0.7:
                    entry[key] = HOSTILE[rng.integers(len(HOSTILE))]

    forge(copy, change)
    with suppress(NeuroRtrlError):
        go_on(copy)


@pytest.mark.parametrize("change", [(0, "uint8"), (0, "float32"), (2, [1, 1])])
def test_arrays_of_another_kind(change: tuple[int, Any], copy: Path) -> None:
    def other(index: dict[str, Any]) -> None:
        places = [p for p, entry in index["arrays"].items() if entry[0] == "float64"]
        place = next(p for p in sorted(places) if p.startswith(LEARNER) and p.endswith("/h"))
        index["arrays"][place][change[0]] = change[1]
        index["arrays"][place][1] = 0

    forge(copy, other)
    with pytest.raises(NeuroRtrlError, match=r"not that of this run|there is no run to go on"):
        go_on(copy)
