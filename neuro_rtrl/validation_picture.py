"""One picture for each validated model: both sides on top of each other, and what is left.

Right looks like this: dark dashes on every light line, a difference far below the red line, and a
dot in every circle. Anything else is wrong.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neuro_rtrl.errors import writing
from neuro_rtrl.validation_brian import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN_UNITS = 3
SHOWN_SECONDS = 0.3
_SMALLEST = 1e-19  # what a difference of zero is drawn as
_BRIAN, _OURS, _GOOD, _BAD = "#f2a65a", "#17375e", "#2a7f3f", "#c0392b"


def draw(
    file: Path,
    *,
    title: str,
    verdict: str,
    passed: bool,
    ours: Run,
    theirs: Run,
    state: str,
    population: str,
    dt: float,
    tolerance: float,
    scale: float = 1.0,
) -> Path:
    """Traces of a few units, the largest difference in each step, and the spikes.

    Args:
        file: the PNG to write; its folder is made.
        title: what was compared.
        verdict: written out.
        passed: whether it is good, shown by colour.
        ours, theirs: the two runs.
        state: recorded state to show, as in "units.v".
        population: population whose spikes are shown.
        dt: step in seconds.
        tolerance: largest difference that passes, after division by `scale`.
        scale: what differences are measured by, in the unit of the state.

    Raises:
        RunFileError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 10), layout="constrained", dpi=110)
    FigureCanvasAgg(figure)
    rows = SHOWN_UNITS + 2
    ratios = [1.0] * SHOWN_UNITS + [1.1, 2.4]
    panels = list(figure.subplots(rows, 1, sharex=True, height_ratios=ratios))
    _traces(panels[:SHOWN_UNITS], ours, theirs, state, population, dt)
    _difference(panels[-2], ours, theirs, state, dt, tolerance, scale)
    _raster(panels[-1], ours, theirs, population, dt)
    panels[-1].set_xlim(0.0, _shown(theirs, state, dt) * dt * 1e3)
    panels[-1].set_xlabel("time (ms)")
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(
        f"{title}\nBrian2: {verdict}", color=_GOOD if passed else _BAD, fontweight="bold"
    )
    return _save(figure, file)


def _shown(run: Run, state: str, dt: float) -> int:
    return min(run.states[state].shape[1], round(SHOWN_SECONDS / dt))


def _traces(
    panels: list[Axes], ours: Run, theirs: Run, state: str, population: str, dt: float
) -> None:
    steps = _shown(theirs, state, dt)
    time = np.arange(steps) * dt * 1e3
    for axes, unit in zip(panels, _busiest(theirs, state, population, steps), strict=False):
        brian, own = theirs.states[state][unit, :steps], ours.states[state][unit, :steps]
        axes.plot(time, brian, color=_BRIAN, linewidth=4, alpha=0.8, label="Brian2")
        axes.plot(time, own, "--", color=_OURS, linewidth=1.1, label="neuro_rtrl")
        axes.set_ylabel(f"{state.split('.')[1]} of unit {unit}")
    panels[0].legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1.0, 1.0))


def _busiest(run: Run, state: str, population: str, steps: int) -> list[int]:
    """The units with most spikes in the part that is shown, or the first units if none spike."""
    if state.split(".")[0] != population:
        return list(range(SHOWN_UNITS))
    when, who = run.spikes[population]
    counts = np.bincount(who[when < steps], minlength=len(run.states[state]))
    return sorted(np.argsort(-counts, kind="stable")[:SHOWN_UNITS].tolist())


def _difference(
    axes: Axes, ours: Run, theirs: Run, state: str, dt: float, tolerance: float, scale: float
) -> None:
    steps = _shown(theirs, state, dt)
    time = np.arange(steps) * dt * 1e3
    gap = np.abs(ours.states[state] - theirs.states[state])[:, :steps].max(axis=0) / scale
    axes.semilogy(time, np.maximum(gap, _SMALLEST), color=_OURS, linewidth=0.9)
    axes.axhline(tolerance, color=_BAD, linewidth=1.2)
    axes.annotate(
        f"allowed: {tolerance:g}", (0.995, tolerance), xycoords=("axes fraction", "data"),
        color=_BAD, ha="right", va="bottom",
    )  # fmt: skip
    axes.set_ylim(_SMALLEST / 3, max(1.0, float(np.nanmax(gap)) * 3))
    axes.set_ylabel("difference\n(largest unit)")


def _raster(axes: Axes, ours: Run, theirs: Run, population: str, dt: float) -> None:
    for run, label, marker, size, colour in (
        (theirs, "Brian2", "o", 6.0, _BRIAN),
        (ours, "neuro_rtrl", ".", 3.0, _OURS),
    ):
        steps, units = run.spikes[population]
        axes.plot(
            steps * dt * 1e3, units, marker, markersize=size, mfc="none", color=colour, label=label
        )
    axes.set_ylabel(f"spikes: unit of {population}")


def _save(figure: Figure, file: Path) -> Path:
    with writing("the picture cannot be written", file, "a file in a folder that can be written"):
        file.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(file)
    return file
