"""The teacher against its formula, one step and one sequence at a time."""

from __future__ import annotations

import numpy as np
import pytest

from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.tasks.mimic import make, new_teacher


def test_the_teacher_follows_its_formula() -> None:
    rng = np.random.default_rng(0)
    teacher = new_teacher(rng, 3, 5, 2, 1.5)
    inputs = rng.normal(size=(2, 7, 3))
    answers = teacher.answer(inputs)
    for b in range(2):
        h = np.zeros(5)
        for t in range(7):
            h = np.tanh(teacher.recurrent @ h + teacher.into @ inputs[b, t] + teacher.bias)
            np.testing.assert_allclose(answers[b, t], teacher.out @ h, rtol=1e-12)


def test_all_batches_have_the_same_teacher() -> None:
    """Equal first bits give equal first answers, in training and in the test."""
    task = make(np.random.default_rng(0), inputs=1, batch=20)
    pairs = {
        (float(x), tuple(y))
        for trial in (task.train(0), task.train(1), task.test())
        for x, y in zip(trial.inputs[:, 0, 0], np.round(trial.targets[:, 0], 12), strict=True)
    }
    assert len(pairs) == 2


def test_the_past_matters() -> None:
    """The best linear guess from the present bits alone leaves much of the variance."""
    trial = make(np.random.default_rng(0), batch=200).train(0)
    x = np.concatenate([trial.inputs[:, 10:], np.ones((200, 40, 1))], axis=2).reshape(-1, 5)
    y = trial.targets[:, 10:].reshape(-1, 2)
    rest = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    assert rest.var() > 0.2 * y.var()


@pytest.mark.parametrize(("option", "value"), [("units", 0), ("steps", 0), ("gain", -1.0)])
def test_refuses_what_is_out_of_range(option: str, value: float) -> None:
    with pytest.raises(DescriptionError, match=f"mimic: {option}: .*given: .*expected: "):
        make(np.random.default_rng(0), **{option: value})
