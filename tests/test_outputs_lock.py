"""Two runs never share a folder, and a lock never outlives its process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from neuro_rtrl.errors import RunFileError
from neuro_rtrl.outputs_lock import LOCK, locked

HOLD = """
import sys, time
from pathlib import Path
from neuro_rtrl.outputs_lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_second_is_refused_and_told_by_whom(tmp_path: Path) -> None:
    with (
        locked(tmp_path),
        pytest.raises(
            RunFileError, match=rf"going on in this folder; given: process {os.getpid()}"
        ),
        locked(tmp_path),
    ):
        pass
    assert not (tmp_path / LOCK).exists()
    with locked(tmp_path):
        pass


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    root = Path(__file__).parent.parent
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(RunFileError, match=rf"process {process.pid}"), locked(tmp_path):
            pass
        process.kill()
    with locked(tmp_path):
        assert (tmp_path / LOCK).read_text() == str(os.getpid())


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(RunFileError, match=r"folder of the run cannot be made; given: "),
        locked(tmp_path / "file"),
    ):
        pass


def test_a_file_system_without_locks_keeps_nothing_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(handle: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("neuro_rtrl.outputs_lock._lock", unsupported)
    with locked(tmp_path), locked(tmp_path):
        pass
