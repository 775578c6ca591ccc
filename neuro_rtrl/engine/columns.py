"""Columns of the tables of a run file, as far as they can be read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neuro_rtrl.engine.opening import require_size


def read_columns(
    files: Sequence[Any], group: str, names: Sequence[str], complete: bool
) -> list[np.ndarray]:
    """Columns of one table of all files of a run, in their order.

    Args:
        files: open `h5py.File`s.
        group: the table ("loss").
        names: of the columns.
        complete: whether the run ended well; otherwise a killed process can have left the columns
            of different lengths, or a chunk half written, and what lies before is returned.
    """
    parts = [_part(file, group, names, complete) for file in files]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def growing(group: Any) -> list[Any]:
    """The columns of a table: what may grow."""
    return [data for data in group.values() if data.maxshape[0] is None]


def _part(file: Any, group: str, names: Sequence[str], complete: bool) -> list[np.ndarray]:
    columns = [file[f"{group}/{name}"] for name in names]
    require_size(Path(file.filename), *columns)
    length = min(len(column) for column in columns)
    parts = [_sound_rows(column, length, complete) for column in columns]
    length = min(len(part) for part in parts)
    return [part[:length] for part in parts]


def _sound_rows(column: Any, length: int, complete: bool) -> np.ndarray:
    """The rows before the first chunk that a killed process has left half written."""
    try:
        return np.asarray(column[:length])
    except OSError:
        if complete:
            raise
    rows_of_chunk, sound = column.chunks[0], [column[:0]]
    for at in range(0, length, rows_of_chunk):
        try:
            sound.append(column[at : min(length, at + rows_of_chunk)])
        except OSError:
            break
    return np.concatenate(sound)
