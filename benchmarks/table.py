"""Tables in Markdown from JSON files: `python -m benchmarks.table FILE...`."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.record import Record, read


def number(value: float | None) -> str:
    """Three digits."""
    if value is None:
        return "-"
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def rows(header: list[str], body: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def matrix(records: list[Record], key: str) -> str:
    """A line for each program, a column for each network."""
    cases = list(dict.fromkeys(r.details["case"] for r in records))
    found = {(r.who, r.details["case"]): r for r in records}
    body = []
    for who in dict.fromkeys(r.who for r in records):
        cells = [found.get((who, case)) for case in cases]
        body.append([who, *(number(None if r is None else getattr(r, key)) for r in cells)])
    return rows(["", *cases], body)


def plain(records: list[Record]) -> str:
    """A line for each record, with its plain details."""
    body = []
    for r in records:
        shown = [
            f"{name} {number(value)}"
            for name, value in r.details.items()
            if isinstance(value, (int, float)) and name != "runs"
        ]
        times = [number(r.ms_per_step_median), number(r.ms_per_step_min)]
        body.append([r.who, str(r.n), f"{r.density:.0%}", *times, "; ".join(shown)])
    return rows(["", "n", "density", "ms median", "ms min", "details"], body)


def main() -> int:
    """Print the tables of all files."""
    for path in map(Path, sys.argv[1:]):
        records = read(path)
        print(f"\n{path.name}\n")
        if {r.job for r in records} == {"learn"}:
            for key in ("ms_per_step_median", "peak_mb", "gradient_error"):
                print(f"{key}\n\n{matrix(records, key)}\n")
        else:
            print(plain(records))
    return 0


if __name__ == "__main__":
    sys.exit(main())
