"""The report of a validation: one page that needs no other file, and the figures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from neuro_rtrl.errors import RunFileError
from neuro_rtrl.validation_page import write_page
from neuro_rtrl.validation_report import AGREES, DIFFERS, CaseReport, Report

GOOD = CaseReport(
    "to a value", "off", (0.0, 0.005), 200, 20.0, True, 1e-15, None, 1.0, 1.0, 1.0, AGREES
)
PARTED = replace(GOOD, identical=False, first_difference=(4321, 7), agreed=0.4, verdict=DIFFERS)


def report(folder: Path) -> Report:
    picture = folder / "validate_a.png"
    picture.write_bytes(b"not really a picture")
    return Report("a <b>", (GOOD, PARTED), ("reset by subtraction: too high",), picture)


def test_the_page_has_everything_in_it(tmp_path: Path) -> None:
    page, figures = write_page(tmp_path, [report(tmp_path)])
    text = page.read_text()
    assert "0 of 1 models agree" in text
    assert "until step 4321" in text
    assert "0.4 of 1" in text
    assert "DIFFERS" in text
    assert "<li>a &lt;b&gt;, reset by subtraction: too high</li>" in text
    assert text.count("<tr class") == 1
    assert "a &lt;b&gt;" in text
    assert "<b>" not in text
    assert "data:image/png;base64,bm90IHJlYWxseSBhIHBpY3R1cmU=" in text
    (row,) = json.loads(figures.read_text())
    assert (row["agreed"], row["verdict"]) == (0.4, "DIFFERS")
    assert row["left_out"] == ["reset by subtraction: too high"]
    assert [case["passed"] for case in row["cases"]] == [True, False]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFileError, match=r"the report cannot be written"):
        write_page(tmp_path / "file" / "folder", [report(tmp_path)])
