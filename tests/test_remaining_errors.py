"""Errors that no other test meets, each brought about once (`benchmarks/uncovered_raises.py`)."""

from __future__ import annotations

import gzip
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

import neuro_rtrl as nr
from neuro_rtrl import checks, checks_smoothed, validation
from neuro_rtrl.cli import GRADIENT_COLUMNS, _conclude, main
from neuro_rtrl.compare_pool import Runner
from neuro_rtrl.compile import brian, native
from neuro_rtrl.contracts import Trial
from neuro_rtrl.datasets import fashion_mnist
from neuro_rtrl.engine.recorder import Recorder
from neuro_rtrl.engine.times import check_update
from neuro_rtrl.errors import NeuroRtrlError, RunFileError, SimulationError
from neuro_rtrl.experiment_evaluation import Evaluator
from neuro_rtrl.experiment_text import check_experiment, load_experiment
from neuro_rtrl.registry import find


def network(readout: str = "leaky_readout") -> nr.Network:
    net = nr.Network(seed=1)
    x, h = net.inputs(2), net.neurons(3, "lif", name="h")
    net.connect(x, h, weights=1.2)
    net.connect(h, h, weights=0.2)
    net.connect(h, net.neurons(1, readout, name="y"), weights=1.0)
    return net


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        ("rules", "ok-0", "not a rank of ok"),
        ("rules", "sk-rtrl-x", "not a rank of sk-rtrl"),
        ("rules", "tbptt-0", "not a window"),
        ("rules", "pp-prop-1", "not a decay of factors"),
        ("rules", "pp-prop-x", "not a decay of factors"),
        ("rules", "random-paths-x", "random-paths-x"),
        ("rules", "rtrl-tolerance-x", "rtrl-tolerance-x"),
        ("rules", "eprop-other", "unknown feedback of eprop"),
        ("rules", "rflo-other", "unknown feedback of rflo"),
        ("rules", "superspike-other", "unknown feedback of superspike"),
    ],
)
def test_members_of_families(kind: str, name: str, text: str) -> None:
    with pytest.raises(NeuroRtrlError, match=text):
        find(kind, name)


def test_nothing_of_that_name_to_check() -> None:
    with pytest.raises(NeuroRtrlError, match=r"unknown model or experiment; given: 'nothing'"):
        checks.gradcheck_named("nothing")


def test_an_experiment_whose_targets_come_late(monkeypatch: pytest.MonkeyPatch) -> None:
    class Late:
        def train(self, iteration: int) -> Trial:
            return Trial(np.zeros((1, 5, 2)), np.full((1, 5, 1), np.nan))

    monkeypatch.setattr(checks, "make_task", lambda experiment: Late())
    with pytest.raises(NeuroRtrlError, match=r"spiral: no step .* early enough to be checked"):
        checks.check_experiment("spiral", [])


def test_inputs_have_no_states() -> None:
    net: Any = nr.Network()
    with pytest.raises(NeuroRtrlError, match=r"inputs have no states"):
        checks_smoothed._Group(net.inputs(2), {}, 1, 1e-3)


def test_what_is_no_assignment_is_not_translated() -> None:
    with pytest.raises(NeuroRtrlError, match=r"this is not an assignment; given: 'v \+ 1'"):
        brian._statements("v + 1", {"v": "v"})


def test_generated_code_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "spec_from_file_location", lambda *both: None)
    with pytest.raises(NeuroRtrlError, match=r"cannot be loaded; given: x\.py; .*NEURO_RTRL_CACHE"):
        native._load("x", Path("x.py"))


def test_images_in_another_form() -> None:
    with pytest.raises(NeuroRtrlError, match=r"not in IDX form; given: 00000802"):
        fashion_mnist._idx(gzip.compress(bytes([0, 0, 8, 2, 9])))


def test_a_recorder_whose_disk_fails_gives_its_file_up(tmp_path: Path) -> None:
    how: dict[str, Any] = {"provenance": {"seed": 1}, "populations": {"a": 3}, "dt": 1e-3}
    recorder = Recorder(tmp_path / "run.h5", **how)
    text = r"cannot be written; given: no such device"
    with pytest.raises(RunFileError, match=text), recorder._writing():
        raise OSError("no such device")
    with pytest.raises(RunFileError, match=r"the run file is closed"):
        recorder.flush()


def test_updates_where_there_is_no_gradient() -> None:
    with pytest.raises(NeuroRtrlError, match=r"bptt has its gradient at the end of a sequence"):
        check_update(find("rules", "bptt"), "step", 1)
    with pytest.raises(NeuroRtrlError, match=r"gradient at every 10 steps only.*update=20"):
        check_update(find("rules", "tbptt-10"), 16, 16)


