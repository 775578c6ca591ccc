"""Handwritten digits of 8 x 8 pixels: 1797 images, small enough for every test.

The test part of "Optical recognition of handwritten digits" (Alpaydin & Kaynak 1998, UCI machine
learning repository), as scikit-learn ships it. The package is opened, not imported.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Sequence

import numpy as np

from neuro_rtrl.datasets._carrier import Carrier
from neuro_rtrl.datasets._store import Arrays, DataSet, Member

SIDE = 8


def read(contents: Sequence[bytes]) -> Arrays:
    """`images` (1797, 8, 8) uint8 from 0 to 16, and `labels` (1797,) uint8.

    >>> rows = b"0,16," + b"1," * 62 + b"7\\n"
    >>> read([gzip.compress(rows)])["labels"].tolist()
    [7]
    """
    rows = np.loadtxt(
        io.BytesIO(gzip.decompress(contents[0])), delimiter=",", dtype=np.uint8, ndmin=2
    )
    return {"images": rows[:, :-1].reshape(-1, SIDE, SIDE), "labels": rows[:, -1]}


DATASET = DataSet(
    name="digits",
    content="1797 handwritten digits, 8 x 8 pixels of 17 grey levels",
    carrier=Carrier(
        "pip",
        "scikit-learn",
        "1.9.1",
        "52a0703bbc07ad27f560fa63fa68e4c54dd735bfbbf65b4dd3c225dc7547b6df",
        9_315_422,
    ),
    members=(
        Member(
            "sklearn/datasets/data/digits.csv.gz",
            "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22",
        ),
    ),
    licence="CC BY 4.0 (UCI repository); package BSD-3-Clause",
    origin="E. Alpaydin & C. Kaynak 1998, Optical Recognition of Handwritten Digits, UCI",
    read=read,
    instead=("mnist", "fashion_mnist"),
)
