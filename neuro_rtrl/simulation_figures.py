"""The picture of a simulation: rasters, population rates and traces, one below the other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neuro_rtrl.engine.run_file import Trace
from neuro_rtrl.engine.spikes import Spikes
from neuro_rtrl.experiment_figures import canvas
from neuro_rtrl.simulation_rows import BIN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN_UNITS = 400
"""Units of a raster; more would be a grey area."""
SMOOTHED, SHOWN_WINDOWS = 5, 200
"""Bins of 1 ms that a point of the rate is the mean of; more where there are more than so many."""


def draw_simulation(
    file: Path,
    title: str,
    spikes: Mapping[str, Spikes],
    rates: Mapping[str, np.ndarray],
    traces: Mapping[str, Trace],
    units: Mapping[str, str],
    seconds: float,
) -> None:
    """Draws what a simulation left.

    Args:
        file: the PNG to write.
        title: name of the simulation.
        spikes: population -> its spikes.
        rates: population -> (bins,) hertz.
        traces: "population.state" -> its trace.
        units: "population.state" -> its unit.
        seconds: how long it ran.

    Raises:
        RunFileError: the file cannot be written.
    """
    panels = max(1, len(spikes) + bool(spikes) + len(traces))
    with canvas(file, panels, 1, (9, 1.2 + 1.6 * panels)) as axes:
        places = iter(axes)
        for number, (name, train) in enumerate(spikes.items()):
            _raster(next(places), name, train, f"C{number % 10}")
        if spikes:
            _rates(next(places), rates)
        dt = next(iter(spikes.values())).dt if spikes else 1.0
        for name, trace in traces.items():
            _trace(next(places), name, trace, units[name], dt)
        for one in axes:
            one.set_xlim(0.0, 1e3 * seconds)
        axes[0].set_title(title)
        axes[-1].set_xlabel("time (ms)")


def _raster(axes: Axes, name: str, train: Spikes, colour: str) -> None:
    shown = min(SHOWN_UNITS, train.n)
    keep = train.i < shown
    size = 8.0 if shown < 5 else max(0.6, min(4.0, 120 / shown))
    marker = "|" if shown < 40 else "."
    axes.plot(1e3 * train.t[keep], train.i[keep], marker, markersize=size, color=colour)
    axes.set_ylim(-0.5, shown - 0.5)
    if shown < 5:
        axes.set_yticks(range(shown))
    axes.set_ylabel(name if shown == train.n else f"{name}\n({shown} of {train.n:,})")


def _rates(axes: Axes, rates: Mapping[str, np.ndarray]) -> None:
    for number, (name, rate) in enumerate(rates.items()):
        width = min(max(SMOOTHED, rate.size // SHOWN_WINDOWS), max(1, rate.size))
        kernel = np.ones(width) / width
        smooth = np.convolve(rate, kernel, "same") if rate.size else rate
        time = 1e3 * BIN * (np.arange(rate.size) + 0.5)
        axes.plot(time, smooth, color=f"C{number % 10}", linewidth=0.9, label=name)
    axes.set_ylabel("rate (Hz)")
    axes.legend(frameon=False, ncols=4, fontsize="small", loc="upper right")


def _trace(axes: Axes, name: str, trace: Trace, unit: str, dt: float) -> None:
    for number in range(trace.values.shape[1]):
        axes.plot(1e3 * dt * trace.steps, trace.values[:, number], linewidth=0.8)
    axes.set_ylabel(name if unit in ("", "1") else f"{name}\n(SI; text: {unit})")
