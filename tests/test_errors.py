"""The one family of errors: its text, and that nothing else is raised on purpose."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from neuro_rtrl import errors
from neuro_rtrl.errors import (
    BuildError,
    DescriptionError,
    NeuroRtrlError,
    enough_memory,
    nearest,
    shorten,
    unknown,
)

PACKAGE = Path(__file__).parent.parent / "neuro_rtrl"
FAMILY = {name for name in vars(errors) if name.endswith("Error")}
# `__getattr__` has to answer with an AttributeError, and Typer ends a command with Exit.
# KeyboardInterrupt: Ctrl-C put off to the end of an iteration is raised again there.
ALLOWED_ELSEWHERE = {"AttributeError", "Exit", "BadParameter", "SystemExit", "KeyboardInterrupt"}
BUILTIN = {
    name
    for name, value in vars(__import__("builtins")).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}


def called(node: ast.expr | None) -> str:
    """The last word of what is raised: `typer.Exit(2)` -> Exit."""
    target = node.func if isinstance(node, ast.Call) else node
    return ast.unparse(target).split(".")[-1] if target is not None else ""


def test_an_error_tells_place_problem_given_expected_and_remedy() -> None:
    error = NeuroRtrlError(
        "the delay is negative",
        where="a.toml: projections[0].delay",
        given="-1 ms",
        expected="a time of at least 0 ms",
        remedy="Leave it out for no delay.",
    )
    assert str(error) == (
        "a.toml: projections[0].delay: the delay is negative; given: -1 ms; "
        "expected: a time of at least 0 ms. Leave it out for no delay."
    )


def test_falsy_values_are_shown() -> None:
    assert "given: 0;" in str(NeuroRtrlError("too few", given=0, expected="at least 1"))
    assert str(NeuroRtrlError("too few")) == "too few."


@pytest.mark.parametrize("kind", sorted(FAMILY))
def test_the_outer_place_comes_first_and_the_kind_stays(kind: str) -> None:
    error = vars(errors)[kind]("bad", where="tau_m", given=1, expected=2, remedy="Mend it.")
    moved = error.at("lif.toml")
    assert type(moved) is type(error)
    assert isinstance(moved, NeuroRtrlError)
    assert str(moved) == "lif.toml: tau_m: bad; given: 1; expected: 2. Mend it."
    assert NeuroRtrlError("bad").at("lif.toml").where == "lif.toml"


def test_long_values_become_one_short_line() -> None:
    text = str(NeuroRtrlError("too long", given="first\nsecond " + "x" * 1000))
    assert "\n" not in text
    assert len(text) < 200
    assert shorten("a\n  b") == "a b"


def test_the_nearest_name_is_suggested() -> None:
    assert nearest("tau_mm", ["tau_m", "tau_s_long"]) == "Did you mean 'tau_m'?"
    assert nearest("q", []) == "There are no names to choose from."
    error = unknown("rule", "rtlr", {"rtrl": 1, "bptt": 2}, where="a.toml: learning.rule")
    assert isinstance(error, DescriptionError)
    assert str(error) == (
        "a.toml: learning.rule: unknown rule; given: 'rtlr'; "
        "expected: one of bptt, rtrl. Did you mean 'rtrl'?"
    )
    assert str(unknown("port", "x", [])).endswith("no name at all here. Remove it.")


def caught(tree: ast.AST) -> set[str]:
    """The names in a file's `except` clauses."""
    handlers = [n.type for n in ast.walk(tree) if isinstance(n, ast.ExceptHandler) and n.type]
    return {n.id for handler in handlers for n in ast.walk(handler) if isinstance(n, ast.Name)}


def test_nothing_else_is_raised_on_purpose() -> None:
    """What a file raises and catches itself never reaches a user, so it may be anything."""
    wrong = []
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        foreign = BUILTIN - ALLOWED_ELSEWHERE - caught(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and called(node.exc) in foreign:
                wrong.append(f"{path.relative_to(PACKAGE)}:{node.lineno} {called(node.exc)}")
    assert not wrong


def test_every_error_says_what_to_do() -> None:
    """An error made in place says at least what was expected, or a remedy."""
    silent, seen = [], 0
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and called(node) in FAMILY:
                seen += 1
                # A keyword without a name is `**parts`: its contents are the caller's.
                if not {word.arg for word in node.keywords} & {"expected", "remedy", None}:
                    silent.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert seen > 10
    assert not silent


@pytest.mark.parametrize("shape", [(10**15,), (2**62, 8), (2**80,)])
def test_arrays_of_any_size_are_a_lack_of_memory(shape: tuple[int, ...]) -> None:
    expected = pytest.raises(BuildError, match=r"here: there is not enough memory; given: ")
    with expected, enough_memory("here"):
        np.zeros(shape)


def test_other_errors_of_values_are_not() -> None:
    with pytest.raises(ValueError, match=r"^other$"), enough_memory("here"):
        raise ValueError("other")
