"""`neuro-rtrl data`: nothing is downloaded before its size was shown and somebody said yes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from neuro_rtrl import data
from neuro_rtrl.cli import main
from neuro_rtrl.datasets._store import DataSet
from tests.made_data import RAW


def exit_code(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return int(left.value.code or 0)


@pytest.fixture
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An empty folder; downloads bring made data."""
    done: list[str] = []

    def download(self: DataSet) -> object:
        done.append(self.name)
        return self.keep(RAW[self.name]())

    monkeypatch.setenv("NEURO_RTRL_DATA", str(tmp_path))
    monkeypatch.setattr(DataSet, "download", download)
    return done


def test_the_list_names_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "data.json"
    assert exit_code(["data", "list", "--json", str(file)]) == 0
    said = capsys.readouterr().out
    assert json.loads(file.read_text()) == data.listing()
    assert all(row["name"] in said for row in data.listing())


def test_yes_downloads_once(downloads: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["data", "fetch", "breathing", "--yes"]) == 0
    shown = capsys.readouterr()
    assert "licence: Apache-2.0" in shown.err
    assert "download: 0.35 MB" in shown.err
    assert "(6000,) float64" in shown.out
    assert exit_code(["data", "fetch", "breathing"]) == 0
    assert "download:" not in capsys.readouterr().err
    assert downloads == ["breathing"]


def test_without_a_terminal_there_is_no_download(
    downloads: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(["data", "fetch", "breathing"]) == 2
    shown = capsys.readouterr().err
    assert "download: 0.35 MB" in shown
    assert "expected: the option --yes. Nothing was downloaded." in shown
    assert downloads == []


@pytest.mark.parametrize(("answer", "code"), [(True, 0), (False, 1)])
def test_on_a_terminal_one_is_asked(
    downloads: list[str], monkeypatch: pytest.MonkeyPatch, answer: bool, code: int
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda question: answer)
    assert exit_code(["data", "fetch", "breathing"]) == code
    assert downloads == ["breathing"] * answer


def test_an_unknown_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["data", "fetch", "wikpedia", "--yes"]) == 2
    assert "Did you mean 'wikipedia'" in capsys.readouterr().err
