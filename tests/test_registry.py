"""What is found, and that nothing that lies in a folder is overlooked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import neuro_rtrl
from neuro_rtrl import registry
from neuro_rtrl.errors import DescriptionError

PACKAGE = Path(neuro_rtrl.__file__).parent
CODE_KINDS = tuple(registry.OFFERS)


def names(kind: str) -> list[str]:
    return [row["name"] for row in registry.listing(kind)]


@pytest.mark.parametrize(
    ("kind", "at_least"),
    [("models", 7), ("experiments", 3), ("rules", 2), ("tasks", 13), ("optimizers", 4)],
)
def test_as_many_are_found_as_the_package_ships(kind: str, at_least: int) -> None:
    assert len(names(kind)) >= at_least


@pytest.mark.parametrize("kind", CODE_KINDS)
def test_every_file_of_a_folder_is_listed_and_offers_something(kind: str) -> None:
    modules = {file.stem for file in (PACKAGE / kind).glob("*.py") if file.stem[0] != "_"}
    if kind == "rules":
        modules = {module.replace("_", "-") for module in modules}
    assert modules == set(names(kind))
    for name in modules:
        assert registry.find(kind, name) is not None


@pytest.mark.parametrize("kind", registry.KINDS)
def test_everything_has_a_summary(kind: str) -> None:
    for row in registry.listing(kind):
        assert set(row) == {"name", "summary"}
        assert len(row["summary"]) > 10, row


@pytest.mark.parametrize(
    ("kind", "name", "nearest"),
    [
        ("models", "lif_curent", "lif_current"),
        ("tasks", "spirals", "spiral"),
        ("optimizers", "adams", "adam"),
        ("experiments", "spral", "spiral"),
    ],
)
def test_an_unknown_name_gets_the_nearest(kind: str, name: str, nearest: str) -> None:
    with pytest.raises(DescriptionError, match=f"Did you mean '{nearest}'"):
        registry.find(kind, name)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(DescriptionError, match="Did you mean 'tasks'"):
        registry.listing("taks")


def test_a_file_without_its_offer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.OFFERS, "tasks", "made")
    with pytest.raises(DescriptionError, match="does not offer made"):
        registry.find("tasks", "spiral")


def test_a_text_is_found_as_its_path() -> None:
    assert registry.find("models", "lif").name == "lif.toml"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batsh": 3}, "unknown option of 'spiral'.*Did you mean 'batch'"),
        ({"batch": 3.5}, "wrong type; given: 3.5; expected: a whole number"),
        ({"batch": True}, "wrong type; given: True; expected: a whole number"),
        ({"rng": 1}, "unknown option"),
    ],
)
def test_options_of_a_task_are_checked(options: dict[str, object], message: str) -> None:
    with pytest.raises(DescriptionError, match=message):
        registry.check_options("tasks", "spiral", options, where="a.toml: task")


def test_a_missing_option_is_refused() -> None:
    with pytest.raises(DescriptionError, match=r"o\.learning_rate: an option of 'adam' is missing"):
        registry.check_options("optimizers", "adam", {}, where="o")


def test_listing_imports_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from neuro_rtrl import registry\n"
        "for kind in registry.KINDS: registry.listing(kind)\n"
        "print(*{'numba', 'sympy', 'pint', 'matplotlib', 'h5py', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_rules_come_in_families() -> None:
    assert registry.find("rules", "snap-3").name == "snap-3"
    with pytest.raises(DescriptionError, match=r"here: .*order of SnAp.*'snap-0'.*snap-2"):
        registry.find("rules", "snap-0", where="here")
    with pytest.raises(DescriptionError, match="unknown rule"):
        registry.find("rules", "rtrl-2")


@pytest.mark.parametrize("name", ["kf-rtrl", "sk-rtrl-3"])
def test_a_rule_is_said_with_dashes(name: str) -> None:
    assert registry.find("rules", name).name == name
    with pytest.raises(DescriptionError, match="unknown rule"):
        registry.find("rules", name.replace("-", "_"))
