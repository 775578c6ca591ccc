"""Pulse waves of a finger: three recordings, of half a minute, two minutes and eleven minutes.

The examples of HeartPy (van Gent, Farah, van Nes & van Arem 2019, "HeartPy: a novel heart rate
algorithm for the analysis of noisy signals", Transportation Research F 66:368). Rates are those of
the package's documentation: 100 Hz for the first; the others carry times.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from neuro_rtrl.datasets._carrier import Carrier
from neuro_rtrl.datasets._store import Arrays, DataSet, Member

FIRST_RATE = 100.0


def read(contents: Sequence[bytes]) -> Arrays:
    """`short`, `medium`, `long`: (n,) float64, raw units; `short_time` and so on: (n,) seconds.

    >>> arrays = read([b"5\\n7\\n", b"timer,hr\\n0.0,1\\n8.5,2\\n",
    ...                b"datetime,hr\\n2016-11-24 13:00:00.500000,3\\n2016-11-24 13:00:01,4\\n"])
    >>> arrays["short_time"].tolist(), arrays["medium_time"].tolist(), arrays["long_time"].tolist()
    ([0.0, 0.01], [0.0, 0.0085], [0.0, 0.5])
    """
    short = np.array(contents[0].split(), dtype=np.float64)
    milliseconds, medium = _columns(contents[1])
    moments, long = _columns(contents[2])
    times = [datetime.fromisoformat(moment) for moment in moments]
    return {
        "short": short,
        "short_time": np.arange(len(short)) / FIRST_RATE,
        "medium": np.array(medium, dtype=np.float64),
        "medium_time": np.array(milliseconds, dtype=np.float64) / 1000,
        "long": np.array(long, dtype=np.float64),
        "long_time": np.array([(time - times[0]).total_seconds() for time in times]),
    }


def _columns(content: bytes) -> tuple[list[str], list[str]]:
    """The two columns of a table with a heading."""
    rows = [line.split(",") for line in content.decode("ascii").split("\n")[1:] if line.strip()]
    return [row[0] for row in rows], [row[1] for row in rows]


DATASET = DataSet(
    name="heart",
    content="pulse waves of a finger: 25 s, 128 s and 682 s at about 100 Hz",
    carrier=Carrier(
        "pip",
        "heartpy",
        "1.2.7",
        "c9df4fbd427bc10b9eaa951a34958a451a586e3c7ec0d1c46488b491abcb8ab7",
        1_002_722,
    ),
    members=(
        Member(
            "heartpy/data/data.csv",
            "b06b8049008b3d9391cd2b9a3b90510b3734426b8833a6de7b7b323b4bda7179",
        ),
        Member(
            "heartpy/data/data2.csv",
            "7d85f0d33b04395409e81d614b9bd82541208cc3edfbc5a49b5129ae3cb573b9",
        ),
        Member(
            "heartpy/data/data3.csv",
            "16eedaa7c97c6ca873e7e424d27a84dcd043d4eca0e4f7611d2a37969192b7ea",
        ),
    ),
    licence="MIT (package)",
    origin="P. van Gent, H. Farah, N. van Nes & B. van Arem 2019, HeartPy",
    read=read,
    instead=("breathing",),
)
