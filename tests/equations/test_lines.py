"""The lines of an `equations` block."""

from __future__ import annotations

import pytest

from neuro_rtrl.equations.lines import Line, read_lines
from neuro_rtrl.errors import DescriptionError


def test_the_three_kinds_and_their_numbers() -> None:
    block = """
    # a comment
    dv/dt = (-v + x)/tau : volt (unless refractory)   # with a flag

    c [t + 1] = c*2 : 1
    x = v**2 : volt**2
    """
    assert read_lines(block) == [
        Line("rate", "v", "(-v + x)/tau", "volt", True, 3),
        Line("next", "c", "c*2", "1", False, 5),
        Line("subexpression", "x", "v**2", "volt**2", False, 6),
    ]


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ("", "there are no equations"),
        ("# nothing", "there are no equations"),
        ("dv/dt = -v/tau", "an equation without a unit"),
        ("dv/dt = -v/tau :", "an equation without a unit"),
        ("dv/dt -v/tau : 1", "this is not an equation"),
        ("v += 1 : 1", "this is not an equation"),
        ("dv/dt = : 1", "this is not an equation"),
        ("v[t] = 1 : 1", "this is not an equation"),
        ("dv/dt = -v : 1 (constant)", "an unknown flag"),
        ("v[t+1] = 0 : 1 (unless refractory)", "an unknown flag"),
        ("x = 1 : 1\n" * 101, "too many equations"),
    ],
)
def test_what_is_refused(block: str, problem: str) -> None:
    with pytest.raises(DescriptionError, match=problem):
        read_lines(block)


def test_an_error_names_the_line() -> None:
    with pytest.raises(DescriptionError, match="equation 3"):
        read_lines("dv/dt = -v : 1\n\nnonsense : 1")
