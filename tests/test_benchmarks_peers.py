"""Peers are asked, understood and reported as absent; the peers themselves are not installed."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import nest_learn, peer_runs, simulate
from benchmarks.network import Case, activity, make
from benchmarks.ours import gradient
from benchmarks.peers import balanced

SMALL = Case(12, 0.5, 0.5, rate=0.05)
# A peer whose gradient is twice the weights, and which says how many steps it was given.
STAND_IN = """
import common
given = common.arguments()
data = common.load(given.problem)
found = {f"g_{k}": 2 * data[f"w_{k}"] for k in ("in", "rec", "out")}
common.write(given, found, [1.0] * given.runs, "7", given.variant, 0.0, heard=len(data["x"]))
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> peer_runs.Peer:
    shutil.copy(peer_runs.SCRIPTS / "common.py", tmp_path)
    (tmp_path / "stand_in.py").write_text(STAND_IN, encoding="utf-8")
    monkeypatch.setattr(peer_runs, "SCRIPTS", tmp_path)
    return peer_runs.Peer("stand-in", "none", (), "stand_in.py", variant="v", steps=30, largest=12)


def test_a_peer_gets_its_steps_and_its_gradient_is_compared(stand_in: peer_runs.Peer) -> None:
    problem = make(SMALL, 60)
    found = peer_runs.run(stand_in, Path(sys.executable), problem, [], 3)
    assert (found.version, found.steps, found.details["heard"]) == ("7", 30, 30)
    assert found.ms_per_step_median == pytest.approx(1e3 / 30)
    assert (found.details["form"], found.details["precision"]) == ("v", "float32")
    wanted = gradient(problem.cut(30), "bptt")
    weights = (problem.w_in, problem.w_rec, problem.w_out)
    off = [np.linalg.norm(2 * w - g) for w, g in zip(weights, wanted, strict=True)]
    scale = [np.linalg.norm(g) for g in wanted]
    error = np.linalg.norm(off) / np.linalg.norm(scale)
    assert found.gradient_error == pytest.approx(error, rel=1e-5)


def test_a_peer_is_absent_with_its_reason(stand_in: peer_runs.Peer) -> None:
    problem = make(SMALL, 60)
    for python, reason in (
        ("no such program", "no such program"),
        (Path(sys.executable), "failed"),
    ):
        broken = peer_runs.Peer("x", "none", (), "nowhere.py")
        found = peer_runs.run(broken, python, problem, [], 1)
        assert found.ms_per_step_median is None
        assert reason in found.details["absent"]
    larger = make(Case(13, 0.5, 0.5, rate=0.05), 30)
    assert "more than 12 units" in str(peer_runs.answer(stand_in, Path(sys.executable), larger, 1))


def test_nest_is_absent_in_both_questions() -> None:
    why = "not installed (use --peers)"
    eprop = list(nest_learn.measure(make(SMALL, 30), why, 1))
    assert [r.who for r in eprop] == ["NEST eprop_iaf_bsshslm_2020", "NEST eprop_iaf"]
    balanced_pair = simulate.beside_nest("CUBA", 100, 20, 1, why, ((15, 1),))
    ours, nest = balanced_pair
    assert ours.ms_per_step_median is not None
    assert {r.details["absent"] for r in (*eprop, nest)} == {why}


def test_a_calmed_network_has_the_activity_that_was_asked_for() -> None:
    problem = make(Case(24, 0.5, 0.5, rate=0.05), 500)
    wild = activity(problem.w_in, problem.w_rec, problem.x, 0.3, jump=1.0)[0]
    assert wild > 1.1 * problem.rate
    calm = nest_learn.calmed(problem)
    assert 0.03 < calm.rate <= 0.05
    assert calm.rate == activity(calm.w_in, calm.w_rec, calm.x, 0.3, jump=1.0)[0]


def test_our_reset_by_subtraction_is_that_of_the_model() -> None:
    problem = make(SMALL, 60)
    late, now = (nest_learn.same_reset(problem, model)["reset"] for model in nest_learn.MODELS)
    assert now == "v -= 1.0"
    assert float(late.removeprefix("v -= ")) * problem.alpha == pytest.approx(1.0, abs=1e-15)


def test_words_choose_what_is_simulated() -> None:
    assert simulate.chosen(["NEST", "4000", "COBA"]) == {
        "sizes": (4000,),
        "kinds": ("COBA",),
        "programs": ("NEST",),
    }
    assert simulate.chosen(None) == {}


def test_the_checksum_sees_every_part() -> None:
    drawn = balanced.draw("COBA", 100)
    whole = balanced.checksum(drawn)
    drawn.inhibitory[1][3] += 1
    assert balanced.checksum(drawn) != whole
    drawn.inhibitory[1][3] -= 1
    drawn.initial["gi"][5] += 1e-9
    assert balanced.checksum(drawn) != whole
