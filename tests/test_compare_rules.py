"""`compare`: rows, files, resuming, failing rules, Ctrl-C, executors, killed workers."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.cli import main
from neuro_rtrl.errors import BuildError, DescriptionError, RunFileError
from neuro_rtrl.outputs import News

SMALL = [
    "learning.iterations=3", "record.test_every=2", "task.batch=4", "task.test_size=8",
    "populations.hidden.n=4",
]  # fmt: skip
REQUIRED = {
    "rule", "seed", "loss", "score", "cosine", "norm_ratio", "multiply_adds", "seconds",
    "peak_bytes",
}  # fmt: skip

KILLER = '''
import os, signal
from pathlib import Path
from neuro_rtrl import registry


class Killer:
    """Exact RTRL, but it kills its own process as often as the file says."""

    exactness, online = "drops nothing, except processes", True

    def __init__(self, name, file):
        self.name, self.file = name, file

    def prepare(self, built):
        left = int(Path(self.file).read_text())
        if left:
            Path(self.file).write_text(str(left - 1))
            os.kill(os.getpid(), signal.SIGKILL)
        return registry.find("rules", "rtrl").prepare(built)

    def start(self, built, shared, precision):
        return registry.find("rules", "rtrl").start(built, shared, precision)

    def ledger(self, built, shared, lanes):
        return registry.find("rules", "rtrl").ledger(built, shared, lanes)
'''


class Counting(Executor):
    """Runs jobs at once, and remembers their names."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.names.append(args[0].key)
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def small(out: Path, rules: Any, executor: Executor | None = None, **options: Any) -> Any:
    settings = [*SMALL, *options.pop("overrides", [])]
    options.setdefault("probes", 2)
    return nr.compare(
        "spiral", rules, out=out, overrides=settings, executor=executor or Counting(), **options
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison of three rules and two seeds."""
    out = tmp_path_factory.mktemp("compare")
    small(out, "rtrl, snap-1,bptt", seeds=2)
    return out


def test_one_row_for_each_rule_and_seed(folder: Path) -> None:
    rows = json.loads((folder / "comparison.json").read_text())
    assert [(row["rule"], row["seed"]) for row in rows] == [
        (rule, seed) for rule in ("rtrl", "snap-1", "bptt") for seed in (1, 2)
    ]
    for row in rows:
        assert set(row) >= REQUIRED
        assert row["error"] is None
        assert [probe["iteration"] for probe in row["probes"]] == [0, 3]
        assert row["steps"] == 3 * 4 * 17
        assert row["peak_bytes"] > 0
    exact, approximate, reference = rows[0], rows[2], rows[4]
    assert exact["cosine"] == pytest.approx(1, abs=1e-6)
    assert approximate["cosine_hidden"] < 1 - 1e-6
    assert exact["loss"] == pytest.approx(reference["loss"], rel=1e-5)
    assert exact["live_entries"] > approximate["live_entries"] > 0


def test_a_row_says_what_a_run_says(folder: Path, tmp_path: Path) -> None:
    """Neither the probes nor the tests are in the counts; loss and score are those of `run`."""
    row = json.loads((folder / "comparison.json").read_text())[1]
    summary = nr.run_experiment("spiral", out=tmp_path, seed=2, overrides=SMALL, rule="rtrl")
    for key in ("loss", "score", "multiply_adds", "iterations", "steps"):
        assert row[key] == summary[key], key
    assert row["live_entries"] == pytest.approx(summary["ledger"]["live_entries"])
    assert row["peak_bytes"] == summary["ledger"]["influence_bytes"]


def test_hdf5_holds_the_same(folder: Path) -> None:
    rows = json.loads((folder / "comparison.json").read_text())
    with h5py.File(folder / "comparison.h5") as file:
        assert [name.decode() for name in file["rows/rule"][:]] == [row["rule"] for row in rows]
        np.testing.assert_array_equal(file["rows/loss"][:], [row["loss"] for row in rows])
        assert file["courses/snap-1/2/loss"].shape == (3,)
        assert file["courses/snap-1/2/probes/iteration"][:].tolist() == [0, 3]
        assert file.attrs["experiment"] == "spiral"


def test_a_picture_is_drawn(folder: Path) -> None:
    assert (folder / "comparison.png").read_bytes().startswith(b"\x89PNG")
    assert not (folder / "progress").exists()


def test_only_what_is_missing_runs(tmp_path: Path) -> None:
    first = Counting()
    before = small(tmp_path, "rtrl", first)["rows"]
    assert first.names == ["rtrl_seed1"]
    again = Counting()
    found = small(tmp_path, "rtrl,eprop", again, seeds=2)
    assert again.names == ["eprop_seed1", "rtrl_seed2", "eprop_seed2"]
    assert found["rows"][0] == before[0]
    # A file that was cut short is a job that is not done.
    file = tmp_path / "jobs" / "rtrl_seed2.json"
    file.write_text(file.read_text()[:50])
    once_more = Counting()
    small(tmp_path, "rtrl,eprop", once_more, seeds=2)
    assert once_more.names == ["rtrl_seed2"]


def test_another_experiment_is_refused(tmp_path: Path) -> None:
    small(tmp_path, "bptt", probes=0)
    with pytest.raises(RunFileError, match=r"another experiment.*--force"):
        small(tmp_path, "bptt", probes=0, overrides=["populations.hidden.n=5"])
    with pytest.raises(RunFileError, match="other settings"):
        small(tmp_path, "bptt", probes=1)
    anew = Counting()
    small(tmp_path, "bptt", anew, probes=1, force=True)
    assert anew.names == ["bptt_seed1"]


def test_a_rule_that_cannot_is_a_row_with_its_error(tmp_path: Path) -> None:
    found = small(tmp_path, "bptt,rtrl", overrides=["learning.update=5"], probes=0)
    failed, good = found["rows"]
    assert "bptt has its gradient at the end of a sequence" in failed["error"]
    assert 'Use the rule "rtrl"' in failed["error"]
    assert failed["loss"] is None
    assert good["error"] is None and good["cosine"] is None
    assert found["rules"][0]["error"] == failed["error"]
    # It is tried again: what stood in its way may be gone.
    again = Counting()
    small(tmp_path, "bptt,rtrl", again, overrides=["learning.update=5"], probes=0)
    assert again.names == ["bptt_seed1"]


def test_a_fault_in_a_rule_does_not_stop_the_others(tmp_path: Path) -> None:
    class Faulty:
        name, exactness, online = "faulty", "drops everything", True

        def prepare(self, built: Any) -> Any:
            return 1 / 0

    found = small(tmp_path, [Faulty(), "bptt"], probes=0)
    assert [row["error"] for row in found["rows"]] == ["ZeroDivisionError: division by zero", None]


def test_interrupt_keeps_what_is_finished(tmp_path: Path) -> None:
    """Ctrl-C while jobs run that would never end."""
    said: list[str] = []
    news: list[News] = []

    def press_once(one: News) -> None:
        news.append(one)
        if len(news) == 1:
            raise KeyboardInterrupt

    def run(out: Path, **options: Any) -> Any:
        endless = ["learning.iterations=100000000"]
        with ThreadPoolExecutor(1) as threads:
            return small(
                out, ["eprop", "rtrl"], threads, probes=0, overrides=endless, progress=press_once,
                say=said.append, **options,
            )  # fmt: skip

    found = run(tmp_path)
    assert found["interrupted"]
    assert found["rows"] == []
    assert "Stopping" in said[0]
    assert not (tmp_path / "progress").exists()
    assert {one.run for one in news} == {"eprop, seed 1"}


def test_a_killed_worker_is_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule `once` kills its process the first time, `always` every time."""
    (tmp_path / "killer_rules.py").write_text(KILLER)
    monkeypatch.syspath_prepend(tmp_path)
    killer = importlib.import_module("killer_rules")
    for name, times in (("once", 1), ("always", 99)):
        (tmp_path / name).write_text(str(times))
    rules = [killer.Killer(name, str(tmp_path / name)) for name in ("once", "always")]
    said: list[str] = []
    found = nr.compare(
        "spiral", [rules[0], "bptt", rules[1]], out=tmp_path / "out", overrides=SMALL, probes=0,
        workers=1, say=said.append,
    )  # fmt: skip
    by_name = {row["rule"]: row for row in found["rows"]}
    assert by_name["once"]["error"] is None
    assert by_name["bptt"]["error"] is None
    assert by_name["once"]["loss"] == pytest.approx(by_name["bptt"]["loss"], rel=1e-5)
    assert "killed" in by_name["always"]["error"]
    assert [line.split(":")[0] for line in said] == [
        "A worker was killed. Run again in a fresh pool, together (attempt 2 of 3)",
        "A worker was killed. Run again in a fresh pool, each alone (attempt 3 of 3)",
    ]
    assert "once, seed 1" in said[0]
    assert (tmp_path / "once").read_text() == "0"
    sys.modules.pop("killer_rules")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rules": "rtrl,epropp"}, "Did you mean 'eprop'"),
        ({"rules": []}, "no rules"),
        ({"seeds": 0}, "--seeds"),
        ({"probes": -1}, "--probes"),
        ({"reference": "eprop"}, "exact rule"),
    ],
)
def test_what_cannot_be_compared(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    rules = options.pop("rules", "rtrl")
    with pytest.raises(DescriptionError, match=message):
        small(tmp_path, rules, **options)


def test_a_sweep_needs_one_point(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="a sweep cannot be compared as a whole") as error:
        nr.compare("spiral_sparsity", "bptt", out=tmp_path)
    settings = [s.strip("' ") for s in str(error.value).split("--set ")[1:]]
    found = nr.compare(
        "spiral_sparsity", "bptt", out=tmp_path, probes=0, executor=Counting(),
        overrides=[*SMALL, *settings],
    )  # fmt: skip
    assert found["rows"][0]["error"] is None


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, file = tmp_path / "out", tmp_path / "rows.json"
    small(out, "bptt,eprop", probes=0)
    arguments = ["compare", "spiral", "--rules", "bptt,eprop", "--probes", "0", "--out", str(out)]
    settings = [part for setting in SMALL for part in ("--set", setting)]
    with pytest.raises(SystemExit) as left:
        main([*arguments, *settings, "--json", str(file)])
    assert not left.value.code
    said = capsys.readouterr()
    assert "bptt" in said.out and "eprop" in said.out and "m-adds/step" in said.out
    assert str(out) in said.err
    assert [row["rule"] for row in json.loads(file.read_text())] == ["bptt", "eprop"]


def test_without_matplotlib_there_is_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    said: list[str] = []
    found = small(tmp_path, "bptt", probes=0, say=said.append)
    assert found["pictures"] == []
    assert "not installed" in said[0] and "neuro_rtrl[plot]" in said[0]
