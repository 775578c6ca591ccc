"""The comparison with Brian2: it passes where it should, and fails where it should."""

from __future__ import annotations

import copy
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuro_rtrl import validation, validation_cases
from neuro_rtrl.cli import main
from neuro_rtrl.contracts import Model
from neuro_rtrl.engine.simulation import simulate
from neuro_rtrl.equations.library import model_files
from neuro_rtrl.equations.model_text import load_model, model_from_text
from neuro_rtrl.errors import BuildError, NeuroRtrlError, SimulationError
from neuro_rtrl.network.describe import Network
from neuro_rtrl.validation import applicable, compare, validate
from neuro_rtrl.validation_brian import Run, import_brian, run_in_brian
from neuro_rtrl.validation_cases import Case, cases, find_gain
from neuro_rtrl.validation_report import ROUNDING, SAME_SPIKES, SILENT, CaseReport, Report

DT = 1e-4
IN_FULL = ("alif", "leaky_readout", "lif", "lif_current")  # the others in one case, for 0.1 s

# Volts, two entries, nonlinear, an awkward name, a refractory period that is an expression.
CONDUCTANCE = '''
equations = """
drive = g_e*(e_rev - e) + g_l*slope*exp((e - v_t)/slope) : amp
de/dt = (g_l*(rest - e) + drive)/C : volt (unless refractory)
dg_e/dt = -g_e/tau_e : siemens
"""
method = "METHOD"
threshold = "e >= v_t + 10*mV"
reset = "e = rest"
refractory = "2*t_half"
[states]
e = { initial = "-70 mV" }
[synapses]
conductance = "g_e += w"
jump = "e += w*kick"
[parameters]
C = { value = 200, unit = "pF", meaning = "capacitance" }
g_l = { value = 10, unit = "nS", meaning = "leak" }
rest = { value = -70, unit = "mV", meaning = "rest" }
e_rev = { value = 0, unit = "mV", meaning = "reversal of excitation" }
v_t = { value = -50, unit = "mV", meaning = "soft threshold" }
slope = { value = 2, unit = "mV", meaning = "sharpness" }
tau_e = { value = 4, unit = "ms", meaning = "decay" }
t_half = { value = 1, unit = "ms", meaning = "half the refractory period" }
kick = { value = 100, unit = "kV", meaning = "jump for a weight of 1" }
'''


@pytest.fixture(autouse=True)
def _brian() -> None:
    pytest.importorskip("brian2", reason="validation compares with Brian2")


def small(model: Model, case: Case) -> validation.Pair:
    return compare(model, case, 0.2, DT, 0)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    folder = tmp_path_factory.mktemp("pictures")
    return {name: validate(name, seconds=0.2, out=folder) for name in IN_FULL}


def test_shipped_models_agree_with_brian(reports: dict[str, Report]) -> None:
    for name, report in reports.items():
        assert report.passed, report
        if load_model(name).method == "exact":
            assert report.identical
            assert report.max_state_difference <= 1e-9
            assert report.agreed == pytest.approx(0.2)
        assert report.spikes > 100 * len(report.cases), name
        assert report.spikes == sum(case.spikes for case in report.cases)


@pytest.mark.parametrize("name", sorted({*applicable()[0]} - {*IN_FULL}))
def test_every_other_model_agrees_with_brian(name: str) -> None:
    model = load_model(name)
    case = next((c for c in cases(model) if c.held and c.reset is None), cases(model)[0])
    report = compare(model, case, 0.1, DT, 0).report
    assert report.spikes > 50
    assert report.identical
    assert report.agreed >= (0.0999 if model.method == "exact" else 0.02), report


def test_units_with_a_threshold_are_alive_in_all_their_cases(reports: dict[str, Report]) -> None:
    spiking = [r for r in reports.values() if load_model(r.model).threshold is not None]
    assert len(spiking) >= 3
    for report in spiking:
        kinds = {(case.reset, case.refractory) for case in report.cases}
        model = load_model(report.model)
        if model.method == "exact" and model.reset:
            assert {reset for reset, _ in kinds} == {"to a value", "by subtraction"}
        if "t_ref" in model.parameters:
            assert {period for _, period in kinds} == {"off", "0 to 3 ms"}
        assert all(2 <= case.rate <= 40 for case in report.cases)
        assert all(case.delays == (0.0, pytest.approx(5e-3)) for case in report.cases)


