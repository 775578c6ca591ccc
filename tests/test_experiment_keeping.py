"""Runs that end early go on where they were, and leave what an uninterrupted run leaves."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neuro_rtrl import experiment
from neuro_rtrl.engine import checkpoint
from neuro_rtrl.engine.opening import parts
from neuro_rtrl.engine.run_file import open_run
from neuro_rtrl.errors import DamagedWarning, RunFileError, SimulationError
from neuro_rtrl.experiment import run_experiment
from neuro_rtrl.experiment_keeping import VersionWarning
from neuro_rtrl.outputs import News
from neuro_rtrl.registry import files, find

SMALL = [
    "learning.iterations=6",
    "record.test_every=2",
    "task.batch=3",
    "task.test_size=20",
    "populations.hidden.n=4",
    "populations.hidden.parameters.theta=-4",
]
TIMED = ("created", "git_state", "git_commit")
MEASURED = ("seconds", "peak_bytes", "out", "interrupted", "signal")


def contents(file: Path) -> dict[str, Any]:
    """Everything in a run file but the time at which it was made."""
    found: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        skipped = ("DIMENSION_LIST", "REFERENCE_LIST", *TIMED)
        found[f"{name}@"] = {k: np.asarray(v) for k, v in item.attrs.items() if k not in skipped}
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with h5py.File(file, "r") as opened:
        visit("/", opened["/"])
        opened.visititems(visit)
    return found


def assert_same_run(one: Path, other: Path) -> None:
    a, b = contents(one / "run.h5"), contents(other / "run.h5")
    assert a.keys() == b.keys()
    for name, value in a.items():
        np.testing.assert_equal(value, b[name], err_msg=name)
    assert parts(one) == parts(other) == []
    said = [json.loads((folder / "summary.json").read_text()) for folder in (one, other)]
    for key in said[0].keys() - set(MEASURED):
        assert said[0][key] == said[1][key], key


class Impatient:
    """Ends a run after some iterations, as a signal does."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self, news: News) -> None:
        if news.done == self.at:
            os.kill(os.getpid(), signal.SIGTERM)


