"""The tools that look for what no test notices: unreached errors, unnoticed changes."""

from __future__ import annotations

import ast

import pytest

from benchmarks.mutants import mutant, places
from benchmarks.uncovered_raises import raises, uncovered

ERRORS = """
def f(x):
    if x:
        raise ValueError(
            "long"
        )
    raise KeyError
"""


def test_raise_statements_are_found_by_all_their_lines() -> None:
    assert raises(ERRORS) == [(4, 6), (7, 7)]
    assert uncovered(ERRORS, {2, 3, 5}) == [7]
    assert uncovered(ERRORS, {2, 3, 7}) == [4]


@pytest.mark.parametrize(
    ("source", "number", "said"),
    [
        ("a = b - c", 0, "line 1: b - c -> b + c"),
        ("a = b and c", 0, "line 1: b and c -> b or c"),
        ("a = b <= c", 0, "line 1: b <= c -> b < c"),
        ("\na = True", 0, "line 2: True -> False"),
        ("a = 3", 0, "line 1: 3 -> 4"),
        ("a = not b", 0, "line 1: not b -> +bool(b)"),
        ("a = b * 2", 1, "line 1: 2 -> 3"),
    ],
)
def test_changes(source: str, number: int, said: str) -> None:
    changed, what = mutant(source, number)
    assert what == said
    ast.parse(changed)
    assert changed != source


def test_what_cannot_be_changed() -> None:
    assert [*places(ast.parse("a = 'text' + f(b)"))] != []
    assert [*places(ast.parse("a = f('text', None)"))] == []
