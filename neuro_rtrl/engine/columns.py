"""What a run file holds, as far as it can be read: columns of tables, single arrays, counts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
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


def sized(data: Any) -> Any:
    """The dataset itself, unless it claims to be larger than its file can hold."""
    require_size(Path(data.file.filename), data)
    return data


def plain(value: Any) -> Any:
    """A NumPy scalar as Python's own number."""
    return value.item() if isinstance(value, np.generic) else value


def counts(group: Any) -> dict[str, Any]:
    """Attributes, datasets and groups of a ledger, as numbers, arrays and dictionaries."""
    numbers = {name: plain(value) for name, value in group.attrs.items()}
    parts = {
        name: counts(part) if isinstance(part, h5py.Group) else sized(part)[()]
        for name, part in group.items()
    }
    return numbers | parts
