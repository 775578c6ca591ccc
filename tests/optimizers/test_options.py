"""The shared options: the schedules' formulas, clipping, and what is refused."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from neuro_rtrl.cli import main
from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.experiment_text import load_experiment, make_optimizer
from neuro_rtrl.optimizers._options import Common, common
from neuro_rtrl.optimizers.adam import Adam
from neuro_rtrl.optimizers.sgd import Sgd

EXPERIMENT = """
summary = "an experiment for its optimizer"
extends = "spiral"
[learning]
optimizer = { OPTIONS }
iterations = 2
"""


def options(schedule: str = "constant", steps: int | None = None) -> Common:
    return common("adam", 0.2, None, None, schedule, steps)


@pytest.mark.parametrize(
    ("schedule", "steps", "expected"),
    [
        ("constant", None, lambda t: 0.2),
        ("inverse_sqrt", None, lambda t: 0.2 / math.sqrt(1 + t)),
        ("inverse_sqrt", 7, lambda t: 0.2 / math.sqrt(1 + t / 7)),
        ("exponential", 7, lambda t: 0.2 * math.e ** (-t / 7)),
        ("cosine", 7, lambda t: 0.1 * (1 + math.cos(math.pi * t / 7)) if t < 7 else 0.0),
    ],
)
def test_schedules(schedule: str, steps: int | None, expected: object) -> None:
    pace = options(schedule, steps).pace
    assert callable(expected)
    for t in (0, 1, 3, 6, 7, 20):
        assert pace.rate(t) == pytest.approx(expected(t), abs=1e-15)


def clipped(gradient: np.ndarray, norm: float | None, value: float | None) -> np.ndarray:
    """What an optimizer makes of a gradient: a step of length 1 from 0."""
    values = np.zeros_like(gradient)
    Sgd(1.0, clip_norm=norm, clip_value=value).update(values, gradient)
    return -values


def test_values_are_clipped_before_the_norm() -> None:
    gradient = np.array([30.0, -4.0, 0.5])
    found = clipped(gradient, norm=2.0, value=4.0)
    bounded = np.array([4.0, -4.0, 0.5])
    np.testing.assert_allclose(found, 2 * bounded / np.linalg.norm(bounded))
    np.testing.assert_array_equal(gradient, [30, -4, 0.5])


def test_a_gradient_just_too_long_is_shortened() -> None:
    np.testing.assert_allclose(clipped(np.array([0.0, 1.1]), norm=1.0, value=None), [0, 1])


def test_short_gradients_are_left_alone() -> None:
    gradient = np.array([0.3, -0.4])
    np.testing.assert_array_equal(clipped(gradient, norm=0.5, value=0.4), gradient)
    np.testing.assert_array_equal(clipped(gradient, None, None), gradient)
    np.testing.assert_array_equal(clipped(np.zeros(2), 1.0, None), np.zeros(2))


@pytest.mark.parametrize("schedule", ["exponential", "cosine"])
def test_a_schedule_without_its_steps_is_refused(schedule: str) -> None:
    with pytest.raises(DescriptionError, match=f"adam: steps: .*given: nothing.*'{schedule}' need"):
        options(schedule)


def test_steps_without_a_schedule_are_refused() -> None:
    with pytest.raises(DescriptionError, match=r"adam: steps: .*cosine, exponential, inverse_sqrt"):
        options(steps=5)


def written(folder: Path, text: str) -> Path:
    file = folder / "mine.toml"
    file.write_text(EXPERIMENT.replace("OPTIONS", text), encoding="utf-8")
    return file


def test_an_experiment_may_give_the_options(tmp_path: Path) -> None:
    text = 'name = "adam", learning_rate = 1e-3, clip_norm = 1.0, schedule = "cosine", steps = 10'
    made = make_optimizer(load_experiment(written(tmp_path, text)))
    same = Adam(1e-3, clip_norm=1.0, schedule="cosine", steps=10)
    a, b = np.ones(3), np.ones(3)
    for gradient in np.random.default_rng(0).normal(size=(12, 3)):
        made.update(a, gradient)
        same.update(b, gradient)
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('name = "rmspop", learning_rate = 1', ["learning.optimizer.name", "'rmsprop'"]),
        ('name = "sgd", learning_rate = 1, clip_nrom = 1', ["clip_nrom", "'clip_norm'"]),
        ('name = "sgd", learning_rate = 1, schedule = "cosinus"', ["schedule", "'cosine'"]),
        ('name = "adamw", learning_rate = 1, weight_decay = -1', ["weight_decay", "from 0"]),
        ('name = "sgd", learning_rate = 1, clip_norm = "1"', ["clip_norm", "a number"]),
        ('name = "sgd", learning_rate = 1, schedule = "cosine"', ["steps", "updates"]),
    ],
)
def test_wrong_options_end_the_command_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: list[str]
) -> None:
    file = written(tmp_path, text)
    with pytest.raises(SystemExit) as ended:
        main(["run", str(file), "--out", str(tmp_path / "run")])
    assert ended.value.code == 2
    said = " ".join(capsys.readouterr().err.split())
    for word in ["mine.toml", *words]:
        assert word in said