def test_every_model_has_a_picture(reports: dict[str, Report]) -> None:
    for name, report in reports.items():
        assert report.picture is not None
        assert report.picture.name == f"validate_{name}.png"
        assert report.picture.read_bytes().startswith(b"\x89PNG")


def test_figures_for_machines(reports: dict[str, Report]) -> None:
    report = next(iter(reports.values()))
    keys = ["model", "spikes", "identical", "max_state_difference", "agreed", "verdict", "passed"]
    assert list(report.as_dict()) == keys


def test_every_shipped_model_is_compared_or_excused() -> None:
    names, others = applicable()
    assert sorted([*names, *others]) == sorted(model_files())
    assert all("Brian2" in reason for reason in others.values())


@pytest.mark.parametrize("method", ["euler", "rk4", "exponential_euler"])
def test_a_model_of_ones_own(method: str) -> None:
    text = CONDUCTANCE.replace("METHOD", method)
    if method == "exponential_euler":  # needs equations that are linear in their own variable
        text = text.replace(" + g_l*slope*exp((e - v_t)/slope)", "")
    model = model_from_text(text, name="own")
    own, other = cases(model)
    assert (own.kind, own.refractory, other.kind) == ("to a value", "2*t_half", "by subtraction")
    pair = small(model, own)
    assert pair.report.passed, pair.report
    assert np.ptp(pair.theirs.states["units.g_e"]) > 0


@pytest.mark.parametrize("method", ["euler", "rk4", "exponential_euler"])
def test_methods_of_a_linear_model(method: str) -> None:
    source = load_model("lif_current").source.replace('"exact"', f'"{method}"')
    model = model_from_text(source, name="linear")
    assert small(model, cases(model)[1]).report.passed


def test_maps_are_refused_with_the_reason() -> None:
    with pytest.raises(BuildError, match=r"validate egru: .*map model.*gradcheck.*lif"):
        validate("egru")


def test_several_populations_in_one_network() -> None:
    net = Network(dt="0.5 ms", seed=3)
    x, z = net.inputs(10, name="x"), net.inputs(5, name="z")
    a = net.neurons(30, "lif", name="a", t_ref="2 ms", bias="uniform(0.9, 1.3)")
    b = net.neurons(20, "alif", name="b", bias=1.2, initial={"v": "uniform(0, 1)"})
    y = net.neurons(3, "leaky_readout", name="y")
    for source, target in [(x, a), (z, b), (a, b), (b, a), (a, a), (a, y), (b, y), (x, y)]:
        net.connect(
            source, target, density=0.4, weights="normal(0, 0.2)", delay="uniform(0 ms, 4 ms)"
        )
    inputs = (np.random.default_rng(4).random((800, 15)) < 0.03).astype(float)
    record = ["a.v", "b.v", "b.a", "y.y"]
    ours, theirs = validation.simulate_here(net, inputs, record), run_in_brian(net, inputs, record)
    assert validation.first_difference(ours, theirs) is None
    assert all(len(theirs.spikes[name][0]) > 100 for name in ("x", "z", "a", "b"))
    for key in record:
        np.testing.assert_allclose(ours.states[key], theirs.states[key], rtol=0, atol=1e-12)


def test_times_are_those_of_brian() -> None:
    b = import_brian()
    net = Network(dt="0.1 ms")
    net.inputs(1)
    net.neurons(3, "lif", name="a", bias=np.array([0.5, 1.5, 4.0]))
    inputs = np.zeros((500, 1))
    steps, units = run_in_brian(net, inputs).spikes["a"]
    trains = simulate(net, inputs)["a"].spike_trains()
    assert len(steps) > 2
    for k in range(3):
        expected = np.asarray(steps[units == k] * 0.1 * b.ms / b.second)
        np.testing.assert_allclose(trains[k], expected, rtol=1e-12)


# -- users' own models --------------------------------------------------------------------------