@pytest.mark.parametrize(
    ("equations", "options", "text"),
    [
        ("dv/dt = -v/tau + xi/sqrt(tau) : 1", {"method": "rk4"}, "noise with the method euler"),
        ("dv/dt = -v/tau + xi*xi : 1", {"method": "euler"}, "noise in sums, as in f . g.xi"),
        ("dv/dt = -v/tau : 1", {"threshold": "v > xi"}, "white noise has no place here"),
        (
            "dv/dt = -v/tau : 1",
            {"initial": {"v": "tau*randn()"}},
            "initial value has the wrong unit",
        ),
    ],
)
def test_models(equations: str, options: dict[str, Any], text: str) -> None:
    with pytest.raises(NeuroRtrlError, match=text):
        nr.Network().neurons(1, nr.make_model(equations, parameters={"tau": "10 ms"}, **options))


def test_a_test_whose_states_are_not_finite() -> None:
    evaluator = Evaluator(network())
    with pytest.raises(SimulationError, match=r"not finite"):
        evaluator.predict(np.ones((1, 70, 2)), {"h_y": np.full(3, np.inf)})


@pytest.mark.parametrize(
    ("override", "text"),
    [
        ("learning.average=1", "spiral"),
        ("populations.hidden.reset_gradient=1", "not a truth value"),
        ("learning.rule.x.y=1", "the path leads through a value; given: 'rtrl'"),
    ],
)
def test_overrides(override: str, text: str) -> None:
    with pytest.raises(NeuroRtrlError, match=text):
        load_experiment("spiral", [override])


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("projections", 3, r"not an array of tables"),
        ("populations", {}, r"there are no populations"),
    ],
)
def test_texts(key: str, value: Any, text: str) -> None:
    whole = load_experiment("spiral").values | {key: value}
    with pytest.raises(NeuroRtrlError, match=text):
        check_experiment(whole, Path("spiral.toml"))


def test_a_sweep_without_such_a_label() -> None:
    with pytest.raises(NeuroRtrlError, match=r"unknown label"):
        load_experiment("spiral_sparsity", ["sweep.only.weight_sparsity=['nothing']"])


def test_a_validation_that_fails_where_nothing_was_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: Any) -> None:
        raise SimulationError("too high")

    monkeypatch.setattr(validation, "compare", fails)
    with pytest.raises(SimulationError, match=r"too high"):
        list(validation._pairs(nr.load_model("lif"), 0.1, 1e-3, 1))


def test_tangents_that_are_not_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    learner: Any = nr.Learner(network(), "uoro", update="sequence")
    lane = learner._session.lane(0)

    def spoil(tangents: Any, phase: Any) -> int:
        tangents.V[0] = np.nan
        return 0

    monkeypatch.setattr(lane.rule, "absorb", spoil)
    with pytest.raises(SimulationError, match=r"the tangents are not finite"):
        learner.run(np.ones((1, 3, 2)))


@pytest.mark.parametrize("rule", ["eprop", "rtrl"])
def test_states_that_are_not_finite(rule: str) -> None:
    net = network()
    net.projections["h_y"].weights[:] = 1e308
    learner = nr.Learner(net, rule, update="sequence")
    with pytest.raises(SimulationError, match=r"y, unit 0.*not finite"):
        learner.run(np.ones((1, 70, 2)))


def test_rewards_of_sigmoids() -> None:
    learner = nr.Learner(network(), "reward-eprop", loss="bce", update="sequence")
    with pytest.raises(NeuroRtrlError, match=r"reward-eprop has no actions for this loss"):
        learner.run(np.ones((1, 3, 2)), np.ones((1, 3, 1)))


def left(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main([*arguments])
    return int(caught.value.code or 0)


def test_exit_codes_of_what_was_interrupted_or_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = {"experiment": "a", "interrupted": True, "signal": "SIGTERM", "out": "a", "ledger": {}}
    monkeypatch.setattr("neuro_rtrl.experiment.run_experiment", lambda *a, **b: ended)
    assert left("run", "spiral", "--quiet") == 143
    ended["signal"] = "SIGINT"
    assert left("run", "spiral", "--quiet") == 130
    found: dict[str, Any] = {"rows": [], "interrupted": True}
    monkeypatch.setattr("neuro_rtrl.compare_rules.compare", lambda *a, **b: found)
    assert left("compare", "spiral", "--quiet") == 130
    found |= {"interrupted": False, "rows": [{"error": "it failed", "curve": []}]}
    assert left("compare", "spiral", "--quiet") == 1
    row = dict.fromkeys(("rule", "exactness", *GRADIENT_COLUMNS), 0) | {"verdict": "wrong"}
    monkeypatch.setattr(checks, "gradcheck_named", lambda *a: [row])
    assert left("gradcheck", "lif") == 1
    with pytest.raises(typer.Exit):
        _conclude("a check", [{"passed": True}, {"passed": False}], None)


def test_a_second_interrupt_of_a_comparison_is_not_held_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Never:
        """A pool in which nothing ends."""

        def submit(self, work: Callable[..., Any], job: Any) -> Any:
            return job

    def interrupted(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("neuro_rtrl.compare_pool.wait", interrupted)
    pool: Any = Runner.__new__(Runner)
    pool.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        pool._round(Never(), ["job"])
