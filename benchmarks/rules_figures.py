"""The two pictures of the page of rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neuro_rtrl.compare_figures import Style, cosine_of, draw_trade, styles
from neuro_rtrl.experiment_figures import canvas

Row = dict[str, Any]


def draw_rules(rows: list[Row], families: dict[str, str], file: Path) -> Path:
    """Gradient cosine against multiply-adds per step; members of a family are joined by a line."""
    shown = [row for row in rows if row["multiply_adds_per_step"] and cosine_of(row) is not None]
    looks = styles(list(dict.fromkeys(families[row["rule"]] for row in shown)))
    look: dict[str, Style] = {row["rule"]: looks[families[row["rule"]]] for row in shown}
    with canvas(file, rows=1, columns=1, size=(11, 7)) as (axes,):
        draw_trade(axes, shown, look)
        for family, style in looks.items():
            mine = [row for row in shown if families[row["rule"]] == family]
            mine.sort(key=lambda row: row["multiply_adds_per_step"])
            x = [row["multiply_adds_per_step"] for row in mine]
            axes.plot(x, [cosine_of(row) for row in mine], color=style.colour, lw=0.8, alpha=0.6)
        axes.set_title("One spiking network, every rule: what a gradient costs and how near it is")
    return file


def draw_widths(rows: list[Row], file: Path) -> Path:
    """What the half-width costs, and what cost buys: likeness of the gradient, score."""
    widths = [row["width"] for row in rows]
    cost = [row["multiply_adds_per_step"] for row in rows]
    with canvas(file, rows=1, columns=3, size=(13, 4.3)) as (left, middle, right):
        left.loglog(widths, cost, "o-", color="C0")
        left.set(
            xlabel="half-width of the surrogate (threshold = 1)", ylabel="multiply-adds a step"
        )
        for axes, one, all_of_them, colour in (
            (middle, "cosine", "cosines", "C1"),
            (right, "score", "scores", "C2"),
        ):
            seeds = [row[all_of_them] for row in rows]
            axes.semilogx(cost, seeds, ".-", color=colour, alpha=0.35, lw=0.7, markersize=4)
            axes.semilogx(cost, [row[one] for row in rows], "o-", color=colour, lw=2)
        middle.set(xlabel="multiply-adds a step", ylabel="gradient cosine to half-width 1")
        right.set(xlabel="multiply-adds a step", ylabel="score after training; each seed thin")
        for axes, key in ((middle, "cosine"), (right, "score")):
            for row in rows:
                point = (row["multiply_adds_per_step"], row[key])
                axes.annotate(
                    f"{row['width']:g}", point, (5, -9), textcoords="offset points", fontsize=8
                )
    return file
