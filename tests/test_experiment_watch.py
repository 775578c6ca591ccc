"""Networks that will not learn, or not cheaply, are warned of once; others are not."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from neuro_rtrl import experiment
from neuro_rtrl.errors import NeuroRtrlWarning
from neuro_rtrl.experiment import run_experiment
from neuro_rtrl.experiment_watch import (
    WINDOW,
    DenseWarning,
    SaturatedWarning,
    SilentWarning,
    StaleWarning,
)

TEXT = """
summary = "a small network"
[network]
seed = 1
[populations.x]
inputs = 2
[populations.hidden]
n = 5
model = "lif"
surrogate = { shape = "triangle", height = 0.3, width = 0.3 }
[populations.y]
n = 1
model = "leaky_readout"
[[projections]]
source = "x"
target = "hidden"
weights = "uniform(0.5, 1.1)"
[[projections]]
source = "hidden"
target = "y"
[task]
name = "spiral"
batch = 2
test_size = 4
[learning]
rule = "rtrl"
optimizer = { name = "sgd", learning_rate = 1e-4 }
loss = "bce"
iterations = 20
[record]
spikes = ["hidden"]
"""


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("draw_learning_curve", "draw_raster"):
        monkeypatch.setattr(experiment, name, lambda *arguments: None)


def warned(tmp_path: Path, *changes: str) -> list[str]:
    """The kinds of warnings of a run."""
    file = tmp_path / "small.toml"
    file.write_text(TEXT)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", NeuroRtrlWarning)
        run_experiment(file, out=tmp_path / "run", overrides=changes)
    assert not [w for w in caught if not issubclass(w.category, NeuroRtrlWarning)]
    return [w.category.__name__ for w in caught]


def test_a_network_that_is_alive_is_not_warned_of(tmp_path: Path) -> None:
    assert warned(tmp_path) == []


def test_rate_units_emit_at_every_step_without_a_warning(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", NeuroRtrlWarning)
        small = [
            "learning.iterations=10",
            "task.batch=1",
            "task.test_size=2",
            "populations.hidden.n=6",
        ]
        run_experiment("copy_gru", out=tmp_path, overrides=small)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (SilentWarning, ["projections.0.weights=0.0"]),
        (
            SaturatedWarning,
            ["populations.hidden.parameters={bias = 500.0, t_ref = '0 ms'}"],
        ),
        (DenseWarning, ["populations.hidden.surrogate.width=1000"]),
        (
            StaleWarning,
            ["learning.update='step'", "learning.optimizer={name='sgd', learning_rate=30.0}"],
        ),
    ],
)
def test_each_is_told_once(
    kind: type[NeuroRtrlWarning], changes: list[str], tmp_path: Path
) -> None:
    assert WINDOW * 2 == 20
    assert warned(tmp_path, *changes).count(kind.__name__) == 1
