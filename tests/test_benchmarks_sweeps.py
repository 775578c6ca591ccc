"""Sweeps on networks of a few units, and where their lines cross; no time is asserted."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import figures, sweeps
from benchmarks.network import Case
from benchmarks.record import Record


def records(who: str, values: list[float | None]) -> list[Record]:
    found = []
    for at, value in zip((1.0, 10.0, 100.0), values, strict=True):
        one = Record("sweeps", who, "", 1, 1.0, 1, ms_per_step_median=value, peak_mb=1.0)
        one.details |= {"sweep": "n", "at": at}
        found.append(one)
    return found


def test_lines_cross_on_logarithmic_axes() -> None:
    mine = records(sweeps.RTRL, [1.0, 10.0, 100.0])
    level = records(sweeps.BPTT, [3.0, 3.0, 3.0])
    never, missing = records(sweeps.NEST, [2.0, 20.0, 200.0]), records(sweeps.DENSE, [None] * 3)
    gap = records(sweeps.LIVE, [10.0, None, 10.0])
    found = sweeps.crossings([*mine, *level, *never, *missing, *gap])
    assert found[sweeps.BPTT] == [pytest.approx(3.0)]
    assert found[sweeps.LIVE] == [pytest.approx(10.0)]
    assert found[sweeps.NEST] == found[sweeps.DENSE] == []


def test_a_sweep_is_measured_and_drawn(tmp_path: Path) -> None:
    cases = {"n": (Case(8, 0.5, 0.5, rate=0.05), Case(12, 0.5, 0.5, rate=0.05))}
    found = sweeps.measure(("n",), cases=cases, folder=tmp_path, steps=40, runs=1)
    assert [r.details["at"] for r in found if r.who == sweeps.RTRL] == [8.0, 12.0]
    timed = {r.who for r in found if r.ms_per_step_median}
    assert timed == {sweeps.RTRL, sweeps.FROM_END, sweeps.EPROP, sweeps.LIVE, sweeps.DENSE}
    assert {r.details["absent"] for r in found if r.who not in timed} == {
        "not installed (use --peers)"
    }
    assert set(found[-1].details["crossings"]) >= {sweeps.BPTT, sweeps.NEST}
    assert figures.sweeps(found, tmp_path / "sweeps.png").stat().st_size > 10_000
