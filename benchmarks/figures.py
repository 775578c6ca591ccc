"""One figure a question, drawn from its records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from benchmarks.record import Record


def _save(figure: Any, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120, bbox_inches="tight")
    plt.close(figure)
    return path


def _timed(records: list[Record]) -> list[Record]:
    return [r for r in records if r.ms_per_step_median is not None]


def learn(records: list[Record], path: Path) -> Path:
    """Milliseconds per step: a panel for each network, a bar for each program."""
    cases = list(dict.fromkeys(r.details["case"] for r in records))
    figure, axes = plt.subplots(
        len(cases), 1, figsize=(8, 0.5 + 3.0 * len(cases)), squeeze=False, sharex=True
    )
    for axis, case in zip(axes[:, 0], cases, strict=True):
        mine = [r for r in records if r.details["case"] == case]
        beside = axis.get_yaxis_transform()
        for i, r in enumerate(reversed(mine)):
            own = r.who.startswith("neuro_rtrl")
            if r.ms_per_step_median is None:
                axis.text(
                    0.01, i, r.details.get("absent", ""), transform=beside, va="center", size=6
                )
                continue
            color = ("C3" if "rtrl" in r.who.split()[1] else "C0") if own else "0.6"
            axis.barh(i, r.ms_per_step_median, color=color)
            axis.text(
                r.ms_per_step_median * 1.1,
                i,
                f"{r.ms_per_step_median:.3g}",
                va="center",
                fontsize=6,
            )
        axis.set_yticks(range(len(mine)), [r.who for r in reversed(mine)], fontsize=6)
        axis.set_xscale("log")
        axis.set_title(case, fontsize=8)
    axes[-1, 0].set_xlabel("ms per step (median)")
    return _save(figure, path)


def silent(records: list[Record], path: Path) -> Path:
    """Time against silent units, and against live events."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5))
    for who in ("silent units", "hearing units"):
        mine = [r for r in _timed(records) if r.who == who]
        left.plot(
            [r.details["silent"] for r in mine],
            [r.ms_per_step_median for r in mine],
            "o-",
            label=who,
        )
    left.set(xlabel="units without events added", ylabel="ms per step", ylim=(0, None))
    left.legend()
    for who in ("activity by gain", "activity by width"):
        mine = [r for r in _timed(records) if r.who == who]
        x = [r.details["sensitive_per_step"] for r in mine]
        right.plot(x, [r.ms_per_step_min for r in mine], "o", label=who)
        fit = mine[-1].details["fit_sensitive_per_step"]
        ends = [0.0, max(x)]
        label = f"R² = {fit['r2']:.3f}"
        right.plot(
            ends, [fit["ms_at_zero"] + fit["ms_each"] * e for e in ends], "-", lw=0.8, label=label
        )
    right.set(xlabel="live events per step", ylabel="ms per step")
    right.legend(fontsize=7)
    return _save(figure, path)


def step(records: list[Record], path: Path) -> Path:
    """Microseconds of a step against size (crosses: sparse); seconds of a first step."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5))
    steps = [r for r in _timed(records) if not r.who.startswith("first step")]
    for i, who in enumerate(dict.fromkeys(r.who for r in steps)):
        for mark, dense in (("o-", True), ("x", False)):
            mine = [r for r in steps if r.who == who and (r.density == 1.0) == dense]
            x, y = [r.n for r in mine], [1e3 * (r.ms_per_step_median or 0) for r in mine]
            left.loglog(x, y, mark, color=f"C{i}", label=who if dense else None)
    left.set(xlabel="units", ylabel="µs per step")
    left.legend(fontsize=7)
    first = [r for r in _timed(records) if r.who.startswith("first step")]
    right.barh([r.who for r in first], [(r.ms_per_step_median or 0) / 1e3 for r in first])
    right.set_xlabel("seconds")
    return _save(figure, path)


def windows(records: list[Record], path: Path) -> Path:
    """Time against the steps for which weights stand still; crosses: two threads."""
    figure, axis = plt.subplots(figsize=(5.5, 3.8))
    for i, case in enumerate(dict.fromkeys(r.details["case"] for r in records)):
        mine = [r for r in _timed(records) if r.details["case"] == case]
        for count, mark in ((1, "o-"), (2, "x")):
            some = [r for r in mine if r.details["threads"] == count]
            k, ms = [r.details["k"] for r in some], [r.ms_per_step_median for r in some]
            axis.loglog(k, ms, mark, color=f"C{i}", label=case if count == 1 else None)
    axis.set(xlabel="steps between updates", ylabel="ms per step (x: two threads)")
    for one in (axis.xaxis, axis.yaxis):
        one.set_major_formatter("{x:g}")
        one.set_minor_formatter("" if one is axis.xaxis else "{x:g}")
    axis.legend(fontsize=7)
    return _save(figure, path)


def sweeps(records: list[Record], path: Path) -> Path:
    """Everybody along all axes."""
    from benchmarks.sweeps_figures import draw

    return draw(records, path)


def roofline(records: list[Record], path: Path) -> Path:
    """Bandwidth and multiply-adds per second against the working set."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.5))
    mine = [r for r in records if r.job == "roofline"]
    for axis, key in zip(axes, ("gigabytes_per_s", "giga_multiply_adds_per_s"), strict=True):
        for who in dict.fromkeys(r.who for r in mine):
            some = [r for r in mine if r.who == who]
            axis.semilogx(
                [r.details["kilobytes"] for r in some],
                [r.details[key] for r in some],
                "o-",
                label=who,
            )
        axis.set(xlabel="working set (kB)", ylabel=key.replace("_", " "), ylim=(0, None))
    axes[0].legend()
    return _save(figure, path)


def model(records: list[Record], path: Path) -> Path:
    """Predicted against measured."""
    figure, axis = plt.subplots(figsize=(4.5, 4))
    mine = [r for r in records if r.job == "model"]
    for r in mine:
        axis.loglog(r.details["predicted_ms"], r.ms_per_step_min, "o", label=r.details["case"])
    ends = [
        min(r.details["predicted_ms"] for r in mine) / 2,
        max(r.details["predicted_ms"] for r in mine) * 2,
    ]
    axis.loglog(ends, ends, "-", lw=0.8, color="0.5")
    axis.set(xlabel="predicted ms per step", ylabel="measured ms per step")
    axis.legend(fontsize=6)
    return _save(figure, path)
