"""Pictures of a run and of a sweep. Matplotlib is imported when the first one is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neuro_rtrl.engine.run_plots import smooth
from neuro_rtrl.errors import writing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DASHES = ("-", "--", ":", "-.")
MARKERS = ("o", "s", "^", "D")


@dataclass(frozen=True)
class Curve:
    """What a run of a sweep leaves for the pictures; one value per iteration, shape (iterations,).

    Attributes:
        label: its legend.
        loss: mean loss of the batch.
        density: fraction of the influence matrix that can be non-zero and was.
        activity: fraction of unit-steps with an event.
        colour, dash: numbers of its colour and its line style.
    """

    label: str
    loss: np.ndarray
    density: np.ndarray
    activity: np.ndarray
    colour: int = 0
    dash: int = 0


@dataclass(frozen=True)
class Shown:
    """The last steps of a run, for the raster: whole sequences, one after the other, or the end
    of a long one.

    Attributes:
        events: population -> (steps, units) of its events, both (events,).
        sizes: population -> number of units.
        predictions: (steps, outputs).
        targets: (steps, outputs); NaN where there is no error.
        sequence: steps of a sequence.
        first: step of a long sequence that is the first of these.
    """

    events: Mapping[str, tuple[np.ndarray, np.ndarray]]
    sizes: Mapping[str, int]
    predictions: np.ndarray
    targets: np.ndarray
    sequence: int
    first: int = 0


def draw_learning_curve(
    file: Path, title: str, loss: Sequence[float], tests: Sequence[tuple[int, float]]
) -> None:
    """Loss of every iteration, its running mean, and the score of the tests.

    Args:
        file: the PNG to write.
        title: name of the run.
        loss: mean loss per sequence, one per iteration.
        tests: (iteration, score) of each test.
    """
    with canvas(file, rows=1, columns=1, size=(7, 4)) as (axes,):
        iterations = np.arange(1, len(loss) + 1)
        axes.plot(iterations, loss, color="0.8", linewidth=0.8, label="loss")
        axes.plot(iterations, smooth(loss), color="C0", label="loss, running mean")
        axes.set(xlabel="iteration", ylabel="loss per sequence", title=title)
        axes.set_yscale(_scale(loss))
        handles, labels = axes.get_legend_handles_labels()
        if tests:
            score = axes.twinx()
            score.plot(
                *zip(*tests, strict=True), "o-", color="C1", markersize=3, label="test score"
            )
            score.set_ylabel("test score")
            score.spines["right"].set_visible(True)
            score.set_ylim(top=1.02 * max(1.0, *(value for _, value in tests)))
            more, names = score.get_legend_handles_labels()
            handles, labels = handles + more, labels + names
        axes.legend(handles, labels, frameon=False, loc="center right")


def draw_raster(file: Path, title: str, shown: Shown) -> None:
    """Events of each population over the last steps of a run, above its output and the target.

    Args:
        file: the PNG to write.
        title: name of the run.
        shown: what to draw.
    """
    height = 2 + 2 * len(shown.events)
    with canvas(file, rows=len(shown.events) + 1, columns=1, size=(8, height)) as panels:
        for axes, (name, (steps, units)) in zip(panels, shown.events.items(), strict=False):
            n = shown.sizes[name]
            axes.plot(
                steps + shown.first, units, "|", color="C0", markersize=max(2.5, min(6.0, 120 / n))
            )
            axes.set(ylabel=f"unit of {name}", ylim=(-0.5, n - 0.5), xticklabels=[])
        _draw_outputs(panels[-1], shown)
        for axes in panels:
            axes.set_xlim(shown.first - 0.5, shown.first + len(shown.predictions) - 0.5)
            for start in range(shown.sequence, len(shown.predictions), shown.sequence):
                axes.axvline(start - 0.5, color="0.85", linewidth=0.8, zorder=0)
        panels[0].set_title(f"{title}: the last steps of training")


def _draw_outputs(axes: Axes, shown: Shown) -> None:
    """One line per output, broken where a sequence ends; targets as dots where they are rare."""
    n = shown.sequence
    steps = shown.first + np.arange(len(shown.predictions))
    rare = np.isfinite(shown.targets).sum() < shown.targets.size / 2
    for k in range(shown.targets.shape[1]):
        for start in range(0, steps.size, n):
            part = slice(start, start + n)
            label = f"output {k}" if start == 0 else None
            axes.plot(steps[part], shown.predictions[part, k], color=f"C{k}", label=label)
        style = "o" if rare else "--"
        axes.plot(steps, shown.targets[:, k], style, color="0.3", markersize=4, label="target")
    axes.set(xlabel="step", ylabel="output")
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)


def draw_sweep(folder: Path, curves: Sequence[Curve]) -> list[str]:
    """Paper A's figures: loss against iterations and against compute, both sparsities.

    Returns:
        The names of the files, in `folder`.
    """
    panels: dict[str, tuple[str, str, bool]] = {
        "loss_iterations.png": ("iteration", "loss per sequence", True),
        "loss_compute.png": ("compute-adjusted iterations", "loss per sequence", True),
        "activity_sparsity.png": ("iteration", "activity sparsity", False),
        "influence_sparsity.png": ("iteration", "sparsity of the influence matrix", False),
    }
    for name, (across, up, logarithmic) in panels.items():
        with canvas(folder / name, rows=1, columns=1, size=(9, 4.5)) as (axes,):
            for curve in curves:
                x, y = _points_of(name, curve)
                style = DASHES[curve.dash % len(DASHES)]
                colour = f"C{curve.colour % 10}"
                axes.plot(x, smooth(y), style, color=colour, linewidth=1.2, label=curve.label)
            axes.set(xlabel=across, ylabel=up)
            if logarithmic:
                axes.set_yscale(_scale([float(curve.loss.min()) for curve in curves]))
            _legend_beside(axes)
    return list(panels)


def draw_cost(
    folder: Path, curves: Sequence[Curve], costs: Mapping[str, Sequence[float]]
) -> list[str]:
    """What each run of a sweep was measured to cost, beside its counted density.

    Args:
        folder: where the PNG goes.
        curves: one per run.
        costs: name of a cost -> its value for each run.

    Returns:
        The name of the file, in `folder`.
    """
    name = "cost.png"
    with canvas(folder / name, rows=1, columns=len(costs), size=(11, 4.5)) as panels:
        for axes, (cost, values) in zip(panels, costs.items(), strict=True):
            for curve, value in zip(curves, values, strict=True):
                marker = MARKERS[curve.dash % len(MARKERS)]
                colour = f"C{curve.colour % 10}"
                axes.plot(curve.density.mean(), value, marker, color=colour, label=curve.label)
            axes.set(xlabel="counted density of the influence matrix", ylabel=f"measured {cost}")
            axes.set_xscale(_scale([float(curve.density.mean()) for curve in curves]))
            axes.set_yscale(_scale(values))
        _legend_beside(panels[-1])
    return [name]


def _points_of(name: str, curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    iterations = np.arange(1, len(curve.loss) + 1)
    if name == "loss_compute.png":
        return np.cumsum(curve.density), curve.loss
    if name == "activity_sparsity.png":
        return iterations, 1 - curve.activity
    if name == "influence_sparsity.png":
        return iterations, 1 - curve.density
    return iterations, curve.loss


def _legend_beside(axes: Axes) -> None:
    """A legend to the right, where no line can run."""
    axes.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))


def _scale(values: Sequence[float]) -> str:
    return "log" if len(values) and min(values) > 0 else "linear"


@contextmanager
def canvas(file: Path, rows: int, columns: int, size: tuple[float, float]) -> Iterator[list[Axes]]:
    """Panels to draw into; saved as PNG at the end."""
    with page(file, size) as figure:
        panels = list(figure.subplots(rows, columns, squeeze=False).flat)
        for axes in panels:
            axes.spines[["top", "right"]].set_visible(False)
        yield panels


@contextmanager
def page(file: Path, size: tuple[float, float]) -> Iterator[Figure]:
    """A figure, saved as PNG at the end. No window, whatever the user's settings.

    Raises:
        RunFileError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained", dpi=120)
    FigureCanvasAgg(figure)
    yield figure
    with writing("the picture cannot be written", file, "a file in a folder that can be written"):
        figure.savefig(file)
