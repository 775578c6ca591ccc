"""Recordings of one's own: what is understood, and where exactly a refusal points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neuro_rtrl.datasets.csv_recording import CsvRecording, read
from neuro_rtrl.errors import DataError, DescriptionError


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return tmp_path / "belt.csv"


def reading(file: Path, text: str, **options: object) -> CsvRecording:
    file.write_text(text, encoding="utf-8")
    return read(file, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("sign", [",", ";", "\t", " "])
@pytest.mark.parametrize("heading", ["time{0}chest{0}belly\n", ""])
def test_delimiters_and_headings(written: Path, sign: str, heading: str) -> None:
    text = heading.format(sign) + f"0{sign}1{sign}-2\n# a remark\n\n0.5{sign}3e1{sign}4\n"
    recording = reading(written, text)
    if heading:
        assert recording.columns == ("chest", "belly")
        assert recording.time is not None
        assert recording.time.tolist() == [0, 0.5]
        assert recording.values.tolist() == [[1, -2], [30, 4]]
    else:
        assert recording.columns == ("1", "2", "3")
        assert recording.time is None
        assert recording.values.shape == (2, 3)


@pytest.mark.parametrize(
    ("name", "factor"),
    [("time", 1), ("t_ms", 1e-3), ("Time (ms)", 1e-3), ("timestamp [us]", 1e-6), ("t min", 60)],
)
def test_the_unit_in_the_name_of_the_times(written: Path, name: str, factor: float) -> None:
    time = reading(written, f"{name},x\n10,1\n12,2\n").time
    np.testing.assert_allclose(time, [0, 2 * factor])


def test_a_unit_in_words_wins(written: Path) -> None:
    time = reading(written, "t_ms,x\n10,1\n12,2\n", time_unit="s").time
    np.testing.assert_allclose(time, [0, 2])


def test_dates(written: Path) -> None:
    text = "datetime,x\n2016-11-24 13:58:58.5,1\n2016-11-24 13:59:00,2\n"
    for options in ({}, {"time_unit": "iso"}):
        np.testing.assert_allclose(reading(written, text, **options).time, [0, 1.5])


def test_columns_by_name_and_number(written: Path) -> None:
    text = "a,b,c\n0,1,2\n3,4,5\n"
    recording = reading(written, text, columns=["c", 2], time=1)
    assert recording.columns == ("c", "b")
    assert recording.values.tolist() == [[2, 1], [5, 4]]
    assert recording.time is not None
    assert recording.time.tolist() == [0, 3]


def test_a_file_of_a_spreadsheet(written: Path) -> None:
    recording = reading(written, '\ufeff"chest"\r\n"1.5"\r\n"2"\r\n')
    assert (recording.columns, recording.values.tolist()) == (("chest",), [[1.5], [2]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "t,x\n0,1\n1,oops\n",
            r"belt\.csv: line 3, column 2 \(x\): the cell is not a number;.*oops",
        ),
        ("t,x\n0,1\n# no\n1,\n", r"line 4, column 2 \(x\): the cell is not a number; given: ''"),
        ("t,x\n0,1\n1,nan\n", "line 3, column 2"),
        ("t;x\n0;1\n1;2,5\n", r"given: '2,5'.*Write decimals with a point"),
        ("t,x\n0,1\n1\n", r"belt\.csv: line 3: .*given: 1 cells; expected: 2, as in line 1"),
        ("t,x\n0,1\n2,1\n2,3\n", r"line 4, column 1 \(t\): time does not go on; given: 2"),
        ("t,x\n0,1\nnoon,2\n", r"line 3, column 1 \(t\): the cell is not a number"),
        ("# only\n\n", "the file is empty"),
        ("a,b\n", "a heading only"),
        ("t\n0\n1\n", "no channel"),
        (
            "t,x\n2016-11-24T01Z,1\n2016-11-24,2\n",
            r"line 3, column 1 \(t\): some dates have a .*zone",
        ),
        ("datetime,x\n2016-11-24,1\nnoon,2\n", r"line 3, column 1 \(datetime\): .*not a date"),
    ],
)
def test_refusals_point_at_the_place(written: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        reading(written, text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": ["chst"]}, "Did you mean 'chest'"),
        ({"columns": [3]}, "no such column; given: 3; expected: a number from 1 to 2"),
        ({"columns": [True]}, "unknown column"),
        ({"time": 0}, "no such column; given: 0"),
        ({"time_unit": "msec"}, "unknown unit of time.*Did you mean"),
    ],
)
def test_wrong_options(written: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(DescriptionError, match=message):
        reading(written, "t,chest\n0,1\n1,2\n", **options)


def test_a_missing_file(written: Path) -> None:
    with pytest.raises(DataError, match=r"belt\.csv: the recording cannot be read"):
        read(written)


def test_a_file_that_is_no_text(written: Path) -> None:
    written.write_bytes(b"\x89HDF\r\n\xff\xfe")
    with pytest.raises(DataError, match="expected: a table of text in UTF-8"):
        read(written)
