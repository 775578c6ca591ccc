"""Japanese vowels: nine men say /ae/; which of them speaks?

Kudo, Toyama & Shimbo 1999 ("Multidimensional curve classification using passing-through regions",
Pattern Recognition Letters 20:1103), UCI repository, with the official split. Twelve cepstrum
coefficients of linear prediction, 7 to 29 frames to an utterance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuro_rtrl.datasets._carrier import Carrier
from neuro_rtrl.datasets._store import Arrays, DataSet, Member

_FOLDER = "aeon/datasets/data/JapaneseVowels"


def read(contents: Sequence[bytes]) -> Arrays:
    """Utterances, padded with NaN to the longest of their part.

    Returns:
        `train` (270, 26, 12) and `test` (370, 29, 12) float64; `train_labels`, `test_labels` (n,)
        uint8, speakers 0 to 8; `train_lengths`, `test_lengths` (n,) frames.

    >>> arrays = read([b"@data\\n1,2:3,4:2\\n", b"# no data\\n1:3:1\\n5:6:9\\n"])
    >>> arrays["train"].tolist(), arrays["test_labels"].tolist(), arrays["test_lengths"].tolist()
    ([[[1.0, 3.0], [2.0, 4.0]]], [0, 8], [1, 1])
    """
    arrays: Arrays = {}
    for part, content in zip(("train", "test"), contents, strict=True):
        utterances, labels = _utterances(content.decode("utf-8"))
        lengths = np.array([len(utterance) for utterance in utterances])
        padded = np.full((len(utterances), lengths.max(), utterances[0].shape[1]), np.nan)
        for row, utterance in zip(padded, utterances, strict=True):
            row[: len(utterance)] = utterance
        arrays[part] = padded
        arrays[f"{part}_labels"] = np.array(labels, dtype=np.uint8)
        arrays[f"{part}_lengths"] = lengths
    return arrays


def _utterances(text: str) -> tuple[list[np.ndarray], list[int]]:
    """A line for each utterance: channels parted by ':', values by ',', the class last."""
    utterances, labels = [], []
    for line in text.splitlines():
        if line.startswith(("@", "#")) or not line.strip():
            continue
        *channels, label = line.split(":")
        utterances.append(np.array([channel.split(",") for channel in channels], float).T)
        labels.append(int(label) - 1)
    return utterances, labels


DATASET = DataSet(
    name="japanese_vowels",
    content="270 + 370 utterances of nine speakers, 12 cepstrum channels, 7 to 29 frames",
    carrier=Carrier(
        "pip",
        "aeon",
        "1.6.0",
        "d05227086706f80111ac5fee8de4d5d3115bb3bcfd1c786c8629393055816409",
        6_421_000,
    ),
    members=(
        Member(
            f"{_FOLDER}/JapaneseVowels_TRAIN.ts",
            "68a430eabd919cc77f40b1f5f3bc0dcafacc1486bca9260785aeb7d262cc78cd",
        ),
        Member(
            f"{_FOLDER}/JapaneseVowels_TEST.ts",
            "b3d41d6a0ca3bcad3afb9ca7d4365382aa51341e2e58bae2a574babdda5b9462",
        ),
    ),
    licence="CC BY 4.0 (UCI repository); package BSD-3-Clause",
    origin="M. Kudo, J. Toyama & M. Shimbo 1999, Japanese Vowels, UCI",
    read=read,
    instead=("digits",),
)
