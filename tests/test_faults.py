"""Killed processes, full disks, vanished files: no run is lost, and each says what is wrong.

Runs are made in children of this process (fork), which has compiled everything already: a child is
at work at once, so that many can be killed in little time. `-m verification` kills 225 of them.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuro_rtrl import experiment
from neuro_rtrl.cli import main
from neuro_rtrl.engine import checkpoint
from neuro_rtrl.engine.opening import parts
from neuro_rtrl.engine.run_file import open_run
from neuro_rtrl.errors import RunFileError
from neuro_rtrl.experiment import run_experiment
from neuro_rtrl.outputs import News
from tests.test_experiment_keeping import assert_same_run

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="children by fork"),
    # So small a network has all its units near the threshold.
    pytest.mark.filterwarnings("ignore::neuro_rtrl.experiment_watch.DenseWarning"),
]

SPIRAL = [
    "learning.iterations=30", "record.test_every=4", "task.batch=3", "task.test_size=20",
    "populations.hidden.n=6", "populations.hidden.parameters.theta=-4",
]  # fmt: skip
RUNS: dict[str, dict[str, Any]] = {
    "spiral": {"overrides": SPIRAL},
    "spiral by uoro": {"rule": "uoro", "overrides": [*SPIRAL, "learning.update=5"]},
    "lif_pattern": {"overrides": ["learning.iterations=12", "task.steps=60"]},
    "lif_pattern in one iteration": {
        "overrides": ["learning.iterations=1", "task.steps=400"],
        "checkpoint_steps": 25,
    },
    "copy_gru": {"overrides": ["learning.iterations=16", "task.batch=2", "task.test_size=4"]},
}


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("draw_learning_curve", "draw_raster"):
        monkeypatch.setattr(experiment, name, lambda *arguments: None)


def child(work: Callable[[], Any], said: Path) -> int:
    """The number of a process that does the work, and writes what goes wrong to `said`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        number = os.fork()
    if number:
        return number
    code = 1
    try:
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, signal.default_int_handler)
        sys.stderr = sys.stdout = said.open("w")
        work()
        code = 0
    except SystemExit as left:
        code = int(left.code or 0)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", flush=True)
    finally:
        sys.stdout.flush()
        os._exit(code)


