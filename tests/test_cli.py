"""The command line: instant help, results as files, errors of one paragraph, a clean Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from neuro_rtrl import registry
from neuro_rtrl.cli import main
from neuro_rtrl.engine.run_file import open_run

HEAVY = {"numba", "sympy", "pint", "matplotlib", "h5py", "scipy"}
SMALL = [
    "--set", "learning.iterations=3", "--set", "record.test_every=2", "--set", "task.batch=4",
    "--set", "task.test_size=8", "--set", "populations.hidden.n=4",
]  # fmt: skip


def exit_code(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return int(left.value.code or 0)


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from neuro_rtrl.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as left: assert not left.code\n"
        f"print('heavy:', *{HEAVY!r} & set(sys.modules))"
    )
    command = [sys.executable, "-c", program]
    subprocess.run(command, capture_output=True, check=True)
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - start
    assert done.stdout.splitlines()[-1] == "heavy:"
    for command_name in (
        "run",
        "compare",
        "validate",
        "gradcheck",
        "list",
        "export",
        "info",
        "verify",
        "repair",
    ):
        assert command_name in done.stdout
    assert seconds < 1


def test_list_names_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "list.json"
    assert exit_code(["list", "--json", str(file)]) == 0
    said, listed = capsys.readouterr().out, json.loads(file.read_text())
    assert set(listed) == set(registry.KINDS)
    for kind, rows in listed.items():
        assert [{k: row[k] for k in ("name", "summary")} for row in rows] == registry.listing(kind)
        assert all(row["name"] in said for row in rows)
    for row in listed["rules"]:
        assert row["exactness"] == registry.find("rules", row["name"]).exactness


def test_list_of_rules_says_what_each_drops(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["list", "rules"]) == 0
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "exactness" in said
    assert "drops nothing" in said


def test_list_of_one_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["list", "tasks"]) == 0
    said = capsys.readouterr().out
    assert "spiral" in said
    assert "adam" not in said


@pytest.mark.parametrize("arguments", [["list", "tusks"], ["export", "x", "--to", "cvs"]])
def test_an_unknown_name_is_an_error_with_the_nearest(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(arguments) == 2
    assert "Did you mean" in capsys.readouterr().err


def test_json_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["list", "--json", str(tmp_path / "no" / "list.json")]) == 2
    assert "list.json: the file cannot be written; given: " in capsys.readouterr().err


def test_run_leaves_its_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, file = tmp_path / "run", tmp_path / "copy.json"
    arguments = ["run", "spiral", "--out", str(out), "--seed", "3", "--json", str(file), *SMALL]
    assert exit_code(arguments) == 0
    said = capsys.readouterr().out
    assert "spiral: iteration 3/3" in said
    assert "densities" in said
    names = {path.name for path in out.iterdir()}
    assert names == {"run.h5", "summary.json", "learning_curve.png", "raster.png"}
    summary = json.loads((out / "summary.json").read_text())
    assert summary == json.loads(file.read_text())
    assert {
        "experiment",
        "rule",
        "seed",
        "steps",
        "loss",
        "score",
        "seconds",
        "peak_bytes",
        "multiply_adds",
        "densities",
    } <= set(summary)
    assert (summary["experiment"], summary["rule"], summary["seed"]) == ("spiral", "rtrl", 3)
    assert set(summary["densities"]) == {"rows", "columns", "mask"}
    assert summary["steps"] == 3 * 4 * 17
    assert not summary["interrupted"]

    # A second run does not overwrite the first, unless it is told to.
    assert exit_code(arguments) == 2
    assert "--force" in capsys.readouterr().err
    assert exit_code([*arguments, "--force", "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    again = json.loads((out / "summary.json").read_text())
    assert again["loss"] == summary["loss"]


def test_ctrl_c_leaves_a_readable_run(tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = [
        sys.executable,
        "-m",
        "neuro_rtrl",
        "run",
        "spiral",
        "--out",
        str(out),
        *SMALL,
        "--set",
        "learning.iterations=1000000",
    ]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    deadline = time.monotonic() + 90
    while not (out / "run.h5").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    summary = json.loads((out / "summary.json").read_text())
    assert summary["interrupted"]
    with open_run(out) as run:
        assert len(run.loss) == summary["iterations"]


def test_threads_are_set_before_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr("neuro_rtrl.engine.threads.set_threads", seen.append)
    arguments = ["run", "spiral", *SMALL, "--quiet", "--out", str(tmp_path / "run")]
    assert exit_code([*arguments, "--threads", "2"]) == 0
    assert seen == [2]
    assert exit_code([*arguments, "--threads", "0"]) == 2
