"""What a run keeps of its last sequences for the raster, and how its end is shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl import experiment, experiment_history
from neuro_rtrl.contracts import Trial
from neuro_rtrl.engine.result import Result
from neuro_rtrl.experiment_figures import Shown, draw_raster
from neuro_rtrl.experiment_history import History, Seen

SIZES = {"h": 5}


def after(steps: int, *pieces: list[int]) -> History:
    """A history of one sequence whose events came in pieces, all of unit 2."""
    history = History()
    add(history, steps, *pieces)
    return history


def add(history: History, steps: int, *pieces: list[int]) -> None:
    history.seen = Seen()
    for piece in pieces:
        history.seen.add({"h": (np.array(piece, np.int64), np.full(len(piece), 2))}, steps)
    outputs = np.arange(float(steps)).reshape(1, steps, 1)
    result = Result(1.0, np.zeros((1, steps)), outputs, {}, np.zeros((0, 0)))
    history.keep(result, Trial(np.zeros((1, steps, 3)), -outputs), 0.5)


def test_short_sequences_follow_each_other() -> None:
    history = after(120, [3, 50], [], [119])
    add(history, 120, [7])
    shown = history.last_steps(SIZES)
    assert shown.events["h"][0].tolist() == [3, 50, 119, 127]
    assert shown.events["h"][1].tolist() == [2] * 4
    assert (shown.sequence, shown.first, len(shown.predictions)) == (120, 0, 240)
    assert history.seen.counts == {"h": 1}
    add(history, 60, [5])
    assert history.last_steps(SIZES).events["h"][0].tolist() == [5]


def test_of_a_long_sequence_the_end_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment_history, "MOST_SHOWN", 300)
    history = after(1000, [0, 699], [700, 800], [999])
    shown = history.last_steps(SIZES)
    assert history.seen.counts == {"h": 5}
    assert shown.first + shown.events["h"][0] == pytest.approx([700, 800, 999])
    assert shown.predictions[:, 0].tolist() == list(range(700, 1000))
    assert shown.targets[0] == -700.0
    add(history, 1000, [10])
    assert len(history.last) == 1 and history.last_steps(SIZES).events["h"][0].size == 0


def test_pieces_of_which_nothing_is_shown_take_no_room() -> None:
    history = after(10**6, *[[step] for step in range(50)])
    assert len(history.seen.ends) == 1 and history.seen.counts == {"h": 50}


def test_the_end_of_a_run_is_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment_history, "MOST_SHOWN", 60)
    drawn: list[Shown] = []

    def note(file: Path, title: str, shown: Shown) -> None:
        drawn.append(shown)
        draw_raster(file, title, shown)

    monkeypatch.setattr(experiment, "draw_raster", note)
    nr.run_experiment(
        "lif_pattern", out=tmp_path, overrides=["learning.iterations=2", "task.steps=200"]
    )
    (shown,) = drawn
    assert shown.first == 140 and len(shown.predictions) == 60
    assert (tmp_path / "raster.png").stat().st_size > 5_000
    with nr.open_run(tmp_path) as run:
        spikes = run.spikes("hidden")
    late = spikes.step >= 340
    np.testing.assert_array_equal(shown.events["hidden"][0] + 340, spikes.step[late])
    np.testing.assert_array_equal(shown.events["hidden"][1], spikes.i[late])
