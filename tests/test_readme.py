"""The README tells the truth: its programs run, its commands are those that CI runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
LONGEST_PROGRAM, FIRST_SCREEN = 15, 45
COMMANDS = (
    "python -m pip install . && neuro-rtrl run spiral",
    'python -m pip install ".[test]" && python -m pytest',
)
SECONDS = 120


def programs() -> list[tuple[int, str]]:
    """(number of its first line, text) of every block marked as Python."""
    if not README.exists():
        return []
    text = README.read_text(encoding="utf-8")
    blocks = re.finditer(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    return [(text.count("\n", 0, block.start(1)) + 1, block.group(1)) for block in blocks]


def test_the_first_program_is_short_and_on_the_first_screen() -> None:
    start, source = programs()[0]
    length = len(source.splitlines())
    assert length <= LONGEST_PROGRAM
    assert start + length <= FIRST_SCREEN


@pytest.mark.parametrize(("line", "source"), programs())
def test_programs_run(line: int, source: str, tmp_path: Path) -> None:
    # The blank lines give a traceback the README's own line numbers.
    program = tmp_path / "README.py"
    program.write_text("\n" * (line - 1) + source, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_the_two_commands_are_in_the_readme_and_in_ci(command: str) -> None:
    assert command in README.read_text(encoding="utf-8")
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    for part in command.split(" && "):
        assert part in ci
