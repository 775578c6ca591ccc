"""The benchmarks run, on networks of a few units; no time is asserted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import (
    batches,
    figures,
    learn,
    model,
    online,
    populations,
    record,
    silent,
    step_overhead,
    windows,
)
from benchmarks.dense import DenseRtrl
from benchmarks.network import Case, make, relative_error
from benchmarks.ours import gradient

SMALL = Case(12, 0.5, 0.5, rate=0.05)
KEYS = {
    "job", "who", "version", "n", "density", "steps", "ms_per_step_median", "ms_per_step_min",
    "peak_mb", "gradient_error",
}  # fmt: skip


def test_gain_search_finds_the_rate() -> None:
    problem = make(SMALL, 500)
    assert 0.03 < problem.rate <= 0.05


@pytest.mark.parametrize("live_rows", [False, True])
@pytest.mark.parametrize("rule", ["rtrl", "bptt"])
def test_dense_rtrl_agrees(live_rows: bool, rule: str) -> None:
    problem = make(SMALL, 60)
    program = DenseRtrl(problem, live_rows)
    program.advance(60)
    wanted = gradient(problem, rule)
    assert np.abs(wanted[1]).max() > 0
    assert relative_error(program.gradient(), wanted) < 1e-4


def test_learn(tmp_path: Path) -> None:
    plans = (
        learn.Plan(SMALL, warm=5, window=2, full=2, live=2),
        learn.Plan(Case(10, 1.0, 1.0), whole=False, warm=5, window=2, full=0, live=0),
    )
    found = learn.measure(plans, folder=tmp_path, rules=("eprop",), steps=60, runs=2)
    record.write(found, tmp_path / "learn.json")
    assert record.read(tmp_path / "learn.json") == found
    assert all(set(vars(r)) >= KEYS for r in found)
    by_name = {r.who: r for r in found if r.n == SMALL.n}
    for who in ("neuro_rtrl rtrl", "dense RTRL on BLAS, all rows"):
        assert (by_name[who].gradient_error or 1.0) < 1e-4
    absent = by_name["BPTT in PyTorch"]
    assert absent.ms_per_step_median is None
    assert "not installed" in absent.details["absent"]
    assert figures.learn(found, tmp_path / "learn.png").exists()


def test_silent(tmp_path: Path) -> None:
    found = silent.measure(case=SMALL, steps=60, runs=2, rates=(0.01, 0.03), widths=(0.1, 0.3))
    none, most = (r for r in found if r.who == "silent units" and r.details["silent"] in (0, 48))
    assert none.details["spikes_per_step"] == most.details["spikes_per_step"] > 0
    assert figures.silent(found, tmp_path / "silent.png").exists()


def test_step(tmp_path: Path) -> None:
    cases = tuple(Case(n, density, 1.0) for n, density in ((2, 1.0), (4, 1.0), (300, 0.01)))
    found = step_overhead.measure(cases=cases, steps=20, runs=2, starts=0)
    assert len(found) == 3 * 7 and all(r.ms_per_step_median > 0 for r in found)
    wide = step_overhead.measure(cases=(Case(80, 1.0, 1.0),), steps=5, runs=1, starts=0)
    assert [r.who for r in wide] == [way.who for way in step_overhead.WAYS if way.most > 64]
    assert figures.step(found, tmp_path / "step.png").exists()


def test_windows(tmp_path: Path) -> None:
    found = windows.measure(cases=(SMALL,), steps=60, windows=(1, 20, 60), runs=2)
    assert [(r.details["k"], r.details["threads"]) for r in found] == [
        (1, 1), (20, 1), (60, 1), (60, 2),
    ]  # fmt: skip
    assert all((r.gradient_error or 1.0) < 1e-5 for r in found[2:])
    assert figures.windows(found, tmp_path / "windows.png").exists()


def test_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuro_rtrl.engine.crew.LEAST_STEPS", 60)
    found = batches.measure((SMALL,), steps=60, runs=1, sequences=4, rules=("eprop", "rtrl"))
    assert [r.details["threads"] for r in found] == [1, 2, 1, 2]
    assert all(r.details["same_bits"] for r in found[1::2])


def test_populations() -> None:
    found = populations.measure(cases=(SMALL,), steps=60, runs=1)
    size = {r.who.removeprefix("neuro_rtrl "): r.details["hidden_gradient"] for r in found}
    for rule in ("eprop", "snap-1"):
        one, two = (size[f"{rule}, {n}"] for n in ("one population", "two populations"))
        assert one == pytest.approx(two, rel=1e-5) and one > 0
    assert size["d-rtrl, one population"] != pytest.approx(size["d-rtrl, two populations"])
    assert [r.gradient_error for r in found[-2:]] == pytest.approx([0.0, 0.0], abs=1e-5)


def test_model(tmp_path: Path) -> None:
    found = model.measure(cases=(SMALL,), steps=60, runs=2, sizes=(32, 64))
    assert found[-1].details["predicted_ms"] > 0
    assert figures.model(found, tmp_path / "model.png").exists()
    assert figures.roofline(found, tmp_path / "roofline.png").exists()


def test_online(tmp_path: Path) -> None:
    found = online.measure(cases=(SMALL,), steps=60, runs=2, folder=tmp_path)
    assert len(found) == len(online.WAYS) + len(online.PEERS)
    ours = [r for r in found if r.version]
    assert len(ours) == len(online.WAYS)
    assert all("not installed" in r.details["absent"] for r in found if not r.version)


def test_an_update_at_every_step_changes_the_weights_alike_by_run_and_by_steps() -> None:
    problem = make(SMALL, 60)
    ways = online.Way("d-rtrl"), online.Way("d-rtrl", steps=True)
    by_run, by_steps = (online.learned(problem, way, 1)[1] for way in ways)
    assert max(np.abs(change).max() for change in by_run) > online.RATE
    for one, other in zip(by_run, by_steps, strict=True):
        np.testing.assert_array_equal(one, other)
