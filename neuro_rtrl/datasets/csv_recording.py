"""A recording of one's own in a table of text: columns of numbers, with or without a heading.

Cells are parted by commas, semicolons, tabs or blanks; lines that begin with '#' are remarks. A
first line with a cell that is no number is the heading. Whatever cannot be read is refused with
file, line and column.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from neuro_rtrl.datasets._store import UserFiles
from neuro_rtrl.equations.text_file import read_whole
from neuro_rtrl.errors import DataError, DescriptionError, unknown

UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0}
"""Unit of times -> seconds; besides there is "iso", for dates as text (ISO 8601)."""

LARGEST = 2**30
"""Bytes of a table."""
_TIME_NAME = re.compile(r"(?:time|t|timestamp|timer|datetime)(?:[\s_]*[(\[]?(\w+)[)\]]?)?", re.I)
_DELIMITERS = (";", "\t", ",")


@dataclass(frozen=True)
class CsvRecording:
    """A recording as its file says.

    Attributes:
        time: (samples,) seconds from the first sample; None if the file has no times.
        values: (samples, channels) float64.
        columns: names of the channels: from the heading, or "1", "2", ... by their place.
    """

    time: np.ndarray | None
    values: np.ndarray
    columns: tuple[str, ...]


@dataclass(frozen=True)
class _Table:
    """Cells as text; `lines` are the numbers of the lines in the file."""

    path: Path
    names: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]

    def column(self, wanted: str | int) -> int:
        """The place of a column that is named, or numbered from 1."""
        if isinstance(wanted, str) and wanted in self.names:
            return self.names.index(wanted)
        if isinstance(wanted, int) and not isinstance(wanted, bool):
            if 1 <= wanted <= len(self.names):
                return wanted - 1
            numbers = f"a number from 1 to {len(self.names)}"
            raise DescriptionError(
                "no such column", where=str(self.path), given=wanted, expected=numbers
            )
        raise unknown("column", wanted, self.names, where=str(self.path))

    def place(self, row: int, column: int) -> str:
        """Where a cell stands, in words."""
        return f"{self.path}: line {self.lines[row]}, column {column + 1} ({self.names[column]})"


def read(
    path: str | Path,
    *,
    columns: Sequence[str | int] | None = None,
    time: str | int | None = None,
    time_unit: str | None = None,
) -> CsvRecording:
    """Reads a table of text.

    Args:
        path: the file, in UTF-8.
        columns: channels by name or by number (from 1); None: all but the times.
        time: the column of times, by name or number; None: one that is named "time", "t",
            "timestamp", "timer" or "datetime", if there is one.
        time_unit: "s", "ms", "us", "min", or "iso" for dates; None: what the column's name says
            ("time_ms", "t [s]"), or seconds.

    Raises:
        DataError: the file cannot be read, or a cell is no number.
        DescriptionError: there is no such column or unit.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "belt.csv")
    ...     _ = file.write_text("time_ms,chest\\n0,1.5\\n100,1.25\\n")
    ...     recording = read(file)
    >>> recording.time.tolist(), recording.values.tolist(), recording.columns
    ([0.0, 0.1], [[1.5], [1.25]], ('chest',))
    """
    table = _read_table(Path(path))
    clock = _clock(table) if time is None else table.column(time)
    if columns is None:
        places = [at for at in range(len(table.names)) if at != clock]
    else:
        places = [table.column(wanted) for wanted in columns]
    if not places:
        raise DataError(
            "the recording has no channel", where=str(path), given="no column beside the times",
            expected="at least one column of values",
        )  # fmt: skip
    values = np.array(
        [[_number(table, row, at) for at in places] for row in range(len(table.rows))]
    )
    times = None if clock is None else _times(table, clock, time_unit)
    return CsvRecording(times, values, tuple(table.names[at] for at in places))


def _read_table(path: Path) -> _Table:
    try:
        text = read_whole(path, LARGEST, "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            "the recording cannot be read",
            where=str(path),
            given=error,
            expected="a table of text in UTF-8",
        ) from error
    numbered = [
        (number, line)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not numbered:
        raise DataError("the file is empty", where=str(path), given="no line", expected="numbers")
    delimiter = next((sign for sign in _DELIMITERS if sign in numbered[0][1]), None)
    cells = [[cell.strip().strip('"') for cell in line.split(delimiter)] for _, line in numbered]
    headed = not all(_is_value(cell) for cell in cells[0])
    first = cells[0] if headed else [str(at + 1) for at in range(len(cells[0]))]
    rows, lines = cells[headed:], [number for number, _ in numbered][headed:]
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(first):
            raise DataError(
                "a line has another number of cells",
                where=f"{path}: line {line}",
                given=f"{len(row)} cells",
                expected=f"{len(first)}, as in line {numbered[0][0]}",
            )
    if not rows:
        raise DataError(
            "there is a heading only", where=str(path), given="one line", expected="numbers below"
        )
    return _Table(path, tuple(first), rows, lines)


def _is_value(cell: str) -> bool:
    """Whether a cell holds a number or a date: then its line is no heading."""
    for reader in (float, datetime.fromisoformat):
        try:
            reader(cell)
        except ValueError:
            continue
        return True
    return not cell


def _clock(table: _Table) -> int | None:
    """The first column whose name is that of a time."""
    for at, name in enumerate(table.names):
        found = _TIME_NAME.fullmatch(name.strip())
        if found and (found.group(1) is None or found.group(1) in UNITS):
            return at
    return None


def _number(table: _Table, row: int, column: int) -> float:
    cell = table.rows[row][column]
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        comma = "Write decimals with a point." if re.fullmatch(r"-?\d+,\d+", cell) else ""
        raise DataError(
            "the cell is not a number",
            where=table.place(row, column),
            given=repr(cell),
            expected="a finite number",
            remedy=comma or "Correct it, remove the line, or choose other columns.",
        )
    return value


def _times(table: _Table, clock: int, unit: str | None) -> np.ndarray:
    """Seconds from the first sample; they have to grow."""
    if unit is None:
        named = _TIME_NAME.fullmatch(table.names[clock].strip())
        unit = named.group(1) if named and named.group(1) in UNITS else None
    dated = unit == "iso" or (unit is None and not _is_float(table.rows[0][clock]))
    if unit not in (None, "iso", *UNITS):
        raise unknown("unit of time", unit, [*UNITS, "iso"], where=str(table.path))
    if dated:
        moments = [_moment(table, row, clock) for row in range(len(table.rows))]
        zoned = [moment.utcoffset() is not None for moment in moments]
        if zoned != [zoned[0]] * len(zoned):
            row = zoned.index(not zoned[0])
            raise DataError(
                "some dates have a time zone, and some do not",
                where=table.place(row, clock),
                given=repr(table.rows[row][clock]),
                expected=f"a date like that of the first line, {table.rows[0][clock]!r}",
            )
        times = np.array([(moment - moments[0]).total_seconds() for moment in moments])
    else:
        read_off = np.array([_number(table, row, clock) for row in range(len(table.rows))])
        times = (read_off - read_off[0]) * UNITS[unit or "s"]
    back = np.flatnonzero(np.diff(times) <= 0)
    if len(back):
        row = int(back[0]) + 1
        raise DataError(
            "time does not go on",
            where=table.place(row, clock),
            given=table.rows[row][clock],
            expected=f"a time after that of the line before ({table.rows[row - 1][clock]})",
        )
    return times


def _is_float(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _moment(table: _Table, row: int, column: int) -> datetime:
    try:
        return datetime.fromisoformat(table.rows[row][column])
    except ValueError as error:
        raise DataError(
            "the cell is not a date",
            where=table.place(row, column),
            given=repr(table.rows[row][column]),
            expected="a date as in ISO 8601, such as 2016-11-24 13:58:58.081",
        ) from error


DATASET = UserFiles(
    name="csv_recording",
    content="a recording of your own: a table of text with columns of numbers",
    read=read,
)
