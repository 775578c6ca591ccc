"""Fashion-MNIST: 60 000 + 10 000 pictures of clothes, 28 x 28 pixels, ten balanced classes.

Xiao, Rasul & Vollgraf 2017 (arXiv 1708.07747), with the official split. Files are in IDX form: a
header of 16 bytes before pixels, of 8 before labels.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence

import numpy as np

from neuro_rtrl.datasets._carrier import Carrier
from neuro_rtrl.datasets._store import Arrays, DataSet, Member
from neuro_rtrl.errors import DataError

SIDE = 28
_IMAGES, _LABELS = 16, 8
_FOLDER = "usr/share/datasets/fashion-mnist"


def read(contents: Sequence[bytes]) -> Arrays:
    """`train_images`, `test_images` (n, 28, 28) uint8; `train_labels`, `test_labels` (n,) uint8.

    Raises:
        DataError: a file is not in IDX form.

    >>> images = gzip.compress(bytes([0, 0, 8, 3]) + bytes(12 + 784))
    >>> labels = gzip.compress(bytes([0, 0, 8, 1]) + bytes(4 + 1))
    >>> read([images, labels, images, labels])["test_images"].shape
    (1, 28, 28)
    """
    train, train_labels, test, test_labels = (_idx(content) for content in contents)
    return {
        "train_images": train.reshape(-1, SIDE, SIDE),
        "train_labels": train_labels,
        "test_images": test.reshape(-1, SIDE, SIDE),
        "test_labels": test_labels,
    }


def _idx(content: bytes) -> np.ndarray:
    """The bytes behind the header, whose fourth byte is the number of axes."""
    unpacked = gzip.decompress(content)
    if unpacked[:3] != b"\0\0\x08" or unpacked[3] not in (1, 3):
        raise DataError(
            "the file is not in IDX form",
            where="data set 'fashion_mnist'",
            given=unpacked[:4].hex(),
            expected="00000801 or 00000803",
        )
    return np.frombuffer(unpacked, np.uint8, offset=_IMAGES if unpacked[3] == 3 else _LABELS)


DATASET = DataSet(
    name="fashion_mnist",
    content="60 000 + 10 000 pictures of clothes, 28 x 28 pixels, ten classes, official split",
    carrier=Carrier(
        "deb",
        "dataset-fashion-mnist",
        "0.0~git20200523.55506a9-1",
        "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
        30_900_652,
    ),
    members=(
        Member(
            f"{_FOLDER}/train-images-idx3-ubyte.gz",
            "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
        ),
        Member(
            f"{_FOLDER}/train-labels-idx1-ubyte.gz",
            "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
        ),
        Member(
            f"{_FOLDER}/t10k-images-idx3-ubyte.gz",
            "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
        ),
        Member(
            f"{_FOLDER}/t10k-labels-idx1-ubyte.gz",
            "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
        ),
    ),
    licence="MIT",
    origin="H. Xiao, K. Rasul & R. Vollgraf 2017, arXiv 1708.07747, Zalando SE",
    read=read,
    instead=("mnist", "digits"),
)
