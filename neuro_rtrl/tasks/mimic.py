"""Mimic: answer random bits as a random vanilla recurrent network does.

The Mimic task of Marschall, Cho & Savin 2020 (JMLR 21:135). The teacher, drawn once, is

    h(t) = tanh(W h(t-1) + U x(t) + b),    y*(t) = V h(t)

with fair bits x, h(-1) = 0 and (numbers of this package) W ~ N(0, gain^2/units),
U ~ N(0, 1/inputs), b ~ N(0, 0.01), V ~ N(0, 1/units). Loss: "mse".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuro_rtrl.contracts import Trial
from neuro_rtrl.tasks._common import DrawnTask, explained, need, need_counts, new_key


@dataclass(frozen=True)
class Teacher:
    """The network to be mimicked.

    Attributes:
        recurrent: W (units, units).
        into: U (units, inputs).
        bias: b (units,).
        out: V (outputs, units).
    """

    recurrent: np.ndarray
    into: np.ndarray
    bias: np.ndarray
    out: np.ndarray

    def answer(self, inputs: np.ndarray) -> np.ndarray:
        """(batch, steps, inputs) -> (batch, steps, outputs)."""
        state = np.zeros((inputs.shape[0], self.bias.size))
        answers = np.zeros((*inputs.shape[:2], self.out.shape[0]))
        for step in range(inputs.shape[1]):
            # h(t) = tanh(W h(t-1) + U x(t) + b)
            state = np.tanh(state @ self.recurrent.T + inputs[:, step] @ self.into.T + self.bias)
            # y*(t) = V h(t)
            answers[:, step] = state @ self.out.T
        return answers


def make(
    rng: np.random.Generator,
    *,
    batch: int = 16,
    steps: int = 50,
    inputs: int = 4,
    outputs: int = 2,
    units: int = 16,
    gain: float = 1.2,
    test_size: int = 64,
) -> DrawnTask:
    """The mimic task.

    Args:
        rng: source of the teacher and of the bits.
        batch: sequences in a training batch.
        steps: length of a sequence.
        inputs: bits in each step.
        outputs: curves to mimic.
        units: units of the teacher.
        gain: strength of the teacher's recurrence, from 0.
        test_size: sequences of the held-out batch.

    Raises:
        DescriptionError: a number lies outside its range.

    The score is 1 - (mean squared error)/(variance).

    >>> trial = make(np.random.default_rng(0), steps=9).train(0)
    >>> trial.inputs.shape, trial.targets.shape
    ((16, 9, 4), (16, 9, 2))
    """
    need_counts(
        "mimic",
        batch=batch,
        steps=steps,
        inputs=inputs,
        outputs=outputs,
        units=units,
        test_size=test_size,
    )
    need(gain >= 0, "mimic: gain", gain, "a number from 0")
    teacher = new_teacher(rng, inputs, units, outputs, gain)

    def draw(source: np.random.Generator, sequences: int) -> Trial:
        bits = source.integers(2, size=(sequences, steps, inputs)).astype(float)
        return Trial(bits, teacher.answer(bits))

    return DrawnTask(draw, explained, inputs, outputs, batch, test_size, new_key(rng))


def new_teacher(
    rng: np.random.Generator, inputs: int, units: int, outputs: int, gain: float
) -> Teacher:
    """A random teacher."""
    return Teacher(
        recurrent=rng.normal(0, gain / np.sqrt(units), (units, units)),
        into=rng.normal(0, 1 / np.sqrt(inputs), (units, inputs)),
        bias=rng.normal(0, 0.1, units),
        out=rng.normal(0, 1 / np.sqrt(units), (outputs, units)),
    )