OWN = '''
equations = """
up = int(v > 5*mV) : 1
dv/dt = (I + up*kick - v)/tau + sigma*xi*sqrt(2/tau) : mV (unless refractory)
dI/dt = -I/tau_s : mV
dtheta/dt = (base - theta)/tau_s : mV
"""
method = "euler"
threshold = "v > theta"
reset = "v = 0*mV; theta += 2*mV"
refractory = "v > 8*mV"
[states]
v = { initial = "2*mV*rand()" }
theta = { initial = "base" }
[synapses]
current = "I += w"
jump = "v += w*step"
[parameters]
tau = { value = 20, unit = "ms", meaning = "membrane" }
tau_s = { value = 6, unit = "ms", meaning = "synapse and threshold" }
sigma = { value = 1, unit = "mV", meaning = "noise" }
kick = { value = 1, unit = "mV", meaning = "help above 5 mV" }
base = { value = 10, unit = "mV", meaning = "threshold at rest" }
step = { value = 1, unit = "mV", meaning = "jump of a weight of 1" }
[surrogate]
shape = "boxcar"
'''


def test_a_file_with_noise_conditions_two_entries_and_expressions(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN)
    report = validate(file, seconds=0.2)
    assert report.passed, report
    assert (report.model, report.identical) == ("own", True)
    assert {case.reset for case in report.cases} == {"to a value", "by subtraction"}
    assert {case.refractory for case in report.cases} == {"v > 8*mV"}


def test_cases_that_cannot_be_are_said(tmp_path: Path) -> None:
    report = validate("exponential_if", seconds=0.4)
    assert report.passed
    assert len(report.cases) == len(report.left_out) == 2
    assert all("by subtraction" in words for words in report.left_out)


def test_rounding_parts_a_chaotic_model_and_the_report_says_when() -> None:
    model = load_model("izhikevich")
    case = next(c for c in cases(model) if c.kind == "by subtraction" and c.period is None)
    report = compare(model, case, 0.15, DT, 0).report
    assert report.verdict == ROUNDING
    assert 0.5 * report.horizon <= report.agreed < 0.15


def test_a_singularity_that_brian_rounds_leaves_the_spikes() -> None:
    model = load_model("hodgkin_huxley")
    report = compare(model, cases(model)[0], 0.2, DT, 0).report
    assert report.verdict == SAME_SPIKES
    assert report.horizon == pytest.approx(0.2)  # not chaotic: ours agrees with itself


def test_a_nudge_is_a_rounding() -> None:
    net = Network()
    units = net.neurons(200, "adex", name="units")
    validation_cases.nudge(units, {"v": 1.0, "u": 3e-12, "current": 0.0}, seed=0)
    v, u = units.initial["v"], units.initial["u"]
    assert 0 < np.abs(v / v.mean() - 1).max() < 1e-15
    assert 0 < np.abs(u).max() < 1e-26
    assert not units.initial["current"].any()


def test_a_text_without_a_refractory_period_gets_one() -> None:
    kinds = [(c.kind, c.period) for c in cases(load_model("spike_source"))]
    assert kinds[:2] == [("to a value", None), ("to a value", "2*ms")]
    assert [c.period for c in cases(load_model("leaky_readout"))] == [None]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["liff"], r"unknown neuron model.*Did you mean 'lif'"),
        (["egru"], r"validate egru: .*map model"),
        (["no.toml"], r"cannot be read"),
        (["OWN:v > theta:u > theta"], r"own.toml.*threshold"),
        (["OWN:/tau + sigma:*tau + sigma"], r"own.toml.*equations.*"),
        (['OWN:"euler":"exact"'], r"own: method: .*noise with the method euler"),
        (["lif", "--seconds", "0"], r"no time to compare in"),
        (["lif", "--dt", "0 ms"], r"no time to compare in"),
        (["lif", "--dt", "1 mV"], r"1 mV"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if arguments[0].startswith("OWN"):
        _, old, new = arguments[0].split(":")
        (tmp_path / "own.toml").write_text(OWN.replace(old, new))
        arguments = [str(tmp_path / "own.toml")]
    with pytest.raises(SystemExit) as left:
        main(["validate", *arguments, "--out", str(tmp_path / "out")])
    said = capsys.readouterr().err.strip()
    assert left.value.code == 2, said
    assert re.search(message, said), said
    assert "\n" not in said


# -- the check can fail ---------------------------------------------------------------------------


def broken(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[Network], Any], name: str = "lif"
) -> CaseReport:
    """The comparison of a model when our side runs a network with a change."""
    intact = validation.simulate_here

    def simulate_changed(net: Network, inputs: np.ndarray, record: list[str]) -> Run:
        net = copy.deepcopy(net)
        change(net)
        return intact(net, inputs, record)

    monkeypatch.setattr(validation, "simulate_here", simulate_changed)
    model = load_model(name)
    return small(model, cases(model)[0]).report


