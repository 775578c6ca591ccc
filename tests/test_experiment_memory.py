"""What a run will need is said, and refused, before any of it is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuro_rtrl.errors import BuildError, DescriptionError
from neuro_rtrl.experiment import run_experiment
from neuro_rtrl.experiment_memory import physical, read_size, said
from neuro_rtrl.experiment_text import load_experiment


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
