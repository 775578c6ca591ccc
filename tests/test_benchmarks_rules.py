"""The page of rules: it names every rule, with what the rules' files say, and it can be made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import rules, rules_figures
from neuro_rtrl import registry

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "rules.md"
RENEW = "renew it: python -m benchmarks rules (or rules --text)"
RULES = list(registry.files("rules"))
SMALL = (
    "populations.first.n=6", "populations.second.n=4", "task.steps=30", "learning.iterations=2",
    "record.test_every=2",
)  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_the_page_has_a_section_of_every_rule(rule: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"### {rule}\n" in text, RENEW
    assert registry.find("rules", rule).exactness in text, RENEW
    assert rules.section(rule) in text, RENEW


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_was_measured(rule: str) -> None:
    records = json.loads((ROOT / "docs" / "rules.json").read_text(encoding="utf-8"))
    mine = [row for row in records["rules"] if rules.family_of(row["rule"]) == rule]
    assert mine, RENEW
    assert all(row["error"] is None for row in mine), mine


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("what", ["cost", "memory"])
def test_every_rule_states_its_cost(rule: str, what: str) -> None:
    assert rules.stated(rule, what), f"its docstring needs a line '    {what:8s}...'"


def test_a_rule_belongs_to_the_longest_name() -> None:
    assert rules.family_of("snap-2") == "snap"
    assert rules.family_of("rtrl-tolerance-1e-3") == "rtrl-tolerance"
    assert rules.family_of("rtrl") == "rtrl"


def test_formulas_stay_formulas() -> None:
    text = "A *star*:\n\n    a <- b * c\n\nand\n    d = e\n\n    cost    n\n    memory  p"
    assert rules._as_markdown(text) == (
        "A \\*star\\*:\n\n```\na <- b * c\n```\n\nand\n\n```\nd = e\n```"
    )


def test_it_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rules, two widths, a network of ten units."""
    monkeypatch.setattr(rules, "measured_rules", lambda: ["rtrl", "eprop"])
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as threads:
        rows = rules.measure_rules(tmp_path, seeds=1, settings=SMALL, executor=threads)
    widths = rules.measure_widths(tmp_path, widths=(1.0, 0.2), seeds=1, settings=SMALL)
    assert [row["rule"] for row in rows] == ["eprop", "rtrl"]
    assert widths[0]["cosine"] == pytest.approx(1)
    assert widths[0]["multiply_adds_per_step"] > widths[1]["multiply_adds_per_step"]
    for file in rules.write({"rules": rows, "widths": widths}, tmp_path):
        assert file.stat().st_size > 0
    assert "| eprop |" in (tmp_path / "rules.md").read_text(encoding="utf-8")


def test_lines_join_the_members_of_a_family(tmp_path: Path) -> None:
    row = {"cosine": 0.5, "cosine_hidden": 0.4, "multiply_adds_per_step": 10.0}
    rows = [{**row, "rule": "snap-1"}, {**row, "rule": "snap-2", "multiply_adds_per_step": 50.0}]
    families = dict.fromkeys(("snap-1", "snap-2"), "snap")
    file = rules_figures.draw_rules(rows, families, tmp_path / "a.png")
    assert file.read_bytes().startswith(b"\x89PNG")
