"""A run that is killed, or asked to end, in the middle of an iteration goes on from there."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neuro_rtrl import experiment, experiment_keeping, experiment_training
from neuro_rtrl.engine import checkpoint
from neuro_rtrl.engine.opening import parts
from neuro_rtrl.engine.passage import Between
from neuro_rtrl.engine.result import Result
from neuro_rtrl.engine.run_file import open_run
from neuro_rtrl.errors import DamagedWarning
from neuro_rtrl.experiment import run_experiment
from neuro_rtrl.experiment_history import History
from neuro_rtrl.experiment_pauses import MOST, Pace, pauses
from neuro_rtrl.learner import Learner
from tests.test_experiment_keeping import KilledError, assert_same_run, damage

pytestmark = pytest.mark.filterwarnings("ignore::neuro_rtrl.experiment_watch.DenseWarning")

SMALL = ["learning.iterations=2", "task.steps=200", "record.test_every=1"]
INFLUENCE = ["record.influence={units={hidden=[0]}, every=50, own=true}"]
OPTIONS: dict[str, dict[str, Any]] = {
    "online": {"overrides": [*SMALL, *INFLUENCE, "learning.update=7"]},
    # Exact rtrl would go in windows here, and pause between these only.
    "whole sequences": {"rule": "snap-2", "overrides": [*SMALL, "learning.update='sequence'"]},
    "bptt": {"rule": "bptt", "overrides": [*SMALL, "learning.update='sequence'"]},
}


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("draw_learning_curve", "draw_raster"):
        monkeypatch.setattr(experiment, name, lambda *arguments: None)


def killed(folder: Path, monkeypatch: pytest.MonkeyPatch, after: int, **options: Any) -> None:
    """A run that is killed right after its checkpoint number `after`, the first being 0."""
    written, keep = list[Path](), checkpoint.write

    def write(*arguments: Any, **more: Any) -> Path:
        written.append(keep(*arguments, **more))
        if len(written) > after:
            raise KilledError
        return written[-1]

    with monkeypatch.context() as patch:
        patch.setattr(experiment_keeping.checkpoint, "write", write)
        with pytest.raises(KilledError):
            run_experiment("lif_pattern", out=folder, checkpoint_steps=60, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Name of options -> an uninterrupted run."""
    made: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name not in made:
            made[name] = tmp_path_factory.mktemp("whole")
            run_experiment("lif_pattern", out=made[name], **OPTIONS[name])
        return made[name]

    return make


CASES = [("online", 2), ("online", 5), ("whole sequences", 1), ("bptt", 5)]


@pytest.mark.parametrize(("name", "after"), CASES)
def test_a_run_killed_within_an_iteration_goes_on_from_there(
    name: str,
    after: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    whole: Callable[[str], Path],
) -> None:
    killed(tmp_path, monkeypatch, after, **OPTIONS[name])
    iteration, step = divmod(60 * after, 200)
    assert checkpoint.numbered(tmp_path)[-1].stem == f"{iteration:010d}-{step:012d}"
    with open_run(tmp_path) as run:
        assert len(run.loss) == iteration
        assert "experiment" in run.texts
        # What is recorded in an iteration is not in memory, or in checkpoints, until it ends.
        assert run.state("hidden.v").steps.tolist() == list(range(60 * after))
        assert 60 * after - 40 < run.spikes("hidden").step[-1] < 60 * after
    found = checkpoint.read(checkpoint.numbered(tmp_path)[-1])
    assert not [place for place in found.arrays if "passage/s" in place or "passage/u" in place]
    asked: list[int] = []
    taken_up = Learner.run

    def note(one: Learner, *arguments: Any, between: Between, **more: Any) -> Result:
        def ask(done: int) -> int:
            asked.append(done)
            return between(done)

        return taken_up(one, *arguments, between=ask, **more)

    monkeypatch.setattr(Learner, "run", note)
    run_experiment(tmp_path, resume=True)
    assert asked[0] == step
    assert_same_run(whole(name), tmp_path)


def test_a_signal_ends_a_run_within_an_iteration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Callable[[str], Path]
) -> None:
    def ask_to_end(history: History, *arguments: Any) -> Between:
        os.kill(os.getpid(), signal.SIGTERM)
        return pauses(history, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(experiment_training, "pauses", ask_to_end)
        patch.setattr(experiment_training.Pace, "begin", lambda pace: 30)
        summary = run_experiment("lif_pattern", out=tmp_path, **OPTIONS["online"])
    assert (summary["interrupted"], summary["signal"], summary["iterations"]) == (
        True,
        "SIGTERM",
        0,
    )
    assert summary["loss"] is None
    assert checkpoint.numbered(tmp_path)[-1].stem.startswith("0000000000-00000000003")
    run_experiment(tmp_path, resume=True)
    assert_same_run(whole("online"), tmp_path)


def test_minutes_count_within_an_iteration_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pace, "begin", lambda pace: 90)
    monkeypatch.setattr(Pace, "again", lambda pace: 90)
    kept: list[str] = []
    write = checkpoint.write

    def note(*arguments: Any, **more: Any) -> Path:
        kept.append(write(*arguments, **more).stem)
        return tmp_path

    monkeypatch.setattr(experiment_keeping.checkpoint, "write", note)
    options = OPTIONS["whole sequences"]
    run_experiment("lif_pattern", out=tmp_path, checkpoint_minutes=0, **options)
    within = [f"{i:010d}-{step:012d}" for i in (0, 1) for step in (90, 180)]
    assert kept == ["0000000000", *within[:2], "0000000001", *within[2:]]


def test_where_the_first_part_is_damaged_the_run_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Callable[[str], Path]
) -> None:
    killed(tmp_path, monkeypatch, 2, **OPTIONS["bptt"])
    damage(parts(tmp_path)[0])
    with pytest.warns(DamagedWarning, match=r"damaged or missing; the run goes back"):
        run_experiment(tmp_path, resume=True)
    assert_same_run(whole("bptt"), tmp_path)


def test_pauses_come_a_few_times_a_second() -> None:
    pace = Pace()
    assert [pace.again(after=0.01) for _ in range(20)][-1] == MOST
    assert [pace.again(after=1.0) for _ in range(40)][-1] == 1
    assert pace.begin() == 1
    assert pace.again() in (1, 2)


class Busy:
    """Somebody who wants to look soon."""

    def __init__(self) -> None:
        self.left, self.looked = 100, 0

    def within(self) -> None:
        self.looked += 1


def test_nothing_is_kept_before_the_first_step() -> None:
    history, keeper = History(), Busy()
    between = pauses(history, Pace(steps=64), keeper, lambda: 2.5)
    assert between(0) == 64
    assert (keeper.looked, history.within, history.begun) == (0, 0, False)
    assert between(64) == 100
    assert (keeper.looked, history.within, history.spent) == (1, 64, 2.5)
    assert history.begun
    again = pauses(history, Pace(steps=64), keeper, lambda: 0.0)
    assert again(64) == 64
    assert keeper.looked == 1
