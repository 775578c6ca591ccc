"""The picture of a comparison: drawn for any number of rules, names apart from each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuro_rtrl.compare_figures import draw_comparison, placed, styles
from neuro_rtrl.compare_gradient import FIGURES
from neuro_rtrl.compare_job import Job, failed
from neuro_rtrl.compare_tables import by_rule


def row(rule: str, seed: int, cosine: float | None) -> dict[str, Any]:
    empty = failed(Job(rule, rule, seed, {}, "a.toml", 0, "rtrl", None), "")
    probes = [{"iteration": i, **dict.fromkeys(FIGURES, cosine)} for i in (0, 5)]
    return empty | {
        "loss": 1.0, "score": 0.5, **dict.fromkeys(FIGURES, cosine), "multiply_adds": 50,
        "multiply_adds_per_step": 10.0 * seed, "seconds": 1.0, "peak_bytes": 1000,
        "live_entries": 2,
        "error": None, "curve": [3.0, 2.0, 1.0], "probes": probes if cosine is not None else [],
    }  # fmt: skip


@pytest.mark.parametrize("cosine", [0.5, None])
@pytest.mark.parametrize("count", [1, 25])
def test_it_is_drawn(cosine: float | None, count: int, tmp_path: Path) -> None:
    names = [f"rule-{i}" for i in range(count)]
    rows = [row(name, seed, cosine) for name in names for seed in (1, 2)]
    rows.append(failed(Job("bad", "bad", 1, {}, "a.toml", 0, "rtrl", None), "no"))
    file = tmp_path / "a.png"
    draw_comparison(file, "an experiment", rows, by_rule(rows))
    assert file.stat().st_size > 10_000


def test_names_do_not_lie_on_each_other(rng: np.random.Generator) -> None:
    points = rng.uniform(0, 120, (20, 2))
    places = points + placed(points)
    for i, a in enumerate(places):
        for b in places[i + 1 :]:
            assert abs(a[0] - b[0]) >= 47.9 or abs(a[1] - b[1]) >= 9.4


def test_every_rule_looks_different() -> None:
    looks = styles([str(i) for i in range(30)])
    assert len({(s.colour, s.marker) for s in looks.values()}) == 30
