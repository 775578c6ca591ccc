"""Verdicts: what counts as rounding, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from neuro_rtrl.validation_report import (
    AGREES,
    DIFFERS,
    ROUNDING,
    SAME_SPIKES,
    SILENT,
    CaseReport,
    Report,
    verdict,
)

GOOD: dict[str, Any] = {
    "method": "euler", "spikes": 500, "identical": True, "difference": 1e-12, "agreed": 1.0,
    "horizon": 1.0, "seconds": 1.0,
}  # fmt: skip
PARTED = {"identical": False, "difference": 3.0, "agreed": 0.1}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, AGREES),
        ({"method": "exact"}, AGREES),
        ({"spikes": 100}, SILENT),
        ({"spikes": 100, "method": "exact"}, SILENT),
        # Rounding is no excuse where there is no integration error to speak of.
        ({**PARTED, "method": "exact", "horizon": 0.1}, DIFFERS),
        ({"method": "exact", "agreed": 0.5, "difference": 1e-8}, DIFFERS),
        # Our own two runs parted at about that time, or much later.
        ({**PARTED, "horizon": 0.1}, ROUNDING),
        ({**PARTED, "horizon": 0.19}, ROUNDING),
        ({**PARTED, "horizon": 0.21}, DIFFERS),
        ({**PARTED, "horizon": 1.0}, DIFFERS),
        ({**PARTED, "agreed": 0.004, "horizon": 0.004}, DIFFERS),
        ({"agreed": 0.03, "difference": 8e-7}, DIFFERS),
        ({"method": "exponential_euler", "agreed": 0.03, "difference": 8e-7}, SAME_SPIKES),
        ({"method": "exponential_euler", "agreed": 0.03, "difference": 2e-5}, DIFFERS),
        ({"agreed": 0.03, "difference": float("inf"), "horizon": 1.0}, DIFFERS),
    ],
)
def test_verdicts(changes: dict[str, Any], expected: str) -> None:
    assert verdict(**{**GOOD, **changes}) == expected


def case(word: str, agreed: float = 1.0) -> CaseReport:
    return CaseReport("none", "off", (0, 0), 200, 9.0, True, 0.0, None, agreed, 1.0, 1.0, word)


def test_a_model_is_as_good_as_its_worst_case() -> None:
    report = Report("a", (case(AGREES), case(ROUNDING, 0.2), case(AGREES)))
    assert (report.verdict, report.agreed, report.passed) == (ROUNDING, 0.2, True)
    for word in (SILENT, DIFFERS):
        worse = Report("a", (*report.cases, case(word)))
        assert (worse.verdict, worse.passed) == (word, False)
