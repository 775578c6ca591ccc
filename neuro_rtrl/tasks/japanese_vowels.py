"""Japanese vowels: which of nine men says /ae/?

The utterances of Kudo, Toyama & Shimbo 1999 (Pattern Recognition Letters 20:1103; 94.1 % there)
with the official split: 270 train, 370 test. Twelve cepstrum coefficients a frame, 7 to 29 frames;
after its end an utterance is silent and has no targets. Loss: "cross_entropy".
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.contracts import Trial
from neuro_rtrl.datasets.japanese_vowels import DATASET
from neuro_rtrl.errors import unknown
from neuro_rtrl.tasks._common import need, need_counts, new_key
from neuro_rtrl.tasks._recorded import (
    RecordedTask,
    last_steps,
    need_part,
    one_hot_at,
    voted_classes,
)

SPEAKERS, CHANNELS = 9, 12
ENCODINGS = ("values", "delta")
EVERY = 5
"""Every fifth training utterance validates, where that is asked for."""


def make(
    rng: np.random.Generator,
    *,
    encoding: str = "values",
    threshold: float = 0.5,
    asked: int = 0,
    batch: int = 32,
    tested_on: str = "test",
) -> RecordedTask:
    """The speaker of a vowel.

    Args:
        rng: source of the batches.
        encoding: "values": the coefficients, each with mean 0 and variance 1 over the training
            utterances (12 inputs); "delta": events where one of them has changed (24 inputs).
        threshold: change that makes an event of "delta", in standard deviations.
        asked: last frames that have a target; 0: all.
        batch: utterances of a training batch.
        tested_on: "test": the 370 official ones; "validation": a fifth of the training utterances,
            which then do not train.

    Raises:
        DescriptionError: an unknown name, or a number outside its range.
        DataError: the data have not been fetched; the error names the command.

    The score is the fraction of speakers named by the logits of the frames asked for.

    >>> task = make(np.random.default_rng(0), encoding="delta")   # doctest: +SKIP
    >>> task.train(0).inputs.shape, task.test().inputs.shape      # doctest: +SKIP
    ((32, 26, 24), (370, 29, 24))
    """
    if encoding not in ENCODINGS:
        raise unknown("encoding", encoding, ENCODINGS, where="japanese_vowels: encoding")
    need_part("japanese_vowels", tested_on)
    need_counts("japanese_vowels", batch=batch)
    need(threshold > 0, "japanese_vowels: threshold", threshold, "a number above 0")
    need(asked >= 0, "japanese_vowels: asked", asked, "a whole number of at least 0")
    arrays = DATASET.load()
    frames = arrays["train"].reshape(-1, CHANNELS)
    mean, deviation = np.nanmean(frames, axis=0), np.nanstd(frames, axis=0)

    def trial(part: str, which: np.ndarray) -> Trial:
        values = (arrays[part][which] - mean) / deviation
        lengths = arrays[f"{part}_lengths"][which]
        inputs = values if encoding == "values" else deltas(values, threshold)
        answered = last_steps(lengths, values.shape[1], asked)
        targets = one_hot_at(arrays[f"{part}_labels"][which], answered, SPEAKERS)
        return Trial(np.nan_to_num(inputs), targets)

    everyone = np.arange(len(arrays["train"]))
    holds = tested_on == "validation"
    training = everyone[everyone % EVERY > 0] if holds else everyone

    def draw(source: np.random.Generator, utterances: int) -> Trial:
        return trial("train", source.choice(training, size=utterances))

    if holds:
        tests = trial("train", everyone[everyone % EVERY == 0])
    else:
        tests = trial("test", np.arange(len(arrays["test"])))
    inputs = CHANNELS * (1 + (encoding == "delta"))
    key, origin = new_key(rng), DATASET.provenance()
    return RecordedTask(draw, tests, voted_classes, inputs, SPEAKERS, batch, key, origin)


def deltas(values: np.ndarray, threshold: float) -> np.ndarray:
    """Changes as events (n, steps, 2 channels): rises of each channel, then falls.

    A channel keeps a reference, 0 at first. Whenever its value is k thresholds above (below) the
    reference, it sends an event of size k on its first (second) line, and the reference follows:

        k = trunc((x - r)/theta),  r <- r + k theta

    >>> deltas(np.array([[[0.6], [0.7], [-0.5], [np.nan]]]), 0.5)[0].tolist()
    [[1.0, 0.0], [0.0, 0.0], [0.0, 2.0], [0.0, 0.0]]
    """
    events = np.zeros((*values.shape[:2], 2 * values.shape[2]))
    reference = np.zeros((len(values), values.shape[2]))
    for step in range(values.shape[1]):
        x = np.where(np.isnan(values[:, step]), reference, values[:, step])
        k = np.trunc((x - reference) / threshold)
        reference += k * threshold
        events[:, step] = np.concatenate([np.maximum(k, 0), np.maximum(-k, 0)], axis=1)
    return events