def ended(number: int) -> int:
    """Waits for a child; its exit code, negative if a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def start(name: str, folder: Path, **more: Any) -> Callable[[], Any]:
    options = {"checkpoint_every": 3, **RUNS[name], **more}
    return lambda: run_experiment(name.split()[0], out=folder, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, float]]:
    """Name -> an uninterrupted run, and the seconds that a child needs for one."""
    made: dict[str, tuple[Path, float]] = {}

    def make(name: str) -> tuple[Path, float]:
        if name not in made:
            place = tmp_path_factory.mktemp("whole")
            start(name, place / "a")()
            begun = time.perf_counter()
            assert ended(child(start(name, place / "b"), place / "said")) == 0
            made[name] = place / "a", time.perf_counter() - begun
        return made[name]

    return make


def read_everything(folder: Path) -> None:
    with open_run(folder) as run:
        run.summary()
        for name in run.populations:
            run.spikes(name)
        for name in run.states:
            run.state(name)


def kill_once(name: str, folder: Path, after: float, reference: Path) -> bool:
    """Kills a run, reads its file, goes on, and compares; whether there was something to kill."""
    number = child(start(name, folder), folder.with_suffix(".said"))
    time.sleep(after)
    os.kill(number, signal.SIGKILL)
    killed = ended(number) == -signal.SIGKILL
    if (folder / "run.h5").exists() or parts(folder):
        read_everything(folder)
    if checkpoint.numbered(folder):
        run_experiment(folder, resume=True)
    elif killed:
        start(name, folder, force=True)()
    assert_same_run(reference, folder)
    return killed


@pytest.mark.parametrize(
    ("name", "times"),
    [("spiral", 3), ("spiral by uoro", 2), ("lif_pattern in one iteration", 2)],
)
def test_killed_at_any_instant(
    name: str,
    times: int,
    tmp_path: Path,
    whole: Callable[[str], tuple[Path, float]],
    rng: np.random.Generator,
) -> None:
    reference, seconds = whole(name)
    killed = [
        kill_once(name, tmp_path / f"{i}", after, reference)
        for i, after in enumerate(rng.uniform(0.05, 0.9, times) * seconds)
    ]
    assert any(killed)


@pytest.mark.verification
@pytest.mark.parametrize("name", RUNS)
def test_killed_at_many_instants(
    name: str, tmp_path: Path, whole: Callable[[str], tuple[Path, float]]
) -> None:
    reference, seconds = whole(name)
    draws, killed, tried = np.random.default_rng(1), 0, 0
    while killed < 45:
        folder = tmp_path / f"{tried}"
        killed += kill_once(name, folder, draws.uniform(0, 1) * seconds, reference)
        tried += 1
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{name}: {killed} killed of {tried}, all read, all went on identically")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_run_with_a_checkpoint_and_a_word(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    folder, said = tmp_path / "run", tmp_path / "said"
    settings = [f"--set={text}" for text in SPIRAL] + ["--set=learning.iterations=100000"]
    process = child(
        lambda: main(["run", "spiral", "--out", str(folder), "--quiet", *settings]), said
    )
    deadline = time.monotonic() + 60
    while not checkpoint.numbered(folder) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    os.kill(process, number)
    assert ended(process) == code, said.read_text()
    assert f"Go on with: neuro-rtrl run {folder} --resume" in said.read_text()
    assert "Traceback" not in said.read_text()
    assert checkpoint.numbered(folder)[-1].stem != "0000000000"
    read_everything(folder)


def test_two_runs_never_share_a_folder(tmp_path: Path) -> None:
    def second(news: News) -> None:
        for options in ({"force": True}, {"resume": True}):
            with pytest.raises(RunFileError, match=r"a run is going on in this folder"):
                run_experiment("spiral", out=tmp_path, overrides=SPIRAL, **options)
        raise KeyboardInterrupt

    assert start("spiral", tmp_path, progress=second)()["iterations"] == 1


def test_a_file_that_may_not_grow(
    tmp_path: Path, whole: Callable[[str], tuple[Path, float]]
) -> None:
    folder, said = tmp_path / "run", tmp_path / "said"

    def work() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
        start("spiral", folder)()

    assert ended(child(work, said)) == 1
    assert "RunFileError" in said.read_text()
    assert "cannot be written; given: File too large" in said.read_text()
    read_everything(folder)
    run_experiment(folder, resume=True)
    assert_same_run(whole("spiral")[0], folder)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A file system in memory of that size; skips the test where none can be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    with suppress(OSError):
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            try:
                yield
            finally:
                subprocess.run(["umount", "-l", str(folder)], check=True)
            return
    pytest.skip("no file system can be mounted here")


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def test_a_full_disk(tmp_path: Path, whole: Callable[[str], tuple[Path, float]]) -> None:
    with small_disk(tmp_path / "disk", "6m"):
        folder = tmp_path / "disk" / "run"

        def fill(news: News) -> None:
            if news.done == 10:
                (tmp_path / "disk" / "other").write_bytes(bytes(3 * 2**20))

        with pytest.raises(RunFileError, match=r"the disk is full"):
            start("spiral", folder, progress=fill)()
        read_everything(folder)
        with pytest.raises(RunFileError, match=r"the disk is full"):
            run_experiment(folder, resume=True)
        remount(tmp_path / "disk", "size=60m")
        run_experiment(folder, resume=True)
        assert_same_run(whole("spiral")[0], folder)


def test_a_disk_that_becomes_read_only(
    tmp_path: Path, whole: Callable[[str], tuple[Path, float]]
) -> None:
    with small_disk(tmp_path / "disk", "60m"):
        folder = tmp_path / "disk" / "run"
        with pytest.raises(KeyboardInterrupt), suppress(RunFileError):
            start("spiral", folder, progress=lambda news: die_at(news, 10))()
            raise KeyboardInterrupt
        remount(tmp_path / "disk", "ro")
        for options in ({"force": True}, {"resume": True}):
            with pytest.raises(RunFileError, match=r"Read-only file system"):
                run_experiment("spiral", out=folder, overrides=SPIRAL, **options)
        read_everything(folder)
        remount(tmp_path / "disk", "rw")
        run_experiment(folder, resume=True)
        assert_same_run(whole("spiral")[0], folder)


def die_at(news: News, iteration: int) -> None:
    if news.done == iteration:
        raise KeyboardInterrupt


@pytest.mark.parametrize("vanished", ["run.h5", "checkpoints", "run.part-000000-000000.h5"])
def test_what_vanishes_while_a_run_goes_on(
    vanished: str, tmp_path: Path, whole: Callable[[str], tuple[Path, float]]
) -> None:
    folder = tmp_path / "run"

    def remove(news: News) -> None:
        if news.done == 10:
            gone = folder / vanished
            shutil.rmtree(gone) if gone.is_dir() else gone.unlink()

    with suppress(RunFileError):
        start("spiral", folder, progress=remove)()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with suppress(RunFileError):
            run_experiment(folder, resume=True)
    assert_same_run(whole("spiral")[0], folder)
