"""Spiking Heidelberg Digits and Speech Commands: a reader of their HDF5 files.

Cramer, Stradmann, Schemmel & Zenke 2020 ("The Heidelberg spiking data sets for the systematic
evaluation of spiking neural networks", IEEE TNNLS 33:2744). The files are not in any package index:
a user who has `shd_train.h5` names its path. Layout: `/spikes/times` (seconds) and `/spikes/units`
(0 to 699), one array of varying length for each utterance; `/labels`; `/extra/speaker` and
`/extra/keys` (SSC has no speakers). The reader is tested on made files of that layout, not on the
recordings themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuro_rtrl.datasets._store import UserFiles
from neuro_rtrl.equations.text_file import why_unreadable
from neuro_rtrl.errors import DataError, DescriptionError, enough_memory

CHANNELS = 700
_NEEDED = ("spikes/times", "spikes/units", "labels")
_UNREADABLE = (
    OSError, RuntimeError, KeyError, TypeError, ValueError, AttributeError, MemoryError,
    OverflowError,
)  # fmt: skip
"""What h5py raises for a damaged file or one of another layout."""
_MOST_PACKED = 4096
"""Data are not larger than that many times their file."""


@dataclass(frozen=True)
class SpikingWords:
    """Utterances as spikes.

    Attributes:
        times: for each utterance (spikes,) seconds.
        units: for each utterance (spikes,) channels, 0 to 699.
        labels: (utterances,) classes.
        speakers: (utterances,) or None.
        keys: names of the classes; empty if the file has none.
    """

    times: tuple[np.ndarray, ...]
    units: tuple[np.ndarray, ...]
    labels: np.ndarray
    speakers: np.ndarray | None
    keys: tuple[str, ...]

    def binned(self, step: float, steps: int, channels: int = CHANNELS) -> np.ndarray:
        """Spike counts (utterances, steps, channels) float64; later spikes are left out.

        Args:
            step: seconds, above 0.
            steps: how many.
            channels: 700, or a divisor of it: neighbours are then counted together.

        Raises:
            DescriptionError: a number lies outside its range.
            BuildError: more steps than memory holds.

        >>> words = SpikingWords((np.array([0.001, 0.012]),), (np.array([5, 699]),),
        ...                      np.array([0]), None, ())
        >>> np.argwhere(words.binned(0.01, 2, 70)).tolist()
        [[0, 0, 0], [0, 1, 69]]
        """
        for name, given, good in (
            ("step", step, isinstance(step, int | float) and 0 < step < np.inf),
            ("steps", steps, _is_count(steps)),
            ("channels", channels, _is_count(channels) and CHANNELS % channels == 0),
        ):
            if not good:
                expected = f"a divisor of {CHANNELS}" if name == "channels" else "more than 0"
                raise DescriptionError(
                    "the value is out of range", where=f"shd: {name}", given=given,
                    expected=expected,
                )  # fmt: skip
        with enough_memory("shd: steps"):
            counts = np.zeros((len(self.times), steps, channels))
        for count, times, units in zip(counts, self.times, self.units, strict=True):
            with np.errstate(over="ignore"):
                at = np.floor(times / step)
            inside = at < steps
            place = at[inside].astype(np.int64), units[inside] * channels // CHANNELS
            np.add.at(count, place, 1.0)
        return counts


def read(path: str | Path) -> SpikingWords:
    """Reads a file of the layout of SHD and SSC.

    Args:
        path: `shd_train.h5`, `ssc_valid.h5` and so on, unpacked.

    Raises:
        DataError: it cannot be read, or is not of this layout.
    """
    import h5py

    # HDF5 would wait at a pipe for ever.
    reason = why_unreadable(Path(path), 2**40)
    if reason:
        raise _refuse(str(path), reason, "an HDF5 file such as shd_train.h5, unpacked")
    try:
        with h5py.File(path, "r") as file:
            return _read(file, Path(path))
    except _UNREADABLE as error:
        raise DataError(
            "the file cannot be read",
            where=str(path),
            given=error,
            expected="an HDF5 file such as shd_train.h5, unpacked",
        ) from error


def _read(file: Any, path: Path) -> SpikingWords:
    where = str(path)
    missing = [name for name in _NEEDED if name not in file]
    if missing:
        raise _refuse(where, f"no /{missing[0]}", "/spikes/times, /spikes/units and /labels")
    claimed = sum(file[name].size * file[name].dtype.itemsize for name in _NEEDED)
    if claimed > _MOST_PACKED * path.stat().st_size:
        raise _refuse(where, f"{claimed} bytes claimed", "no more than such a file can hold")
    # Times are stored with 16 bits, in which steps of 1 ms cannot be counted exactly.
    times = tuple(np.asarray(row, dtype=np.float64) for row in file["spikes/times"])
    units = tuple(np.asarray(row, dtype=np.int64) for row in file["spikes/units"])
    labels = np.asarray(file["labels"], dtype=np.int64)
    if not len(times) == len(units) == len(labels):
        given = f"{len(times)} times, {len(units)} units, {len(labels)} labels"
        raise _refuse(where, given, "as many of each as there are utterances")
    if labels.ndim != 1 or not all(row.ndim == 1 for row in (*times, *units)):
        raise _refuse(where, "a table where a list belongs", "a list for each utterance")
    for number, (when, unit) in enumerate(zip(times, units, strict=True)):
        if len(when) != len(unit):
            given = f"utterance {number}: {len(when)} times, {len(unit)} units"
            raise _refuse(where, given, "a unit for each time")
        if len(unit) and (
            unit.min() < 0 or unit.max() >= CHANNELS or not 0 <= when.min() <= when.max() < np.inf
        ):
            expected = f"units from 0 to {CHANNELS - 1}, finite times from 0 s"
            raise _refuse(where, f"utterance {number} has others", expected)
    speakers = np.asarray(file["extra/speaker"]) if "extra/speaker" in file else None
    keys = [_text(key) for key in file["extra/keys"]] if "extra/keys" in file else []
    return SpikingWords(times, units, labels, speakers, tuple(keys))


def _is_count(value: Any) -> bool:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and bool(value >= 1)


def _text(key: Any) -> str:
    return key.decode("utf-8") if isinstance(key, bytes) else str(key)


def _refuse(where: str, given: str, expected: str) -> DataError:
    return DataError(
        "the file cannot be read: it is not in the layout of SHD",
        where=where,
        given=given,
        expected=expected,
    )


DATASET = UserFiles(
    name="shd",
    content="a file of the Spiking Heidelberg Digits or Speech Commands that you have",
    read=read,
)
