"""Pictures of a run show what is in the file."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuro_rtrl.engine.recorder import Recorder
from neuro_rtrl.engine.run_file import RunFile, open_run
from neuro_rtrl.errors import RunFileError

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunFile]:
    how: dict[str, Any] = {"provenance": {"seed": 1}, "populations": {"h": 3}, "dt": 0.5}
    how |= {"states": {"h.v": [0, 2]}, "units": {"h.v": "mV"}, "influence": {"h": ["w", "u"]}}
    with Recorder(tmp_path / "run.h5", **how) as recorder:
        recorder.spikes("h", [0, 2, 4], [0, 1, 2])
        recorder.state("h.v", [0, 1, 2], [[0, 1], [2, 3], [4, 5]])
        for i, loss in enumerate((8.0, 4.0, 0.01)):
            recorder.loss(i, loss, 0.5 if i == 1 else None)
        columns = [[1.0, -2.0, 3.0], [1, 1, 0], [0, 0, 0], [0, 1, 0], [5, 5, 2], [1, 3, 3]]
        recorder.append_rows("influence/h", *map(np.array, columns))
    with open_run(tmp_path) as opened:
        yield opened
    importlib.import_module("matplotlib.pyplot").close("all")


def test_raster(run: RunFile) -> None:
    axes = run.plot.raster("h")
    (line,) = axes.lines
    assert line.get_xdata().tolist() == [0.0, 1.0, 2.0]
    assert line.get_ydata().tolist() == [0, 1, 2]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time (s)", "unit of h")
    assert axes.get_ylim() == (-0.5, 2.5)
    assert run.plot.raster("h", start=0.5, stop=2.0).lines[0].get_ydata().tolist() == [1]


def test_traces_into_axes_of_ones_own(run: RunFile) -> None:
    own = matplotlib.figure.Figure().subplots()
    axes = run.plot.traces("h.v", axes=own)
    assert axes is own
    assert [line.get_ydata().tolist() for line in axes.lines] == [[0, 2, 4], [1, 3, 5]]
    assert axes.lines[0].get_xdata().tolist() == [0.0, 0.5, 1.0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["unit 0", "unit 2"]
    assert axes.get_ylabel() == "h.v (mV)"
    chosen = run.plot.traces("h.v", [2], start=0.5, stop=1.0)
    assert [line.get_ydata().tolist() for line in chosen.lines] == [[3]]


def test_loss(run: RunFile) -> None:
    axes = run.plot.loss()
    loss, mean, score = axes.lines
    assert loss.get_ydata().tolist() == [8.0, 4.0, 0.01]
    np.testing.assert_allclose(mean.get_ydata(), [8.0, 7.6, 6.841])
    assert (score.get_xdata().tolist(), score.get_ydata().tolist()) == ([1], [0.5])
    assert axes.get_yscale() == "log"


def test_influence(run: RunFile) -> None:
    axes = run.plot.influence("h", 1)
    (drawn,) = axes.collections
    np.testing.assert_allclose(drawn.get_offsets(), [[0.5, 0.0], [1.5, 1.0]])
    assert drawn.get_array().tolist() == [1.0, -2.0]
    assert drawn.get_clim() == (-2.0, 2.0)


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("raster", ["g"], r"unknown population"),
        ("traces", ["h.u"], r"unknown state"),
        ("traces", ["h.v", [1]], r"units that were not recorded; given: \[1\]; expected: some of"),
        ("influence", ["g", 0], r"unknown population"),
        ("influence", ["h", 2], r"this row was not recorded; given: 2; expected: one of \[0, 1\]"),
    ],
)
def test_what_is_not_there(run: RunFile, name: str, arguments: list[Any], text: str) -> None:
    with pytest.raises(RunFileError, match=text):
        getattr(run.plot, name)(*arguments)


def test_without_matplotlib(run: RunFile, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(RunFileError, match=r"matplotlib is not installed.*\[plot\]"):
        run.plot.loss()
