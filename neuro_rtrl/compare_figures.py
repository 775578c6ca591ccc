"""The picture of a comparison, and the plot of gradient cosine against cost.

Matplotlib is imported when a picture is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neuro_rtrl.compare_gradient import mean
from neuro_rtrl.engine.run_plots import smooth
from neuro_rtrl.experiment_figures import page

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = (
    "#d62728", "#1f77b4", "#2ca02c", "#ff7f0e", "#9467bd", "#8c564b", "#e377c2", "#17becf",
    "#7f7f7f", "#bcbd22",
)  # fmt: skip
MARKERS = "oDs^vP*X"
FLOOR = 1e-8
"""Errors below this are rounding, and drawn here."""

COSINE = "gradient cosine to exact RTRL, hidden units"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Style:
    """How a rule looks in every panel."""

    colour: str
    marker: str


def styles(names: Sequence[str]) -> dict[str, Style]:
    """A colour and a marker for each rule; the marker changes where the colours begin again."""
    count = len(COLOURS)
    return {
        name: Style(COLOURS[i % count], MARKERS[i // count % len(MARKERS)])
        for i, name in enumerate(names)
    }


def draw_comparison(file: Path, title: str, rows: Sequence[Row], table: Sequence[Row]) -> None:
    """Curves above, one line for each rule below; failed rules are left out.

    Args:
        file: the PNG to write.
        title: name of the experiment.
        rows: one for each rule and seed.
        table: one for each rule (`compare_tables.by_rule`).
    """
    good = [row for row in rows if row["error"] is None]
    shown = [one for one in table if one["seeds"]]
    look = styles([one["rule"] for one in shown])
    with page(file, (14, 6.2 + 0.24 * len(shown))) as figure:
        heights = [4.4, 1.2 + 0.24 * len(shown)]
        above, below = np.ravel(np.asarray(figure.subfigures(2, 1, height_ratios=heights)))
        top, bottom = list(above.subplots(1, 3)), list(below.subplots(1, 4))
        for axes in (*top, *bottom):
            axes.spines[["top", "right"]].set_visible(False)
        _losses(top[0], good, look)
        _courses(top[1], good, look)
        _lines(bottom, good, shown, look)
        draw_trade(top[2], shown, look)
        seeds = len({row["seed"] for row in good})
        figure.suptitle(f"{title}: {len(shown)} rules, {seeds} seed{'s' * (seeds > 1)}")


def draw_trade(axes: Axes, table: Sequence[Row], look: Mapping[str, Style]) -> None:
    """Gradient cosine against multiply-adds per step (logarithmic), with names.

    Args:
        axes: the panel.
        table: one row for each rule.
        look: of each rule.
    """
    shown = [one for one in table if one["multiply_adds_per_step"] and cosine_of(one) is not None]
    points = np.array([[one["multiply_adds_per_step"], cosine_of(one)] for one in shown])
    axes.set(xlabel="multiply-adds per step", ylabel=COSINE)
    if not shown:
        return
    for one, (x, y) in zip(shown, points, strict=True):
        style = look[one["rule"]]
        axes.plot(x, y, style.marker, color=style.colour, markersize=7, zorder=3)
    _decades(axes, points[:, 0], names=0.15)
    _cosine_axis(axes, points[:, 1])
    for one, point, offset in zip(shown, points, placed(_on_page(axes, points)), strict=True):
        _name(axes, one["rule"], point, offset, look[one["rule"]].colour)


def cosine_of(row: Row) -> float | None:
    """The cosine over parameters of hidden units; over all of them, where there are no others."""
    value: float | None = row["cosine_hidden"]
    return row["cosine"] if value is None else value


def _cosine_axis(axes: Axes, values: np.ndarray) -> None:
    """Room below the lowest cosine and above 1."""
    room = 0.08 * max(1 - float(np.nanmin(values)), 0.02)
    axes.set_ylim(min(float(np.nanmin(values)), 0.98) - room, 1 + room)
    axes.axhline(1, color="0.85", linewidth=0.8, zorder=0)


def _on_page(axes: Axes, points: np.ndarray) -> np.ndarray:
    """Points of the data, (points, 2), as places on the page in typographic points."""
    figure = axes.figure.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # the layout is known only now
    return np.asarray(axes.transData.transform(points)) * 72 / float(figure.dpi)


def placed(points: np.ndarray, width: float = 48.0, height: float = 9.5) -> np.ndarray:
    """Offsets of the names of points, (points, 2), so that none lies on another or on a point.

    Args:
        points: (points, 2) places of the points, in typographic points.
        width, height: of a name.

    Names stand to the right of their points; where there is no room, the next free place below or
    above is taken.

    >>> placed(np.array([[0.0, 0.0], [0.0, 0.0]])).tolist()
    [[7.0, 0.0], [7.0, -9.5]]
    """
    offsets = np.zeros_like(points)
    boxes: list[tuple[float, float]] = []
    for i in np.argsort(-points[:, 1], kind="stable"):
        x, y = points[i]
        for j in range(4 * len(points)):
            rise = (-1) ** j * ((j + 1) // 2) * height  # below, above, further below, ...
            names = any(
                abs(x + 7 - a) < width and abs(y + rise - b) < height - 1e-9 for a, b in boxes
            )
            marks = any(
                0 < a - x < width + 7 and abs(y + rise - b) < 0.8 * height for a, b in points
            )
            if not names and not marks:
                break
        boxes.append((x + 7, y + rise))
        offsets[i] = 7, rise
    return offsets


def _name(axes: Axes, name: str, point: np.ndarray, offset: np.ndarray, colour: str) -> None:
    line = {"arrowstyle": "-", "color": colour, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3}
    note = axes.annotate(
        name,
        (float(point[0]), float(point[1])),
        (float(offset[0]), float(offset[1])),
        textcoords="offset points",
        fontsize=7.5,
        color=colour,
        va="center",
        arrowprops=line if abs(offset[1]) > 5 else None,
    )
    note.set_in_layout(False)


def _losses(axes: Axes, rows: Sequence[Row], look: Mapping[str, Style]) -> None:
    """Running mean of the loss: mean over seeds, and the range of the seeds."""
    for name, style in look.items():
        curves = np.array([smooth(row["curve"]) for row in rows if row["rule"] == name])
        done = np.arange(1, curves.shape[1] + 1)
        if len(curves) > 1:
            low, high = curves.min(axis=0), curves.max(axis=0)
            axes.fill_between(done, low, high, color=style.colour, alpha=0.08, linewidth=0)
        axes.plot(done, curves.mean(axis=0), color=style.colour, linewidth=1.3, label=name)
    axes.locator_params(axis="x", integer=True)
    axes.set(xlabel="iteration (equal data)", ylabel="loss per sequence, running mean")
    axes.set_yscale(_scale([value for row in rows for value in row["curve"]]))


def _courses(axes: Axes, rows: Sequence[Row], look: Mapping[str, Style]) -> None:
    """Gradient cosine along each training, mean over seeds."""
    seen = [np.nan]
    for name, style in look.items():
        probes = [row["probes"] for row in rows if row["rule"] == name]
        at = [probe["iteration"] for probe in probes[0]]
        course = [mean(cosine_of(one[i]) for one in probes) for i in range(len(at))]
        values = np.array([np.nan if value is None else value for value in course])
        axes.plot(at, values, f"-{style.marker}", color=style.colour, linewidth=1, markersize=4)
        seen += list(values)
    axes.locator_params(axis="x", integer=True)
    axes.set(xlabel="iteration", ylabel=COSINE)
    if not np.isnan(seen).all():
        _cosine_axis(axes, np.array(seen))


def _from_zero_or_decades(axes: Axes, values: Sequence[float]) -> None:
    if _scale(values) == "log":
        _decades(axes, np.array(values))
    else:
        axes.set_xlim(0, 1.08 * max(values, default=1.0))
        axes.locator_params(axis="x", nbins=4)


def _decades(axes: Axes, values: np.ndarray, names: float = 0.0) -> None:
    """A logarithmic axis of whole decades, with room for names at the right."""
    from matplotlib.ticker import NullFormatter

    low, high = math.floor(math.log10(values.min())), math.ceil(math.log10(values.max()) + 1e-9)
    high = max(high, low + 1)
    axes.set(xscale="log", xlim=(0.8 * 10.0**low, 10.0 ** (high + names * (high - low))))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _scale(values: Sequence[float]) -> str:
    """Logarithmic where values span more than a decade."""
    return "log" if min(values, default=0) > 0 and max(values) > 10 * min(values) else "linear"


def _lines(
    panels: Sequence[Axes], rows: Sequence[Row], table: Sequence[Row], look: Mapping[str, Style]
) -> None:
    """One line for each rule: score, error of the gradient, seconds, memory."""
    score, error, seconds, memory = panels
    _dots(score, rows, table, look, "score")
    score.set(xlabel="score of the last test")
    _dots(error, rows, table, look, "bias", floor=FLOOR)
    _dots(error, rows, table, look, "variance", np.sqrt, floor=FLOOR, filled=False)
    error.set(xlabel="relative bias (●), deviation (○)", xscale="log")
    found = _dots(seconds, rows, table, look, "seconds")
    seconds.set(xlabel="seconds of learning")
    _from_zero_or_decades(seconds, found)
    found = _dots(memory, rows, table, look, "peak_bytes", lambda v: v / 2**20, floor=1e-6)
    memory.set(xlabel="memory of the rule (MiB)")
    _from_zero_or_decades(memory, found)
    for i, axes in enumerate(panels):
        axes.set_ylim(len(table) - 0.5, -0.5)
        axes.set_yticks(range(len(table)), [one["rule"] for one in table] if i == 0 else [])
        axes.grid(axis="y", color="0.93")
        axes.set_axisbelow(True)
    for label, one in zip(score.get_yticklabels(), table, strict=True):
        label.set_color(look[one["rule"]].colour)


def _dots(
    axes: Axes,
    rows: Sequence[Row],
    table: Sequence[Row],
    look: Mapping[str, Style],
    key: str,
    change: Callable[[Any], Any] = float,
    floor: float | None = None,
    filled: bool = True,
) -> list[float]:
    """Small dots for seeds, a large one for their mean; what was drawn."""
    drawn: list[float] = []
    for i, one in enumerate(table):
        style = look[one["rule"]]
        values = [r[key] for r in rows if r["rule"] == one["rule"] and r[key] is not None]
        found = [change(v) if floor is None else max(change(v), floor) for v in values]
        if not found:
            continue
        colour = style.colour
        axes.plot(found, [i] * len(found), ".", color=colour, alpha=0.35, markersize=4)
        inside = colour if filled else "white"
        axes.plot(np.mean(found), i, style.marker, color=colour, mfc=inside, markersize=6)
        drawn += found
    return drawn
