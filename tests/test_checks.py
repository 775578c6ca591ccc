"""`gradcheck`: it passes what is right, and each way of being wrong is seen, on purpose."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl import checks_smoothed
from neuro_rtrl.checks import gradcheck, gradcheck_named
from neuro_rtrl.cli import main
from neuro_rtrl.equations import surrogates
from neuro_rtrl.registry import find
from neuro_rtrl.rules.rtrl import RULE as RTRL


def network(recurrent: bool = True, gain: float = 1.0) -> nr.Network:
    net = nr.Network(seed=4)
    x, h = net.inputs(3, name="x"), net.neurons(6, "alif", name="h", learn=("bias",))
    y = net.neurons(2, "leaky_readout", name="y")
    net.connect(x, h, weights=f"normal({0.6 * gain}, {0.4 * gain})", delay="1 ms")
    if recurrent:
        net.connect(h, h, delay="uniform(0 ms, 2 ms)")
    net.connect(h, y)
    return net


def data(steps: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(steps)
    inputs = (rng.random((2, steps, 3)) < 0.5).astype(float)
    return inputs, rng.standard_normal((2, steps, 2))


class Wrong:
    """A rule whose gradient is that of RTRL times a factor, in one array or all."""

    def __init__(self, factor: float, name: str | None = None, says: str = RTRL.exactness) -> None:
        self.name, self.exactness, self.online = "wrong", says, RTRL.online
        self.factor, self.array = factor, name

    def prepare(self, built: Any) -> Any:
        return RTRL.prepare(built)

    def start(self, built: Any, shared: Any, precision: str) -> Any:
        return Spoiled(RTRL.start(built, shared, precision), self)

    def ledger(self, built: Any, shared: Any, lanes: Any) -> Any:
        return RTRL.ledger(built, shared, [lane.inner for lane in lanes])


@dataclass
class Spoiled:
    inner: Any
    rule: Wrong

    @property
    def run(self) -> Any:
        return self.inner.run

    def restart(self) -> None:
        self.inner.restart()

    def advance(self, stream: Any, gradient: np.ndarray, restart: bool) -> bool:
        more = bool(self.inner.advance(stream, gradient, restart))
        names = self.inner.built.plan.names
        places = slice(None) if self.rule.array is None else names[self.rule.array]
        gradient[places] *= self.rule.factor
        return more


@pytest.mark.parametrize("rule", ["rtrl", "bptt"])
def test_exact_rules_pass(rule: str) -> None:
    row = gradcheck(network(), *data(), rule=rule)
    assert row.passed and row.verdict == "passed" and row.remark == ""
    assert row.reference == {"rtrl": "bptt", "bptt": "rtrl"}[rule]
    assert row.max_relative_error < 1e-12
    assert row.difference_error is not None and 0 < row.difference_error < 1e-6
    assert (row.cosine, row.norm_ratio) == pytest.approx((1.0, 1.0))
    learner = nr.Learner(network(), rule="bptt", update="sequence")
    learner.run(data()[0])
    assert row.spikes == learner.ledger.spikes


def test_a_rule_as_a_value() -> None:
    assert gradcheck(network(), *data(), rule=find("rules", "snap-9")).rule == "snap-9"


@pytest.mark.parametrize("rule", ["eprop", "snap-1", "tbptt-5", "dni"])
def test_approximate_rules_are_not_said_to_have_passed(rule: str) -> None:
    row = gradcheck(network(), *data(), rule=rule)
    assert row.verdict == "approximate" and not row.passed
    assert row.reference == "rtrl" and row.difference_error is None
    assert row.max_relative_error > 1e-3
    assert -1 < row.cosine < 0.99999 and row.norm_ratio > 0
    assert row.exactness == find("rules", rule).exactness


@pytest.mark.parametrize("rule", ["eprop", "snap-1", "tbptt-40"])
def test_approximate_rules_pass_where_they_are_exact(rule: str) -> None:
    row = gradcheck(network(recurrent=False), *data(), rule=rule)
    assert row.verdict == "passed" and row.reference == "bptt"


def test_a_wrong_gradient_fails() -> None:
    row = gradcheck(network(), *data(), rule=Wrong(1 + 1e-8))
    assert row.verdict == "failed" and "differs from bptt" in row.remark
    assert row.max_relative_error == pytest.approx(1e-8, rel=0.01)


def test_a_statement_that_promises_too_much_fails() -> None:
    """Exact for readouts only, and that is not kept."""
    says = "drops a lot; exact for the parameters of readouts"
    assert gradcheck(network(), *data(), rule=Wrong(2.0, "x_h", says)).verdict == "approximate"
    row = gradcheck(network(), *data(), rule=Wrong(1 + 1e-6, "h_y", says))
    assert row.verdict == "failed" and "said to be exact here" in row.remark


@pytest.mark.parametrize("part", ["flow_h", "reset_h", "flow_theta"])
def test_a_jacobian_that_all_rules_share_is_seen_by_differences(part: str) -> None:
    """RTRL and back-propagation agree on a wrong gradient."""
    net = network()
    hidden = net.populations["h"]
    derived = hidden.derived
    assert derived is not None
    matrix = vars(derived)[part]
    wrong = tuple(tuple(1.01 * entry for entry in row) for row in matrix)
    hidden.derived = replace(derived, **{part: wrong})
    row = gradcheck(net, *data())
    assert row.max_relative_error < 1e-10
    assert row.verdict == "failed" and "finite differences" in row.remark


def test_a_wrong_surrogate_in_the_kernels_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(surrogates.SHAPES, "triangle", "1.01 - z")
    row = gradcheck(network(), *data())
    assert row.max_relative_error < 1e-10
    assert row.verdict == "failed" and "finite differences" in row.remark


def test_a_wrong_smoothed_network_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = checks_smoothed.smooth_step
    monkeypatch.setattr(checks_smoothed, "smooth_step", lambda s, g: 1.001 * right(s, g))
    assert gradcheck(network(), *data()).verdict == "failed"


def test_not_a_number_is_no_agreement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks_smoothed, "smooth_step", lambda s, g: np.full_like(g, np.nan))
    assert gradcheck(network(), *data()).verdict == "failed"


def test_silence_proves_nothing() -> None:
    for rule in ("rtrl", "eprop"):
        row = gradcheck(network(gain=1e-6), *data(), rule=rule)
        assert row.verdict == "nothing checked" and "silent" in row.remark and not row.passed


def test_no_gradient_proves_nothing() -> None:
    inputs, targets = data()
    row = gradcheck(network(), inputs, np.full_like(targets, np.nan))
    assert row.verdict == "nothing checked" and "zero everywhere" in row.remark
    with pytest.raises(nr.NeuroRtrlError, match=r"targets have the wrong shape"):
        gradcheck(network(), inputs, None)


def test_arrays_that_nothing_is_known_of_are_named() -> None:
    net = network()
    net.connect("x", "h", weights=0.0, name="late", delay="100 ms")
    row = gradcheck(net, *data())
    assert row.passed and row.remark == "zero, so not proved: late"


def test_a_trace_that_forgets_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of half the sequence agree with one window of all of it, in the first half only."""
    says = "drops nothing: or so it says"
    forgetful = replace(find("rules", "tbptt-20"), exactness=says, name="forgetful")
    row = gradcheck(network(), *data(), rule=forgetful)
    assert row.verdict == "failed"


def test_every_model_by_its_name() -> None:
    rows = gradcheck_named("lif")
    assert [row["rule"] for row in rows] == ["rtrl"] and rows[0]["passed"]
    assert json.dumps(rows)


def test_an_experiment() -> None:
    rows = gradcheck_named("spiral", "eprop")
    assert [(r["model"], r["rule"], r["verdict"]) for r in rows] == [
        ("spiral", "eprop", "approximate")
    ]


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rows.json"
    with pytest.raises(SystemExit) as left:
        main(["gradcheck", "lif", "--rule", "snap-2", "--json", str(file)])
    assert not left.value.code
    said, (row,) = capsys.readouterr().out, json.loads(file.read_text())
    assert row["verdict"] == "approximate" and not row["passed"]
    assert "snap-2" in said and "drops entries" in said
    with pytest.raises(SystemExit) as left:
        main(["gradcheck", "lif", "--rule", "snop-2"])
    assert left.value.code == 2


def test_the_command_fails_with_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    right = checks_smoothed.smooth_step
    monkeypatch.setattr(checks_smoothed, "smooth_step", lambda s, g: 2 * right(s, g))
    with pytest.raises(SystemExit) as left:
        main(["gradcheck", "lif"])
    assert left.value.code == 1
