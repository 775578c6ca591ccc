"""Pictures of a run and of a sweep. Matplotlib is imported when the first one is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neuro_rtrl.errors import RunFileError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SMOOTHING = 0.1
"""Weight of the newest value in the running means that are drawn (the protocol's EWMA)."""


@dataclass(frozen=True)
class Curve:
    """What a run of a sweep leaves for the pictures; one value per iteration, shape (iterations,).

    Attributes:
        label: its legend.
        loss: mean loss of the batch.
        density: fraction of the influence matrix that can be non-zero and was.
        activity: fraction of unit-steps with an event.
    """

    label: str
    loss: np.ndarray
    density: np.ndarray
    activity: np.ndarray


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
    with _canvas(file, rows=1, columns=1, size=(7, 4)) as (axes,):
        iterations = np.arange(1, len(loss) + 1)
        axes.plot(iterations, loss, color="0.8", linewidth=0.8, label="loss")
        axes.plot(iterations, smooth(loss), color="C0", label="loss, running mean")
        axes.set(xlabel="iteration", ylabel="loss per sequence", title=title)
        _log_if_positive(axes, loss)
        handles, labels = axes.get_legend_handles_labels()
        if tests:
            score = axes.twinx()
            score.plot(
                *zip(*tests, strict=True), "o-", color="C1", markersize=3, label="test score"
            )
            score.set_ylabel("test score")
            score.spines["right"].set_visible(True)
            score.set_ylim(top=1.02)
            more, names = score.get_legend_handles_labels()
            handles, labels = handles + more, labels + names
        axes.legend(handles, labels, frameon=False, loc="center right")


def draw_raster(
    file: Path,
    title: str,
    events: Mapping[str, tuple[np.ndarray, np.ndarray]],
    sizes: Mapping[str, int],
    predictions: np.ndarray,
    targets: np.ndarray,
) -> None:
    """Events of each population over the last steps of a run, above its output and the target.

    Args:
        file: the PNG to write.
        title: name of the run.
        events: population -> (steps, units) of its events, both (events,).
        sizes: population -> number of units.
        predictions: (steps, outputs).
        targets: (steps, outputs); NaN where there is no error.
    """
    with _canvas(file, rows=len(events) + 1, columns=1, size=(8, 2 + 2 * len(events))) as panels:
        for axes, (name, (steps, units)) in zip(panels, events.items(), strict=False):
            marker = max(1.0, min(6.0, 120 / max(sizes[name], 1)))
            axes.plot(steps, units, "|", color="C0", markersize=marker)
            axes.set(ylabel=f"unit of {name}", ylim=(-0.5, sizes[name] - 0.5), xticklabels=[])
        output = panels[-1]
        steps = np.arange(len(predictions))
        lonely = np.isfinite(targets).sum() < targets.size / 2
        for k in range(targets.shape[1]):
            output.plot(steps, predictions[:, k], color=f"C{k}", label=f"output {k}")
            style = "o" if lonely else "--"
            output.plot(steps, targets[:, k], style, color="0.3", markersize=4, label="target")
        output.set(xlabel="step", ylabel="output")
        output.legend(frameon=False, loc="upper right", ncols=2)
        for axes in panels:
            axes.set_xlim(-0.5, len(predictions) - 0.5)
        panels[0].set_title(title)


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
        with _canvas(folder / name, rows=1, columns=1, size=(7, 4.5)) as (axes,):
            for place, curve in enumerate(curves):
                x, y = _points_of(name, curve)
                style = ("-", "--", ":", "-.")[place % 10 // 5] if len(curves) > 5 else "-"
                axes.plot(x, smooth(y), style, linewidth=1.2, label=curve.label)
            axes.set(xlabel=across, ylabel=up)
            if logarithmic:
                axes.set_yscale("log")
            axes.legend(frameon=False, fontsize="small")
    return list(panels)


def draw_cost(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Measured multiply-adds and seconds of each run beside its counted density.

    Args:
        file: the PNG to write.
        rows: one per run, with `label`, `density`, `multiply_adds` and `seconds`.
    """
    with _canvas(file, rows=1, columns=2, size=(10, 4.5)) as panels:
        for axes, key in zip(panels, ("multiply_adds", "seconds"), strict=True):
            for row in rows:
                axes.plot(row["density"], row[key], "o")
                axes.annotate(
                    row["label"],
                    (row["density"], row[key]),
                    fontsize="x-small",
                    xytext=(4, 4),
                    textcoords="offset points",
                )
            axes.set(
                xlabel="counted density of the influence matrix",
                xscale="log",
                ylabel=f"measured {key.replace('_', '-')}",
                yscale="log",
            )


def smooth(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Running mean with exponentially falling weights, shape (values,).

    >>> smooth([1.0, 1.0, 1.0])
    array([1., 1., 1.])
    """
    mean, out = 0.0, np.empty(len(values))
    for i, value in enumerate(values):
        # m_i = m_{i-1} + a (x_i - m_{i-1}), with m_0 = x_0
        mean = value if i == 0 else mean + SMOOTHING * (value - mean)
        out[i] = mean
    return out


def _points_of(name: str, curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    iterations = np.arange(1, len(curve.loss) + 1)
    if name == "loss_compute.png":
        return np.cumsum(curve.density), curve.loss
    if name == "activity_sparsity.png":
        return iterations, 1 - curve.activity
    if name == "influence_sparsity.png":
        return iterations, 1 - curve.density
    return iterations, curve.loss


def _log_if_positive(axes: Axes, values: Sequence[float]) -> None:
    if len(values) and np.min(values) > 0:
        axes.set_yscale("log")


@contextmanager
def _canvas(file: Path, rows: int, columns: int, size: tuple[float, float]) -> Iterator[list[Axes]]:
    """Panels to draw into; saved as PNG at the end. No window, whatever the user's settings."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained", dpi=120)
    FigureCanvasAgg(figure)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
    yield panels
    try:
        figure.savefig(file)
    except OSError as error:
        raise RunFileError(
            "the picture cannot be written",
            where=str(file),
            given=error.strerror or error,
            expected="a file in a folder that can be written",
        ) from error
