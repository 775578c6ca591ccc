"""The report of a validation: one HTML page with its pictures inside, and the figures as JSON."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from neuro_rtrl.errors import writing

if TYPE_CHECKING:
    from neuro_rtrl.validation_report import CaseReport, Report

_HEAD = (
    "model", "reset", "refractory", "delays (ms)", "spikes", "rate (Hz)", "spikes identical",
    "largest difference", "agreed for (s)", "two runs of ours (s)", "verdict",
)  # fmt: skip
_STYLE = (
    "body{font-family:sans-serif;max-width:70em;margin:2em auto}"
    "table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.3em .6em;text-align:left}"
    ".bad{background:#f6d5d0}img{max-width:100%}"
)
_WORDS = (
    "The same network, weights, delays, input and noise, run by neuro_rtrl and by Brian2. Models "
    "that are integrated exactly must agree to the end: every spike, and every state within 1e-9 "
    "of its largest value. In the others rounding may grow until the two sides part. When it can "
    "is measured: &ldquo;two runs of ours&rdquo; says for how long our own network agrees with "
    "itself when its initial states are changed by a rounding or two. Agreement with Brian2 must "
    "last at least half as long. With exponential Euler, where Brian2 loses digits near 0/0 in "
    "the gates of Hodgkin and Huxley, all spikes must be the same, and all states within 1e-5."
)


def write_page(folder: Path, reports: Sequence[Report]) -> tuple[Path, Path]:
    """Write `validation.html`, which needs no other file, and `validation.json`.

    Args:
        folder: where to; it is made.
        reports: one for each model.

    Raises:
        RunFileError: the files cannot be written.
    """
    rows = "".join(_row(report.model, case) for report in reports for case in report.cases)
    head = "".join(f"<th>{word}</th>" for word in _HEAD)
    left_out = "".join(
        f"<li>{html.escape(f'{report.model}, {words}')}</li>"
        for report in reports
        for words in report.left_out
    )
    left_out = f"<p>Not compared:</p><ul>{left_out}</ul>" if left_out else ""
    pictures = "".join(_picture(report) for report in reports)
    passed = sum(report.passed for report in reports)
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Validation</title>'
        f"<style>{_STYLE}</style></head><body><h1>{passed} of {len(reports)} models agree with "
        f"Brian2</h1><p>{_WORDS}</p><table><tr>{head}</tr>{rows}</table>{left_out}{pictures}</body></html>"
    )
    places = folder / "validation.html", folder / "validation.json"
    figures = [
        r.as_dict() | {"cases": [case.as_dict() for case in r.cases], "left_out": r.left_out}
        for r in reports
    ]
    with writing("the report cannot be written", folder):
        folder.mkdir(parents=True, exist_ok=True)
        places[0].write_text(page, encoding="utf-8")
        places[1].write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return places


def _row(model: str, case: CaseReport) -> str:
    cells = (
        model, case.reset, case.refractory,
        f"{1e3 * case.delays[0]:g} to {1e3 * case.delays[1]:g}", case.spikes, f"{case.rate:.1f}",
        "yes" if case.identical else f"until step {(case.first_difference or (0, 0))[0]}",
        f"{case.max_state_difference:.1e}", f"{case.agreed:.4g} of {case.seconds:g}",
        f"{case.horizon:.4g}", case.verdict,
    )  # fmt: skip
    mark = "" if case.passed else ' class="bad"'
    return f"<tr{mark}>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells) + "</tr>"


def _picture(report: Report) -> str:
    if report.picture is None:
        return ""
    data = base64.b64encode(report.picture.read_bytes()).decode()
    name = html.escape(report.model)
    return f'<h2>{name}</h2><img alt="{name}" src="data:image/png;base64,{data}">'
