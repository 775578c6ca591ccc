"""Files that HDF5 does not survive are refused by a word, and others are let through."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neuro_rtrl.cli import main
from neuro_rtrl.engine import isolation
from neuro_rtrl.engine.growing import BLOCK
from neuro_rtrl.engine.isolation import read, require_survivable
from neuro_rtrl.engine.run_file import open_run
from neuro_rtrl.engine.seal import seal
from neuro_rtrl.errors import RunFileError


def make(file: Path, **attributes: str) -> Path:
    """A sealed file; its texts are of variable length, as ours are."""
    with h5py.File(file, "w", userblock_size=BLOCK) as opened:
        opened.attrs.update(attributes or {"schema": "neuro_rtrl"})
        opened["a/b"] = np.arange(5)
    seal(file)
    return file


def forge(file: Path) -> Path:
    """The heap of the texts holds an object of no length, sealed: HDF5 looks for its end for ever.

    A heap: "GCOL", version, length; then objects: number, references, 4 bytes, length, content.
    """
    content = bytearray(make(file).read_bytes())
    at = content.index(b"GCOL") + 16
    content[at + 8 : at + 16] = b"\xf0" + b"\xff" * 7
    file.write_bytes(content)
    seal(file)
    return file


def test_a_file_that_never_ends_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "SECONDS", 1.0)
    file = forge(tmp_path / "run.h5")
    with pytest.raises(RunFileError, match=r"did not survive it; given: (no end|exit code)") as e:
        require_survivable(file)
    assert e.value.where == str(file)
    with pytest.raises(RunFileError, match=r"did not survive"):
        open_run(tmp_path, isolated=True)


class Asking:
    """Stands for a group whose attributes HDF5 makes room for."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    @property
    def attrs(self) -> dict[str, Any]:
        raise self._error

    def __iter__(self) -> Iterator[str]:
        return iter(())


@pytest.mark.parametrize(
    "error",
    [MemoryError(), OSError("Can't synchronously read data (memory allocation failed for chunk)")],
)
def test_a_file_that_asks_for_gigabytes_is_refused(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parent has no such bound: it would be given them, and take its time."""
    with pytest.raises(SystemExit) as left:
        read(Asking(error), 10_000)
    code = left.value.code
    read(Asking(OSError("Expected global heap object size does not match")), 10_000)
    monkeypatch.setattr(
        isolation.subprocess, "run", lambda *a, **o: subprocess.CompletedProcess([], code, "0\n")
    )
    with pytest.raises(RunFileError, match=r"given: it asks for more than 1 GiB of memory"):
        require_survivable(make(tmp_path / "run.h5"))


def test_the_file_that_was_read_last_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [make(tmp_path / f"{i}.h5") for i in range(3)]

    def killed(*arguments: Any, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], -11, stdout="0\n1\n")

    monkeypatch.setattr(isolation.subprocess, "run", killed)
    with pytest.raises(RunFileError, match=r"given: exit code -11") as caught:
        require_survivable(tmp_path)
    assert caught.value.where == str(files[1])

    def late(*arguments: Any, **options: Any) -> None:
        raise subprocess.TimeoutExpired([], 1.0, output=b"0\n1\n2\n")

    monkeypatch.setattr(isolation.subprocess, "run", late)
    with pytest.raises(RunFileError, match=r"given: no end after 20 s") as caught:
        require_survivable(tmp_path)
    assert caught.value.where == str(files[2])


def test_sound_files_and_what_is_not_there_are_let_through(tmp_path: Path) -> None:
    make(tmp_path / "run.h5")
    (tmp_path / "other.h5").write_text("no HDF5")
    require_survivable(tmp_path)
    require_survivable(tmp_path / "nothing.h5")


def test_damaged_files_are_left_alone_unless_they_are_to_be_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def note(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        asked.extend(command[4:])
        return subprocess.CompletedProcess([], 0, stdout="")

    monkeypatch.setattr(isolation.subprocess, "run", note)
    file = make(tmp_path / "run.h5")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    require_survivable(file)
    assert asked == []
    require_survivable(file, damaged_too=True)
    assert asked == [str(file)]


def test_the_child_is_this_package_wherever_it_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "h5py.py").write_text("raise SystemExit(7)")
    monkeypatch.chdir(tmp_path)
    require_survivable(make(tmp_path / "run.h5"))


def test_all_of_a_file_is_read_as_far_as_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    whole = isolation._read_values
    monkeypatch.setattr(
        isolation, "_read_values", lambda data, most: (seen.append(data.name), whole(data, most))
    )
    monkeypatch.setattr(isolation, "MOST_READ", 100)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["one"], file["group/two"], file["group/text"] = np.zeros((50, 2)), 3, "text"
        file["group"].create_dataset("claims", (2**50,), chunks=(1000,), dtype="f8")
        file["zz"] = np.zeros(3)
        read(file, 10_000)
    assert sorted(seen) == ["/group/claims", "/group/text", "/group/two", "/one", "/zz"]


@pytest.mark.skipif(sys.platform == "win32", reason="no bounds of memory there")
def test_a_child_has_bounded_memory() -> None:
    code = "from neuro_rtrl.engine.isolation import bound; bound(); bytearray(2**36)"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert "MemoryError" in ended.stderr


@pytest.mark.parametrize(
    "command", [["info"], ["verify"], ["repair"], ["run", "--resume"], ["export", "--to", "csv"]]
)
def test_every_command_that_reads_runs_is_careful(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(isolation, "SECONDS", 1.0)
    file = forge(tmp_path / "run.h5")
    target = tmp_path if command[0] == "run" else file
    with pytest.raises(SystemExit) as left:
        main([*command, str(target)])
    assert left.value.code == 2
    assert "did not survive" in " ".join(capsys.readouterr().err.split())
