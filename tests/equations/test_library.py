"""Shipped texts are found by looking at the folder, in a checkout and in an installation."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuro_rtrl.equations import library
from neuro_rtrl.errors import DescriptionError


def place(monkeypatch: pytest.MonkeyPatch, root: Path, models: str) -> Path:
    """A package at `root` with an empty folder of models at `models`."""
    folder = root / models
    (folder / "neurons").mkdir(parents=True)
    (folder / "experiments").mkdir()
    monkeypatch.setattr(library, "_PACKAGE", root / "neuro_rtrl")
    return folder


@pytest.mark.parametrize("models", ["models", "neuro_rtrl/models"])
def test_a_new_file_is_found(models: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = place(monkeypatch, tmp_path, models)
    assert library.model_files() == {}
    (folder / "neurons" / "mine.toml").touch()
    (folder / "neurons" / "notes.txt").touch()
    (folder / "experiments" / "trial.toml").touch()
    assert library.model_files() == {"mine": folder / "neurons" / "mine.toml"}
    assert library.experiment_files() == {"trial": folder / "experiments" / "trial.toml"}


def test_the_installed_folder_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(monkeypatch, tmp_path, "models")
    installed = place(monkeypatch, tmp_path, "neuro_rtrl/models")
    assert library.models_folder() == installed


def test_a_missing_folder_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "_PACKAGE", tmp_path / "neuro_rtrl")
    with pytest.raises(DescriptionError, match="Install the package again"):
        library.models_folder()