@pytest.mark.parametrize("name", ["adex", "quadratic_if", "izhikevich"])
def test_an_error_of_a_nonlinear_model_is_not_taken_for_rounding(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(net: Network) -> None:
        net.projections["source_units"].weights[:5] *= 1 + 1e-6

    report = broken(monkeypatch, change, name)
    assert not report.passed, report
    assert report.horizon > 0.1


def test_a_slightly_wrong_weight_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(net: Network) -> None:
        net.projections["source_units"].weights[0] += 1e-7

    report = broken(monkeypatch, change)
    assert not report.passed
    assert report.max_state_difference > 1e-9


def test_a_wrong_delay_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(net: Network) -> None:
        net.projections["units_units"].delay[:] += 1

    report = broken(monkeypatch, change)
    assert not report.passed
    assert not report.identical
    assert report.first_difference is not None


def test_a_silent_network_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation_cases, "find_gain", lambda rate, start: 1e-6)
    report = small(load_model("lif"), cases(load_model("lif"))[0]).report
    assert report.identical
    assert report.spikes == 0
    assert not report.passed


def test_a_failure_shows_in_the_picture(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(validation_cases, "find_gain", lambda rate, start: 1e-6)
    seen: dict[str, Any] = {}
    monkeypatch.setattr(validation, "draw", lambda file, **facts: seen.update(facts) or file)
    report = validate("lif", seconds=0.05, out=tmp_path)
    assert report.verdict == SILENT
    assert seen["passed"] is False


# -- Brian2's side --------------------------------------------------------------------------------


def test_brian_is_left_as_it_was() -> None:
    b = import_brian()
    before = (b.prefs.codegen.target, float(b.defaultclock.dt), sys.excepthook)
    net = Network(dt="0.5 ms")
    x = net.inputs(2, name="x")
    net.connect(x, net.neurons(2, "lif", name="h"), weights=2.0)
    run = run_in_brian(net, np.array([[1, 0], [0, 0], [0, 1]]), ["h.v"])
    assert (b.prefs.codegen.target, float(b.defaultclock.dt), sys.excepthook) == before
    # Arrivals of step 0 act after its threshold test, so the units spike in step 1.
    assert [a.tolist() for a in run.spikes["h"]] == [[1, 1], [0, 1]]
    assert run.states["h.v"].shape == (2, 3)
    assert run.states["h.v"][:, 0].tolist() == [0, 0]
    assert run.states["h.v"][:, 1].tolist() == [2, 2]


def test_values_are_refused() -> None:
    net = Network()
    net.inputs(1)
    with pytest.raises(BuildError, match="spikes, not values"):
        run_in_brian(net, np.array([[0.5]]))


def test_without_brian_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "brian2", None)
    with pytest.raises(NeuroRtrlError, match=r'not installed.*pip install "neuro_rtrl\[brian2\]"'):
        validate("lif")


def test_an_unusable_brian_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "brian2.py").write_text("import numpy\nnumpy.gone_since_2_4\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "brian2", raising=False)
    with pytest.raises(NeuroRtrlError, match=r"cannot be imported.*AttributeError.*numpy"):
        validate("lif")


# -- gains ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-11, 1.0, 1e8])
def test_a_gain_is_found_at_any_scale(scale: float) -> None:
    gain = find_gain(lambda gain: 15 * gain / scale)
    assert 10 <= 15 * gain / scale <= 25


def test_networks_that_explode_are_too_loud() -> None:
    def rate(gain: float) -> float:
        if gain > 1e-3:
            raise SimulationError("a state is not finite")
        return 1e5 * gain

    assert 10 <= rate(find_gain(rate)) <= 25
