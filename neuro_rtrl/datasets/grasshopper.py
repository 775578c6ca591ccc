"""Auditory receptor of a grasshopper: sound amplitude and spikes, ten seconds each.

Intracellular recordings of Locusta migratoria by A. Rokem (Rokem, Watzl, Gollisch, Stemmler, Herz &
Samengo 2006, "Spike-timing precision underlies the coding efficiency of auditory receptor neurons",
J. Neurophysiol. 95:2541), as nitime ships them. The amplitude of the sound is modulated by noise of
200 Hz (first pair) and 800 Hz bandwidth (second).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuro_rtrl.datasets._carrier import Carrier
from neuro_rtrl.datasets._store import Arrays, DataSet, Member

MICROSECOND = 1e-6
_FOLDER = "usr/lib/python3/dist-packages/nitime/data"


def read(contents: Sequence[bytes]) -> Arrays:
    """`stimulus_200`, `stimulus_800` (200 000,), `spikes_200`, `spikes_800` in s, and `rate` in Hz.

    >>> arrays = read([b"0 0.5\\n50 0.25", b"0 1\\n50 2", b"# a remark\\n100\\n\\n300\\n", b"7\\n"])
    >>> arrays["stimulus_200"].tolist(), arrays["spikes_200"].tolist(), float(arrays["rate"])
    ([0.5, 0.25], [0.0001, 0.0003], 20000.0)
    """
    stimuli = [np.array(content.split(), float).reshape(-1, 2) for content in contents[:2]]
    spikes = [_times(content.decode("ascii")) for content in contents[2:]]
    step = (stimuli[0][1, 0] - stimuli[0][0, 0]) * MICROSECOND
    return {
        "stimulus_200": stimuli[0][:, 1],
        "stimulus_800": stimuli[1][:, 1],
        "spikes_200": spikes[0],
        "spikes_800": spikes[1],
        "rate": np.array(round(1 / step), dtype=np.float64),
    }


def _times(text: str) -> np.ndarray:
    lines = (line.strip() for line in text.splitlines())
    microseconds = [int(line) for line in lines if line and not line.startswith("#")]
    return np.array(microseconds) / 1e6


DATASET = DataSet(
    name="grasshopper",
    content="sound amplitude at 20 kHz and spikes of an auditory receptor, two of 10 s",
    carrier=Carrier(
        "deb",
        "python3-nitime",
        "0.9-5",
        "d9aca4a74a22351ec69c2c8b829c5684cd57517f5802de3bc214503da3185c0c",
        2_559_048,
    ),
    members=(
        Member(
            f"{_FOLDER}/grasshopper_stimulus1.txt",
            "4b47a4cbca8c5f694f87dd510db608a868dffbaba96845199c8afa545a4c37fa",
        ),
        Member(
            f"{_FOLDER}/grasshopper_stimulus2.txt",
            "69f257a8e7a5019897111b07f9cd317b136357d256e99682d40c09d5add18e6a",
        ),
        Member(
            f"{_FOLDER}/grasshopper_spike_times1.txt",
            "840014ad9a8f591d02ab108bcbd46715badb3459e0ef7eac95fdd661ff134e3d",
        ),
        Member(
            f"{_FOLDER}/grasshopper_spike_times2.txt",
            "389e5dccb709fbe0552589ff2e0b64e15d46665e4d2d4172071f2175c8641541",
        ),
    ),
    licence="BSD-3-Clause (package)",
    origin="A. Rokem et al. 2006, J. Neurophysiol. 95:2541, as shipped with nitime",
    read=read,
    instead=("heart",),
)
