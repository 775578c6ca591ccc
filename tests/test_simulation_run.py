"""Shipped simulations show what their papers say; and what a run leaves behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import erfcx

from neuro_rtrl import simulation_run
from neuro_rtrl.cli import main
from neuro_rtrl.engine import shares
from neuro_rtrl.engine.run_file import open_run
from neuro_rtrl.engine.simulation import Simulation
from neuro_rtrl.errors import NeuroRtrlError, SimulationError
from neuro_rtrl.network.describe import Network
from neuro_rtrl.simulation_run import run_simulation
from tests.test_simulation_text import written


def rows_of(name: str, folder: Path, *overrides: str) -> dict[str, dict[str, Any]]:
    summary = run_simulation(name, out=folder / "run", overrides=overrides)
    return {row["population"]: row for row in summary["populations"]}


def test_cuba_fires_irregularly_at_five_hertz(tmp_path: Path) -> None:
    rows = rows_of("cuba", tmp_path)
    for row in rows.values():
        assert 4.5 < row["rate"] < 6.5  # Brian2's example: 5.5 Hz
        assert row["cv"] > 0.35


def test_threads_of_the_command_leave_the_same_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "cores", lambda: 2)
    asked: list[int] = []
    made = simulation_run.Simulation

    def noted(net: Network, threads: int) -> Simulation:
        asked.append(threads)
        return made(net, threads)

    monkeypatch.setattr(simulation_run, "Simulation", noted)
    spikes = []
    for threads in ("1", "2"):
        out = str(tmp_path / threads)
        short = ["--set", "simulation.duration='0.1 s'", "--threads", threads]
        with pytest.raises(SystemExit, match="0"):
            main(["simulate", "cuba", "--out", out, "--quiet", *short])
        with open_run(out) as run:
            spikes.append([run.spikes(name) for name in ("excitatory", "inhibitory")])
    assert asked == [1, 2]
    for one, two in zip(*spikes, strict=True):
        np.testing.assert_array_equal(two.step, one.step)
        np.testing.assert_array_equal(two.i, one.i)
        assert one.i.size > 100


def test_coba_fires_irregularly_at_twenty_hertz(tmp_path: Path) -> None:
    rows = rows_of("coba", tmp_path, "simulation.duration='0.5 s'")
    for row in rows.values():
        assert 15 < row["rate"] < 25  # Vogels & Abbott 2005: 10 to 30 Hz
        assert row["cv"] > 0.8


def test_cobahh_is_balanced(tmp_path: Path) -> None:
    rows = rows_of("cobahh", tmp_path, "simulation.duration='0.2 s'")
    assert 20 < rows["excitatory"]["rate"] < 60
    assert rows["inhibitory"]["rate"] == pytest.approx(rows["excitatory"]["rate"], rel=0.15)


def test_an_adaptive_threshold_makes_spikes_more_regular(tmp_path: Path) -> None:
    adaptive = rows_of("adaptive_threshold", tmp_path / "a")["units"]
    fixed = rows_of("adaptive_threshold", tmp_path / "f", "models.unit.parameters.jump='0 mV'")
    assert 60 < adaptive["rate"] < 80
    assert fixed["units"]["rate"] > 1.2 * adaptive["rate"]
    assert adaptive["cv"] < fixed["units"]["cv"]


def test_izhikevich_units_fire_at_eight_hertz(tmp_path: Path) -> None:
    rows = rows_of("izhikevich_2003", tmp_path)
    assert 6 < rows["excitatory"]["rate"] < 11  # the paper: about 8 Hz
    with open_run(tmp_path / "run") as run:
        rate = run.ledger["rates"]["excitatory"][100:]
    power = np.abs(np.fft.rfft(rate - rate.mean())) ** 2
    frequency = np.fft.rfftfreq(rate.size, 1e-3)
    assert power[(frequency > 2) & (frequency < 60)].mean() > 4 * power[frequency > 100].mean()


# ------------------------------------------------------------------------------------ Brunel


def siegert(mean: float, deviation: float) -> float:
    """Rate of a unit under white noise (Brunel 2000, eq. 21): tau 20 ms, theta 20, V_r 10 mV."""
    low, high = (10 - mean) / deviation, (20 - mean) / deviation
    # 1/nu = tau_rp + tau sqrt(pi) int_low^high exp(u^2) (1 + erf(u)) du
    integral = quad(lambda u: erfcx(-u), low, high)[0]
    return float(1 / (2e-3 + 20e-3 * np.sqrt(np.pi) * integral))


def theory(g: float, ratio: float, j: float, c_e: int) -> float:
    """The self-consistent rate of all units (Brunel 2000, eqs. 4, 5 and 21)."""
    threshold = 20 / (j * c_e * 20e-3)

    def missing(nu: float) -> float:
        drive = ratio * threshold + nu * (1 - 0.25 * g)
        noise = ratio * threshold + nu * (1 + 0.25 * g * g)
        mean, deviation = c_e * j * 20e-3 * drive, j * np.sqrt(c_e * 20e-3 * noise)
        return siegert(mean, deviation) - nu

    return float(brentq(missing, 0.1, 400))


def test_the_theory_is_that_of_the_paper() -> None:
    assert theory(5, 2, 0.1, 1000) == pytest.approx(38.0, abs=0.5)  # table 1


def test_brunel_s_network_fires_as_its_theory_says(tmp_path: Path) -> None:
    small = {"projections.ee.indegree": 400, "projections.ei.indegree": 400}
    small |= {"projections.ie.indegree": 100, "projections.ii.indegree": 100}
    small |= {"populations.excitatory.n": 2000, "populations.external_e.inputs": 2000}
    small |= {"populations.inhibitory.n": 500, "populations.external_i.inputs": 500}
    small |= {"inputs.external_e.sources": 400, "inputs.external_i.sources": 400}
    # j = 20 mV / (c_e 10 Hz 20 ms): the external rate that reaches the threshold stays 10 Hz
    weights = {"0": 0.25, "1": 0.25, "ee": 0.25, "ei": 0.25, "ie": -1.25, "ii": -1.25}
    settings = [f"{key}={value}" for key, value in small.items()]
    settings += [f"projections.{key}.weights='{w} mV'" for key, w in weights.items()]
    rows = rows_of("brunel_ai", tmp_path, *settings, "simulation.duration='0.4 s'")
    for row in rows.values():
        assert row["rate"] == pytest.approx(theory(5, 2, 0.25, 400), rel=0.1)
        assert row["cv"] > 0.3


# -------------------------------------------------------------------------------------- AdEx


@pytest.fixture(scope="module")
def patterns(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """Population -> times of its spikes in ms."""
    folder = tmp_path_factory.mktemp("adex")
    run_simulation("adex_patterns", out=folder)
    with open_run(folder) as run:
        return {name: 1e3 * run.spikes(name).t for name in run.populations}


def test_regular_adex_patterns(patterns: dict[str, np.ndarray]) -> None:
    intervals = {name: np.diff(times) for name, times in patterns.items()}
    tonic = intervals["tonic"][3:]
    assert np.ptp(tonic) < 0.05 * tonic.mean()
    adapting = intervals["adapting"]
    assert (np.diff(adapting) > -0.2).all()  # a step of 0.05 ms may go either way
    assert adapting[-1] > 4 * adapting[0]
    accelerating = intervals["accelerating"]
    assert (np.diff(accelerating) < 0.2).all()
    assert accelerating[-1] < 0.7 * accelerating[0]
    burst = intervals["initial_burst"]
    assert burst[0] < 0.1 * burst[-1]
    assert np.ptp(burst[4:]) < 0.05 * burst[-1]


def test_bursting_transient_and_irregular_adex_patterns(patterns: dict[str, np.ndarray]) -> None:
    for name, spikes in (("bursting", 2), ("delayed_bursting", 4)):
        intervals = np.diff(patterns[name])
        between = np.flatnonzero(intervals > 30)
        assert set(np.diff(between).tolist()) == {spikes}, name  # spikes of a burst
    assert patterns["delayed_bursting"][0] > 3 * patterns["bursting"][0]
    assert 1 <= len(patterns["transient"]) <= 5
    assert patterns["transient"][-1] < 100
    irregular = np.diff(patterns["irregular"])[3:]
    assert irregular.std() / irregular.mean() > 0.4
    lag = [np.abs(irregular[k:] - irregular[:-k]).max() for k in range(1, 8)]
    assert min(lag) > 1.0  # no period of a few spikes


# ---------------------------------------------------------------------------- what a run leaves


def test_what_a_run_leaves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = written(tmp_path), tmp_path / "run"
    arguments = ["simulate", str(file), "--out", str(out), "--json", str(tmp_path / "copy.json")]
    arguments += ["--seed", "5", "--set", "inputs.x.rate='2000 Hz'", "--set", "record.every=3"]
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert not left.value.code
    assert "rate" in capsys.readouterr().out
    assert {path.name for path in out.iterdir()} == {"run.h5", "summary.json", "raster.png"}
    summary = json.loads((out / "summary.json").read_text())
    assert summary == json.loads((tmp_path / "copy.json").read_text())
    assert (summary["seed"], summary["neurons"], summary["inputs"]) == (5, 4, 3)
    with open_run(out) as run:
        assert run.complete
        assert run.ledger["rates"]["a"].sum() * 4 * 1e-3 == pytest.approx(summary["spikes"])
        trace = run.state("a.v")
        assert trace.steps.tolist() == list(range(0, 200, 3))
        assert trace.values.shape == (67, 2)
        assert run.states["a.v"] == "volt"
        assert json.loads(run.texts["simulation"])["inputs"]["x"]["rate"] == "2000 Hz"
    assert summary["spikes"] > 10
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert "--force" in capsys.readouterr().err


def test_blocks_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for size in (1000, 7):
        monkeypatch.setattr(simulation_run, "BLOCK", size)
        told: list[int] = []
        out = tmp_path / str(size)
        run_simulation(
            written(tmp_path),
            out=out,
            overrides=["inputs.x.rate='2000 Hz'", "record.every=4"],
            tell=lambda done, steps, told=told: told.append(done),  # type: ignore[misc]
        )
        assert told[-1] == 200
        assert len(told) == -(-200 // size)
        with open_run(out) as run:
            spikes, trace = run.spikes("a"), run.state("a.v")
            found.append((spikes.step, spikes.i, trace.steps, trace.values))
    assert len(found[0][0]) > 10
    for one, other in zip(*found, strict=True):
        assert (one == other).all()


def test_a_state_that_is_not_finite_ends_a_run_whose_file_stays(tmp_path: Path) -> None:
    file = written(tmp_path, "dv/dt = -v/tau", "dv/dt = v**3/tau/mV**2")
    changes = ["models.unit.method='euler'", "models.unit.reset='v -= 0*mV'"]
    with pytest.raises(SimulationError, match=r"a\.v, unit \d, step 1?\d\d\b") as refusal:
        run_simulation(file, out=tmp_path / "run", overrides=[*changes, "inputs.x.rate='2 kHz'"])
    assert "finite" in str(refusal.value)
    with open_run(tmp_path / "run") as run:
        assert not run.complete


def test_a_run_without_spikes_or_states_has_a_picture(tmp_path: Path) -> None:
    off = ["models.unit.threshold='v > 1*volt'", "record.states=[]"]
    summary = run_simulation(written(tmp_path), out=tmp_path / "run", overrides=off)
    assert summary["spikes"] == 0
    assert summary["populations"][0]["cv"] is None
    assert (tmp_path / "run" / "raster.png").read_bytes().startswith(b"\x89PNG")


def test_a_seed_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(NeuroRtrlError, match=r"network\.seed"):
        run_simulation(written(tmp_path), out=tmp_path / "run", seed=-1)
