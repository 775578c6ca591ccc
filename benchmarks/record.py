"""One measurement as it is written to JSON, and a plain table of many."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Record:
    """What one program did on one network.

    Attributes:
        job: the question ("learn", "silent", ...).
        who: program and method.
        version: of the program; "" if it is absent.
        n: spiking units.
        density: of the recurrent connections.
        steps: steps of one run.
        ms_per_step_median, ms_per_step_min: over the runs; None if it did not run.
        peak_mb: largest resident memory above that before the job.
        gradient_error: |g - reference| / |reference| over all parameters; None: not compared.
        details: whatever else helps to read the figures, by name.
    """

    job: str
    who: str
    version: str
    n: int
    density: float
    steps: int
    ms_per_step_median: float | None = None
    ms_per_step_min: float | None = None
    peak_mb: float | None = None
    gradient_error: float | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def timed(self, seconds: list[float], steps: int | None = None) -> Record:
        """Itself, with the times of all runs filled in."""
        ms = [1e3 * s / (steps or self.steps) for s in seconds]
        self.ms_per_step_median = statistics.median(ms)
        self.ms_per_step_min = min(ms)
        self.details["runs"] = len(ms)
        return self


def write(records: list[Record], path: Path) -> None:
    """All records as a JSON list."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(r) for r in records], indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> list[Record]:
    """Records that `write` wrote."""
    return [Record(**row) for row in json.loads(path.read_text(encoding="utf-8"))]


def line(record: Record) -> str:
    """A record as one line of a table."""
    if record.ms_per_step_median is None:
        note = record.details.get("absent", "not measured")
        return f"{record.who:34s} n={record.n:5d} {record.density:6.1%}  {note}"
    error = "" if record.gradient_error is None else f"  error {record.gradient_error:.1e}"
    note = f"; {record.details['note']}" if "note" in record.details else ""
    peak = "" if record.peak_mb is None else f"  {record.peak_mb:8.1f} MB"
    return (
        f"{record.who:34s} n={record.n:5d} {record.density:6.1%}"
        f"  {record.ms_per_step_median:10.5f} ms (min {record.ms_per_step_min:.5f})"
        f"  T={record.steps}{peak}{error}{note}"
    )
