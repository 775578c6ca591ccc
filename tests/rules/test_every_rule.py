"""Every rule of the registry is held to its exactness statement.

The rules are found by looking into the folder: a new one is checked without an edit here. Where
its statement promises exact gradients it has to have them; and a rule that drops something has to
be seen dropping it somewhere, or its statement says too little.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.checks import GradCheck, gradcheck
from neuro_rtrl.checks_statement import CLAUSES, clauses
from neuro_rtrl.contracts import Rule
from neuro_rtrl.errors import BuildError
from neuro_rtrl.registry import files, find

NAMES = (*files("rules"), "snap-2", "snap-3", "tbptt-3", "tbptt-100")
KINDS = ("alone", "alone without reset", "layers", "loop", "rates alone", "rates in a loop")


def network(kind: str) -> nr.Network:
    """Inputs, hidden units of that kind, a readout without memory, one with it (spiking units)."""
    net, rates = nr.Network(seed=7), kind.startswith("rates")
    changes = {"reset": "v -= 0"} if kind == "alone without reset" else {}
    model = "vanilla" if rates else "threshold_rnn" if changes else "lif"
    x = net.inputs(4, name="x")
    h = net.neurons(12 if "loop" in kind else 5, model, name="h", learn=("bias",) if rates else ())
    weights = "normal(0, 0.6)" if rates else "normal(0.5, 0.5)"
    net.connect(x, h, weights=weights)
    last = h
    if kind == "layers":
        last = net.neurons(4, model, name="h2")
        net.connect(h, last, weights="normal(0.6, 0.5)")
    if "loop" in kind:
        net.connect(h, h, weights="normal(0, 0.7)")
    net.connect(last, net.neurons(2, "readout", name="y", learn=("bias",)))
    return net


@functools.cache
def check(name: str, kind: str) -> GradCheck | None:
    """None if the rule refuses such a network."""
    rng = np.random.default_rng(8)
    inputs = (rng.random((1, 45, 4)) < 0.5) * rng.uniform(0.5, 1.5, (1, 45, 4))
    targets = rng.standard_normal((1, 45, 2))
    targets[:, 20:30] = np.nan
    try:
        return gradcheck(network(kind), inputs, targets, rule=name)
    except BuildError:
        return None


def test_rules_are_found() -> None:
    assert {"bptt", "dni", "eprop", "rtrl", "snap", "tbptt"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_statement_can_be_read(name: str) -> None:
    rule: Rule = find("rules", name)
    assert clauses(rule.exactness), f"{rule.exactness!r} has none of {[c for c, _ in CLAUSES]}"


@pytest.mark.parametrize("name", NAMES)
def test_what_it_promises_is_so(name: str) -> None:
    rows = [row for kind in KINDS if (row := check(name, kind)) is not None]
    assert rows, "every network is refused"
    wrong = [row for row in rows if row.verdict not in ("passed", "approximate")]
    assert not wrong, wrong


@pytest.mark.parametrize("name", NAMES)
def test_it_is_not_exact_where_it_does_not_say_so(name: str) -> None:
    rows = [row for kind in KINDS if (row := check(name, kind)) is not None]
    if all(row.verdict == "passed" for row in rows):
        return
    assert any(row.verdict == "approximate" and row.max_relative_error > 1e-6 for row in rows)
