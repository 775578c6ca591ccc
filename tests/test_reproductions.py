"""The page of reproductions: it names every experiment, agrees with its records, and is resumed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.reproductions import adding, balancing, copying, page, paths, structure, study
from neuro_rtrl import registry
from neuro_rtrl.network.patterns import within_steps
from neuro_rtrl.network.plan import plan

REMEDY = "python -m benchmarks reproductions --text"


def test_the_page_agrees_with_the_records() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.text(), REMEDY


def test_the_page_names_every_experiment() -> None:
    written = page.PAGE.read_text(encoding="utf-8")
    experiments = registry.files("experiments")
    assert len(experiments) > 10
    assert not [name for name in experiments if f"`neuro-rtrl run {name}`" not in written], REMEDY


def test_studies_name_experiments_that_exist() -> None:
    named = [name for one in page.STUDIES for name in one.experiments]
    assert set(named) <= set(registry.files("experiments"))
    assert len({one.name for one in page.STUDIES}) == len(page.STUDIES)


def test_records_are_of_the_cases() -> None:
    """A case that was renamed or dropped leaves no row behind."""
    for one in page.STUDIES:
        budget, rows = study.kept_rows(one)
        assert set(rows) <= set(one.cases(budget)), one.name
        for label, row in rows.items():
            assert row["seconds"] >= 0, label


def test_unknown_studies_are_refused() -> None:
    with pytest.raises(ValueError, match="no study 'nothing'; there are spiral"):
        page.named(["nothing"])


def test_measuring_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "RESULTS", tmp_path)
    asked: list[str] = []

    def case(label: str) -> study.Row:
        asked.append(label)
        if label == "b" and asked.count("b") == 1:
            raise KeyboardInterrupt
        return {"value": len(asked)}

    made = replace(
        structure.STUDY,
        name="made",
        cases=lambda budget: {x: (lambda x=x: case(x)) for x in "abc"},
    )
    with pytest.raises(KeyboardInterrupt):
        study.measure(made, "small", say=len)
    rows = study.measure(made, "small", say=len)
    assert asked == ["a", "b", "b", "c"]
    assert json.loads((tmp_path / "made.json").read_text())["rows"] == rows
    study.measure(made, "full", say=len)
    study.measure(made, "full", force=True, say=len)
    assert asked[4:] == [*"abc", *"abc"]


@pytest.mark.parametrize(("model", "n"), list(structure.TABLE))
def test_the_structural_table(model: str, n: int) -> None:
    """Menick et al. 2021: sparsity of J within one point; cost within a tenth."""
    row = structure.structure(model, n)
    sparsity, products = structure.TABLE[model, n]
    for order in structure.ORDERS:
        ours, expected = 100 * row[f"sparsity_{order}"], sparsity[order - 1]
        assert abs(ours - expected) < 1, (order, ours)
        ours, expected = row[f"multiply_adds_{order}"], products[order - 1]
        assert abs(ours - expected) < max(0.1, 0.1 * expected), (order, ours)
        # The engine keeps whole units: never less than the mask.
        assert row[f"engine_{order}"] <= row[f"sparsity_{order}"] + 1e-12


@pytest.mark.parametrize(("model", "rule"), list(structure.COUNTS))
def test_counts_of_the_copy_cell(model: str, rule: str) -> None:
    assert structure.counts(model, rule)["entries"] == structure.COUNTS[model, rule]


@pytest.mark.parametrize("order", structure.ORDERS)
@pytest.mark.parametrize("model", list(structure.BIASES))
def test_masks_are_the_engine_s_patterns(model: str, order: int) -> None:
    """Unit by unit: an entry is kept if the mask asks for it in any state."""
    net = structure.cell(model, 12, 0.15)
    jacobian, immediate, _ = structure.patterns(net)
    mask = structure.masks(jacobian, immediate, order)
    wanted = mask.reshape(12, -1, mask.shape[1] // 12, 12).any(axis=(1, 2))
    reach = within_steps(plan(net), np.ones(12, np.int64), order)
    # A unit's own parameters act on it without any synapse; that part of the row is kept apart.
    found = np.eye(12, dtype=bool)
    for k in range(12):
        found[k, reach.blocks[reach.pointer[k] : reach.pointer[k + 1]]] = True
    np.testing.assert_array_equal(found, wanted)
    assert found.sum() < 144 or order > 1


def test_copy_counts_tokens() -> None:
    row = copying.learn("vanilla", "snap-1", "online", 200)
    assert 200 <= row["tokens"] < 200 + 16 * 4
    assert row["level"] == len(row["reached"]) == 1
    offline = copying.learn("vanilla", "bptt", "offline", 200)
    assert offline["tokens"] == row["tokens"]


def test_short_windows_go_the_wrong_way() -> None:
    """The chain's theta runs from 1/2 to -1/6 by RTRL, and away by windows of ten steps."""
    exact = balancing.learn("rtrl", "step", 3000)
    assert exact["theta"] < 0.4
    wrong = balancing.learn("tbptt-10", "10", 3000)
    assert wrong["theta"] > 0.5
    assert wrong["loss"] > balancing.AT_REST


def test_add_by_two_exact_rules() -> None:
    losses = [adding.learn(rule, 2)["curve"] for rule in ("rtrl", "bptt")]
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_share_of_the_gap() -> None:
    rows = {
        "add random-paths-0": {"losses": [3.0, 5.0]},
        "add some": {"losses": [2.5, 4.5]},
        "add rtrl": {"losses": [2.0, 4.0]},
    }
    assert paths.recovered(rows, "add", "some") == (0.5, 0.0)
