"""Pictures of an open run, into axes of the user's or new ones; matplotlib is imported for them."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neuro_rtrl.engine import rows
from neuro_rtrl.errors import RunFileError

if TYPE_CHECKING:
    from neuro_rtrl.engine.run_file import RunFile

SMOOTHING = 0.1
"""Weight of the newest value in the running means that are drawn (the protocol's EWMA)."""


class Plots:
    """What `RunFile.plot` offers; every picture returns its matplotlib `Axes`.

    Args:
        run: an open run file.
    """

    def __init__(self, run: RunFile) -> None:
        self._run = run

    def raster(
        self,
        population: str,
        *,
        start: float = 0.0,
        stop: float | None = None,
        axes: Any = None,
    ) -> Any:
        """Events of a population: time in seconds across, unit up.

        Args:
            population: its name.
            start, stop: in seconds; by default all of the run.
            axes: matplotlib's; None: new ones.

        Raises:
            RunFileError: there is no such population, or matplotlib is not installed.
        """
        spikes, axes = self._run.spikes(population), _axes(axes)
        shown = _within(spikes.t, start, stop)
        size = max(1.0, min(6.0, 120.0 / spikes.n))
        axes.plot(spikes.t[shown], spikes.i[shown], "|", color="C0", markersize=size)
        axes.set(xlabel="time (s)", ylabel=f"unit of {population}", ylim=(-0.5, spikes.n - 0.5))
        return axes

    def traces(
        self,
        name: str,
        units: Sequence[int] | None = None,
        *,
        start: float = 0.0,
        stop: float | None = None,
        axes: Any = None,
    ) -> Any:
        """A recorded state over time, a line for each unit.

        Args:
            name: as "hidden.v".
            units: numbers of recorded units; None: all of them.
            start, stop: in seconds; by default all of the run.
            axes: matplotlib's; None: new ones.

        Raises:
            RunFileError: the state or a unit was not recorded, or matplotlib is not installed.
        """
        steps, values, recorded = self._run.state(name)
        columns = self._columns(name, recorded, units)
        axes, times = _axes(axes), steps * self._run.dt
        shown = _within(times, start, stop)
        for column in columns:
            axes.plot(times[shown], values[shown, column], label=f"unit {recorded[column]}")
        unit = self._run.states[name]
        axes.set(xlabel="time (s)", ylabel=f"{name} ({unit})" if unit not in ("", "1") else name)
        axes.legend(frameon=False, fontsize="small")
        return axes

    def loss(self, *, axes: Any = None) -> Any:
        """Loss of every iteration, its running mean, and the scores of the tests.

        Raises:
            RunFileError: matplotlib is not installed.
        """
        axes, run = _axes(axes), self._run
        iteration, loss, score = run.iteration, run.loss, run.score
        axes.plot(iteration, loss, color="0.8", linewidth=0.8, label="loss")
        axes.plot(iteration, smooth(loss), color="C0", label="loss, running mean")
        tested = ~np.isnan(score)
        if tested.any():
            axes.plot(iteration[tested], score[tested], "o-", color="C1", ms=3, label="test score")
        positive = loss.size > 0 and loss.min() > 0 and loss.max() > 100 * loss.min()
        axes.set(xlabel="iteration", ylabel="loss", yscale="log" if positive else "linear")
        axes.legend(frameon=False, fontsize="small")
        return axes

    def influence(self, population: str, unit: int, state: int = 0, *, axes: Any = None) -> Any:
        """Entries of one row of the influence matrix: time across, learned value up.

        Learned values are numbered as they come in the file; colour is the derivative.

        Args:
            population: its name.
            unit: whose row.
            state: number of the state, in the order of the model's text.
            axes: matplotlib's; None: new ones.

        Raises:
            RunFileError: nothing of it was recorded, or matplotlib is not installed.
        """
        found = self._run.influence(population)
        chosen = (found.unit == unit) & (found.state == state)
        where = f"{self._run.path.name}: influence/{population}"
        kept = sorted({*found.unit.tolist()})
        rows.require(bool(chosen.any()), "this row was not recorded", where, unit, f"one of {kept}")
        keys = np.stack([found.learned[chosen], found.number[chosen]])
        place = np.unique(keys, axis=1, return_inverse=True)[1].ravel()
        axes, value = _axes(axes), found.value[chosen]
        largest = float(np.abs(value).max())
        # Entries of a row differ by orders of magnitude, and have both signs.
        colours = importlib.import_module("matplotlib.colors")
        norm = colours.SymLogNorm(largest / 100, vmin=-largest, vmax=largest)
        drawn = axes.scatter(
            found.step[chosen] * self._run.dt, place, c=value, s=8, marker="s", cmap="RdBu_r",
            norm=norm,
        )  # fmt: skip
        axes.figure.colorbar(drawn, ax=axes, label="d state / d learned value")
        axes.set(xlabel="time (s)", ylabel=f"learned value, in row of {population}, unit {unit}")
        return axes

    def _columns(self, name: str, recorded: np.ndarray, units: Sequence[int] | None) -> list[int]:
        numbers = recorded.tolist()
        wanted = numbers if units is None else [*units]
        left = [unit for unit in wanted if unit not in numbers]
        where = f"{self._run.path.name}: states/{name}"
        rows.require(not left, "units that were not recorded", where, left, f"some of {numbers}")
        return [numbers.index(unit) for unit in wanted]


def _within(times: np.ndarray, start: float, stop: float | None) -> np.ndarray:
    return np.asarray((times >= start) & (times < (np.inf if stop is None else stop)))


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


def _axes(axes: Any) -> Any:
    if axes is not None:
        return axes
    try:
        pyplot = importlib.import_module("matplotlib.pyplot")
    except ImportError as error:
        raise RunFileError(
            "matplotlib is not installed",
            where="RunFile.plot",
            expected="matplotlib, an optional library",
            remedy='Install it: python -m pip install "neuro-rtrl[plot]"',
        ) from error
    return pyplot.subplots(figsize=(7, 3.5), layout="constrained")[1]