def interrupted(folder: Path, at: int, **options: Any) -> dict[str, Any]:
    options = {"overrides": SMALL, "checkpoint_every": 2, **options}
    summary = run_experiment("spiral", out=folder, progress=Impatient(at), **options)
    assert summary["interrupted"]
    assert summary["signal"] == "SIGTERM"
    assert summary["iterations"] == at
    return summary


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take longer than all the rest."""
    for name in ("draw_learning_curve", "draw_raster"):
        monkeypatch.setattr(f"neuro_rtrl.experiment.{name}", lambda *arguments: None)


# Rules of each make; tests/engine/test_snapshot.py has all of them on a small network.
SOME = ("rtrl", "eprop", "uoro", "dni")
# These have other losses, or other networks.
OTHERS = ("reward-eprop", "ostl", "decolle")
RULES = [
    pytest.param(rule, marks=() if rule in SOME else pytest.mark.verification)
    for rule in files("rules")
    if rule not in OTHERS
]


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_goes_on_bit_for_bit(rule: str, tmp_path: Path) -> None:
    online = find("rules", rule).online
    update = f"learning.update={int(online) * 5}" if online else "learning.update='sequence'"
    options: dict[str, Any] = {"rule": rule, "overrides": [*SMALL, update]}
    run_experiment("spiral", out=tmp_path / "whole", **options)
    interrupted(tmp_path / "cut", 3, **options)
    with open_run(tmp_path / "cut") as run:
        assert not run.complete
        assert len(run.loss) == 3
    again = run_experiment(tmp_path / "cut", resume=True)
    assert again["iterations"] == 6
    assert_same_run(tmp_path / "whole", tmp_path / "cut")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    run_experiment("spiral", out=folder, overrides=SMALL)
    return folder


def test_an_uninterrupted_run_with_checkpoints_leaves_the_same(whole: Path, tmp_path: Path) -> None:
    run_experiment("spiral", out=tmp_path, overrides=SMALL, checkpoint_every=1)
    assert_same_run(whole, tmp_path)
    assert not (tmp_path / checkpoint.FOLDER).exists()
    assert not list(tmp_path.glob("*.lock"))


def test_a_run_may_be_interrupted_again_and_again(whole: Path, tmp_path: Path) -> None:
    interrupted(tmp_path, 1)
    for at in (2, 5):
        summary = run_experiment(tmp_path, resume=True, progress=Impatient(at))
        assert summary["iterations"] == at
    run_experiment("anything", out=tmp_path, resume=True)
    assert_same_run(whole, tmp_path)


class KilledError(Exception):
    """Stands for a kill: nothing is written after it."""


def killed(folder: Path, at: int, every: int = 2) -> None:
    """A run whose process ends in the middle of things, with parts and checkpoints beside it."""

    def die(news: News) -> None:
        if news.done == at:
            raise KilledError

    with pytest.raises(KilledError):
        run_experiment("spiral", out=folder, overrides=SMALL, checkpoint_every=every, progress=die)


@pytest.mark.parametrize("at", [1, 3, 4, 5])
def test_a_killed_run_goes_on(at: int, whole: Path, tmp_path: Path) -> None:
    killed(tmp_path, at)
    with open_run(tmp_path) as run:
        assert len(run.loss) == at
        assert len(parts(tmp_path)) == at // 2
        assert set(run.weights("start")) == set(run.weights("end"))
        assert "experiment" in run.texts
    run_experiment(tmp_path, resume=True)
    assert_same_run(whole, tmp_path)


def damage(file: Path) -> None:
    contents = bytearray(file.read_bytes())
    contents[len(contents) // 2] ^= 4
    file.write_bytes(contents)


def test_a_damaged_checkpoint_is_refused_and_the_one_before_used(
    whole: Path, tmp_path: Path
) -> None:
    killed(tmp_path, 5)
    damage(checkpoint.numbered(tmp_path)[-1])
    with pytest.warns(DamagedWarning, match=r"0000000004\.h5: the checkpoint is damaged.*before"):
        run_experiment(tmp_path, resume=True)
    assert_same_run(whole, tmp_path)


def test_a_damaged_part_is_refused_and_an_earlier_checkpoint_used(
    whole: Path, tmp_path: Path
) -> None:
    killed(tmp_path, 5)
    damage(parts(tmp_path)[-1])
    with pytest.raises(RunFileError, match=r"the run file is damaged"):
        open_run(tmp_path)
    with pytest.warns(DamagedWarning, match=r"0000000004\.h5: what was recorded until then is dam"):
        run_experiment(tmp_path, resume=True)
    assert_same_run(whole, tmp_path)


def test_where_nothing_sound_was_recorded_the_run_begins_anew(whole: Path, tmp_path: Path) -> None:
    killed(tmp_path, 5)
    damage(parts(tmp_path)[0])
    with pytest.warns(DamagedWarning, match=r"h5: .*damaged or missing; the run goes back"):
        run_experiment(tmp_path, resume=True)
    assert_same_run(whole, tmp_path)


def test_the_last_file_may_be_unreadable(whole: Path, tmp_path: Path) -> None:
    killed(tmp_path, 5)
    last = tmp_path / "run.h5"
    last.write_bytes(last.read_bytes()[:900])
    with (
        pytest.warns(DamagedWarning, match=r"The parts before it are used"),
        open_run(tmp_path) as run,
    ):
        assert len(run.loss) == 4
    run_experiment(tmp_path, resume=True)
    assert_same_run(whole, tmp_path)


def test_a_kill_between_joining_and_tidying_up(whole: Path, tmp_path: Path) -> None:
    killed(tmp_path, 5)
    kept = {part: part.read_bytes() for part in parts(tmp_path)}
    interrupted_again = run_experiment(tmp_path, resume=True, progress=Impatient(5))
    assert interrupted_again["iterations"] == 5
    for part, content in kept.items():
        part.write_bytes(content)
    with open_run(tmp_path) as run:
        assert run.loss.size == 5
    run_experiment(tmp_path, resume=True)
    assert_same_run(whole, tmp_path)


def test_a_sweep_goes_on_with_the_point_it_was_at(tmp_path: Path) -> None:
    chosen = [*SMALL, "sweep.only.weight_sparsity=['0.8']", "learning.iterations=2"]
    whole = run_experiment("spiral_sparsity", out=tmp_path / "whole", overrides=chosen)
    seen: list[News] = []

    def impatient(news: News) -> None:
        seen.append(news)
        if len(seen) == 3:
            raise KeyboardInterrupt

    options: dict[str, Any] = {"overrides": chosen, "checkpoint_every": 1}
    cut = run_experiment("spiral_sparsity", out=tmp_path / "cut", progress=impatient, **options)
    assert len(cut["points"]) == 1
    again = run_experiment(tmp_path / "cut", resume=True)
    for one, other in zip(whole["points"], again["points"], strict=True):
        assert {k: v for k, v in one.items() if k != "seconds"} == {
            k: v for k, v in other.items() if k != "seconds"
        }
    for folder in (tmp_path / "whole").iterdir():
        if folder.is_dir():
            assert_same_run(folder, tmp_path / "cut" / folder.name)
    assert not list(tmp_path.rglob("checkpoints"))


def test_nothing_to_go_on_with(whole: Path, tmp_path: Path) -> None:
    for folder in (whole, tmp_path, tmp_path / "nowhere"):
        with pytest.raises(RunFileError, match=r"there is no run to go on with"):
            run_experiment(folder, resume=True)


def test_an_interrupted_run_is_not_overwritten(tmp_path: Path) -> None:
    killed(tmp_path, 3)
    (tmp_path / "run.h5").unlink()
    with pytest.raises(RunFileError, match=r"there is a run already.*--resume"):
        run_experiment("spiral", out=tmp_path, overrides=SMALL)
    run_experiment("spiral", out=tmp_path, overrides=SMALL, force=True)
    assert not parts(tmp_path)


def test_other_versions_are_warned_of_and_other_models_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(tmp_path, 3)
    file = checkpoint.numbered(tmp_path)[-1]
    found = checkpoint.read(file)
    made_with = json.loads(found.notes["/made_with"]["value"])

    def remake(**changes: str) -> None:
        text = json.dumps({**made_with, **changes})
        changed = type(found)(found.arrays, {**found.notes, "/made_with": {"value": text}})
        checkpoint.write(tmp_path, 2, changed)

    remake(**{"model of hidden": "another"})
    with pytest.raises(RunFileError, match=r"other models or data; given: model of hidden"):
        run_experiment(tmp_path, resume=True)
    remake(numpy="1.0.0")
    with pytest.warns(VersionWarning, match=r"begun with numpy 1\.0\.0, now "):
        run_experiment(tmp_path, resume=True)


def test_time_makes_checkpoints_too(tmp_path: Path) -> None:
    seen: list[int] = []

    def look(news: News) -> None:
        seen.append(len(checkpoint.numbered(tmp_path)))

    run_experiment("spiral", out=tmp_path, overrides=SMALL, checkpoint_minutes=0, progress=look)
    assert seen[:3] == [2, 2, 2]


def test_a_wall_clock_that_jumps_changes_nothing(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jumps = iter(range(10**6))

    def jumping() -> float:
        return float((-1) ** next(jumps) * 10**9 + 10**9)

    monkeypatch.setattr(time, "time", jumping)
    seen: list[list[Path]] = []

    def look(news: News) -> None:
        seen.append(checkpoint.numbered(tmp_path))
        if news.done == 3:
            raise KeyboardInterrupt

    run_experiment("spiral", out=tmp_path, overrides=SMALL, progress=look)
    assert [len(files) for files in seen] == [1, 1, 1]
    run_experiment(tmp_path, resume=True)
    assert_same_run(whole, tmp_path)
    seconds = json.loads((tmp_path / "summary.json").read_text())["seconds"]
    assert 0 < seconds < 10**6


def test_nothing_is_measured_by_a_clock_that_may_jump() -> None:
    package = Path(experiment.__file__).parent
    for file in package.rglob("*.py"):
        assert not re.search(r"\btime\.time\(", file.read_text(encoding="utf-8")), file


@pytest.mark.verification
@pytest.mark.parametrize("rule", OTHERS)
def test_rules_that_spiral_does_not_suit_go_on_too(rule: str, tmp_path: Path) -> None:
    small = ["learning.iterations=4", "task.steps=30", "record.test_every=2"]
    options: dict[str, Any] = {"rule": rule, "overrides": [*small, "learning.update=10"]}
    run_experiment("lif_pattern", out=tmp_path / "whole", **options)
    options |= {"checkpoint_every": 1, "progress": Impatient(3)}
    assert run_experiment("lif_pattern", out=tmp_path / "cut", **options)["interrupted"]
    run_experiment(tmp_path / "cut", resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "cut")


def test_many_parts_are_merged(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neuro_rtrl.engine.parts.merge.__defaults__", (2,))
    killed(tmp_path, 5, every=1)
    assert len(parts(tmp_path)) <= 2
    run_experiment(tmp_path, resume=True)
    assert_same_run(whole, tmp_path)


def test_numbers_that_overflow_name_the_last_good_checkpoint(tmp_path: Path) -> None:
    wild = [*SMALL, "learning.optimizer={name='sgd', learning_rate=1e308}"]
    place = re.escape(str(tmp_path / "checkpoints" / "0000000000.h5"))
    text = rf"spiral: iteration \d: .*not finite.* The last good checkpoint is {place}\."
    with pytest.raises(SimulationError, match=text):
        run_experiment("spiral", out=tmp_path, overrides=wild)
