"""What a run will need is said, and refused, before any of it is taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import neuro_rtrl as nr
from neuro_rtrl import cli, experiment
from neuro_rtrl.engine.memory import physical, said
from neuro_rtrl.errors import BuildError, DescriptionError
from neuro_rtrl.experiment import run_experiment
from neuro_rtrl.experiment_memory import read_size
from neuro_rtrl.experiment_text import load_experiment
from neuro_rtrl.registry import find


def test_sizes() -> None:
    assert read_size("2 kB", "") == 2000
    assert read_size("1.5gib", "") == 3 * 2**29
    assert said(1536) == "1.5 KiB"
    assert said(2**40) == "1 TiB"
    assert physical() > 2**20


@pytest.mark.parametrize("text", ["8", "GiB", "-1 GB", "8 GiB 3", "1e3 MB", "8 XB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(DescriptionError, match=r"max_memory: this is not a size of memory"):
        load_experiment("spiral", [f"network.max_memory='{text}'"])


@pytest.mark.parametrize(
    ("change", "needed"),
    [
        ("populations.hidden.n=100000000", r"about \d"),
        ("populations.hidden.n=1000000", r"about \d"),
    ],
)
def test_a_network_that_does_not_fit_is_refused_before_it_is_made(change: str, needed: str) -> None:
    text = rf"network\.max_memory: the network needs more memory.*{needed}.*--max-memory"
    with pytest.raises(DescriptionError, match=text):
        load_experiment("spiral", [change])


def test_sparse_synapses_need_less() -> None:
    dense = ["populations.hidden.n=300", "network.max_memory='6 MB'"]
    with pytest.raises(DescriptionError, match=r"given: about .* MiB; expected: at most 5\.72 MiB"):
        load_experiment("spiral", dense)
    load_experiment("spiral", [*dense[:1], "network.max_memory='600 MB'"])


def test_an_influence_matrix_that_may_not_fit_is_refused(tmp_path: Path) -> None:
    changes = ["populations.hidden.n=60", "learning.iterations=1"]
    text = r"the influence matrix may need more memory.*up to [\d.]+ MiB by the rule rtrl"
    with pytest.raises(BuildError, match=text):
        run_experiment("spiral", out=tmp_path, overrides=changes, max_memory="2 MB")


def test_rules_without_a_matrix_are_let_through(tmp_path: Path) -> None:
    changes = ["populations.hidden.n=6", "learning.iterations=1", "task.batch=2"]
    run_experiment("spiral", out=tmp_path, rule="bptt", overrides=changes, max_memory="1 MB")


def test_batches_that_do_not_fit_are_refused_before_they_are_drawn() -> None:
    text = (
        r"spiral\.toml: task\.batch: the batches of the task need .* at least 4\.47 GiB; .* 8 MiB"
    )
    with pytest.raises(DescriptionError, match=text):
        load_experiment("spiral", ["task.batch=200000000", "network.max_memory='8 MiB'"])
    text = r"task\.steps: .*given: at least 7\d\d TiB"
    with pytest.raises(DescriptionError, match=text):
        load_experiment("lif_pattern", ["task.steps=1000000000000"])


def test_a_rule_that_looks_back_on_too_many_steps_is_refused(tmp_path: Path) -> None:
    changes = ["task.steps=20000", "learning.update='sequence'", "learning.iterations=1"]
    text = r"the steps that the rule looks back on need .* up to [\d.]+ MiB by the rule bptt"
    with pytest.raises(BuildError, match=text):
        run_experiment(
            "lif_pattern", out=tmp_path, rule="bptt", overrides=changes, max_memory="40 MB"
        )
    windows = nr.Learner(make_network(), "tbptt-10", update=10).most_bytes(steps=10**9)
    assert windows == nr.Learner(make_network(), "bptt", update="sequence").most_bytes(steps=10)
    assert nr.Learner(make_network(), "bptt", update="sequence").most_bytes(3, 10)[1]


def make_network() -> nr.Network:
    net = nr.Network(seed=1)
    net.connect(net.inputs(2), net.neurons(3, "lif", name="h"))
    net.connect(net.populations["h"], net.neurons(1, "leaky_readout"))
    return net


def test_a_rule_that_keeps_nothing_needs_nothing() -> None:
    class Bare:
        """A rule that says nothing of its memory."""

        def __init__(self) -> None:
            self.rule = find("rules", "rtrl")

        def __getattr__(self, name: str) -> Any:
            if name in ("most_bytes", "at_once", "with_changing_weights"):
                raise AttributeError(name)
            return getattr(self.rule, name)

    bare: Any = Bare()
    assert nr.Learner(make_network(), bare).most_bytes(2) == (0, False)
    assert nr.Learner(make_network(), "rtrl").most_bytes(2)[0] > 0


def test_a_lack_of_memory_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any, **more: Any) -> None:
        raise MemoryError("Unable to allocate 3 TiB")

    monkeypatch.setattr(experiment, "train", full)
    with pytest.raises(BuildError, match=r"spiral: there is not enough memory; given: Unable"):
        run_experiment("spiral", out=tmp_path, overrides=["populations.hidden.n=4"])
    monkeypatch.setattr(cli, "app", full)
    with pytest.raises(SystemExit, match=r"2"):
        cli.main([])
