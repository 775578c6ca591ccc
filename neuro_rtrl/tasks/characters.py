"""Characters: predict the next character of a text.

The character-level language model of Menick et al. 2021 (arXiv 2006.07232, section 5.1): crops of
128 characters from random places, read one-hot, each from the initial state; the next character is
asked for at every step. The text is an extract of the English Wikipedia, or a file of one's own.
The most frequent characters of the training part are the alphabet; all others are one symbol,
"unknown". The first 90 % of the text train, the next 5 % validate, the last 5 % test. Loss:
"cross_entropy" (nats; a bit is log 2 nats).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neuro_rtrl.contracts import Trial
from neuro_rtrl.datasets.wikipedia import DATASET
from neuro_rtrl.equations.text_file import read_whole
from neuro_rtrl.errors import DataError
from neuro_rtrl.tasks._common import need, need_counts, new_key, stream
from neuro_rtrl.tasks._recorded import evenly, need_part, own_file

LARGEST = 2**30
"""Bytes of a text."""
TRAIN, VALIDATION = 0.90, 0.05
"""Parts of the text; the rest tests."""


@dataclass(frozen=True)
class Characters:
    """The character task; see `make`.

    Attributes:
        alphabet: the characters that have a number of their own, the most frequent first.
        training, held_out: (characters,) numbers; `len(alphabet)` is "unknown".
        steps, batch, test_size: of trials.
        origin: what a run's file says of the text.
    """

    alphabet: str
    training: np.ndarray
    held_out: np.ndarray
    steps: int
    batch: int
    test_size: int
    key: int
    origin: Mapping[str, str]

    @property
    def inputs(self) -> int:
        """One for each character of the alphabet, and one for all others."""
        return len(self.alphabet) + 1

    @property
    def outputs(self) -> int:
        """As many as inputs."""
        return self.inputs

    def train(self, iteration: int) -> Trial:
        """Crops from random places of the training part."""
        last = len(self.training) - self.steps
        return self._crops(
            self.training, stream(self.key, 0, iteration).integers(last, size=self.batch)
        )

    def test(self) -> Trial:
        """Crops from evenly spaced places of the held-out part."""
        return self._crops(self.held_out, evenly(len(self.held_out) - self.steps, self.test_size))

    def score(self, predictions: np.ndarray, trial: Trial) -> float:
        """Minus the bits per character of logits (batch, steps, outputs): larger is better."""
        largest = predictions.max(axis=2, keepdims=True)
        norm = largest + np.log(np.exp(predictions - largest).sum(axis=2, keepdims=True))
        # - sum_k y*_k log softmax(y)_k, over log 2
        nats = -np.mean(((predictions - norm) * trial.targets).sum(axis=2))
        return float(-nats / np.log(2))

    def baselines(self) -> dict[str, float]:
        """Bits per character of the held-out part by counts of the training part (plus one).

        Returns:
            `unigram`: frequencies alone; `bigram`: given the character before.
        """
        size = self.inputs
        singles = np.bincount(self.training, minlength=size) + 1.0
        joint = self.training[:-1] * size + self.training[1:]
        pairs = np.bincount(joint, minlength=size * size).reshape(size, size) + 1.0
        single = np.log2(singles / singles.sum())
        pair = np.log2(pairs / pairs.sum(axis=1, keepdims=True))
        before, after = self.held_out[:-1], self.held_out[1:]
        return {
            "unigram": float(-single[after].mean()),
            "bigram": float(-pair[before, after].mean()),
        }

    def _crops(self, text: np.ndarray, starts: np.ndarray) -> Trial:
        crops = text[starts[:, None] + np.arange(self.steps + 1)]
        symbols = np.eye(self.inputs)[crops]
        return Trial(symbols[:, :-1], symbols[:, 1:])


def make(
    rng: np.random.Generator,
    *,
    text: str = "",
    alphabet: int = 84,
    steps: int = 128,
    batch: int = 32,
    test_size: int = 64,
    tested_on: str = "test",
) -> Characters:
    """The next character of a text.

    Args:
        rng: source of the crops.
        text: path of a text in UTF-8; empty: the Wikipedia extract.
        alphabet: characters with an input and an output of their own, at most; there is one more
            for all others.
        steps: characters of a crop.
        batch: crops of a training batch.
        test_size: crops that test, at most, evenly spaced.
        tested_on: "test" or "validation".

    Raises:
        DescriptionError: a number outside its range, or a text too short for its parts.
        DataError: the text cannot be read, or the Wikipedia extract has not been fetched.

    The score is minus the bits per character.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.txt").write_text("abca" * 100)
    ...     task = make(np.random.default_rng(0), text=folder + "/a.txt", alphabet=2, steps=9)
    >>> task.alphabet, task.inputs, task.train(0).inputs.shape
    ('ab', 3, (32, 9, 3))
    """
    need_part("characters", tested_on)
    need_counts("characters", alphabet=alphabet, steps=steps, batch=batch, test_size=test_size)
    codes, origin = _text(text)
    ends = [int(len(codes) * part) for part in (TRAIN, TRAIN + VALIDATION)]
    shortest = min(len(codes) - ends[1], ends[1] - ends[0])
    need(steps < shortest, "characters: steps", steps, f"less than {shortest} (a twentieth of it)")
    known = np.argsort(-np.bincount(codes[: ends[0]]), kind="stable")
    known = known[: min(alphabet, len(np.unique(codes[: ends[0]])))]
    numbers = np.full(codes.max() + 1, len(known))
    numbers[known] = np.arange(len(known))
    training, validation, test = np.split(numbers[codes], ends)
    held_out = test if tested_on == "test" else validation
    letters = "".join(map(chr, known))
    return Characters(letters, training, held_out, steps, batch, test_size, new_key(rng), origin)


def _text(path: str) -> tuple[np.ndarray, Mapping[str, str]]:
    """Code points of the text, and its provenance."""
    if not path:
        return DATASET.load()["text"], DATASET.provenance()
    file = Path(path)
    try:
        letters = read_whole(file, LARGEST)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            "the text cannot be read",
            where=f"characters: {path}",
            given=error,
            expected="a file of text in UTF-8",
        ) from error
    need(len(letters) > 0, f"characters: {path}", "an empty file", "a text")
    return np.frombuffer(letters.encode("utf-32-le"), dtype="<i4"), own_file(file, "text")
