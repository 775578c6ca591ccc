"""Provenance: complete, free of private names, right about git."""

from __future__ import annotations

import getpass
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from neuro_rtrl.engine import provenance
from neuro_rtrl.errors import RunFileError


@pytest.fixture(autouse=True)
def no_git_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests may themselves run within a hook of git."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)


def git(folder: Path, *arguments: str) -> str:
    names = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", *names, "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("1")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-q", "-m", "one", "--no-verify")
    return tmp_path


def test_what_is_collected() -> None:
    facts = provenance.collect(5, rule="rtrl")
    assert (facts["seed"], facts["rule"]) == (5, "rtrl")
    assert facts["numpy"] == metadata.version("numpy")
    assert facts["numba"] == metadata.version("numba")
    assert facts["python"] == platform.python_version()
    assert all(isinstance(value, str | int | float) for value in facts.values())


def test_no_name_of_a_machine_or_user() -> None:
    texts = " ".join(str(value) for value in provenance.collect(0).values()).split()
    assert platform.node() not in texts
    assert getpass.getuser() not in texts


def test_versions_cost_no_import() -> None:
    code = (
        "import sys; from neuro_rtrl.engine.provenance import collect; collect(1); "
        "assert not {'numba', 'sympy', 'h5py'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_taken_names_are_refused() -> None:
    with pytest.raises(RunFileError, match="platform"):
        provenance.collect(0, platform="mine")


def test_clean_dirty_and_untracked(checkout: Path) -> None:
    head = git(checkout, "rev-parse", "HEAD")
    (checkout / "untracked").write_text("")
    assert provenance.git_state(checkout) == (head, "clean")
    (checkout / "file").write_text("2")
    assert provenance.git_state(checkout) == (head, "dirty")


def test_gits_own_variables_do_not_mislead(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = git(checkout, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(checkout / "elsewhere"))
    assert provenance.git_state(checkout) == (head, "clean")


def test_somebody_elses_checkout_is_not_ours(checkout: Path) -> None:
    inner = checkout / "venv"
    inner.mkdir()
    assert provenance.git_state(inner) == ("", "")


def test_without_git_or_a_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "-q")
    assert provenance.git_state(tmp_path) == ("", "")
    monkeypatch.setenv("PATH", "")
    assert provenance.git_state(tmp_path) == ("", "")
