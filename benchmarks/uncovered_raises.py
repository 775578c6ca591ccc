"""Lists `raise` statements that no test has reached.

Run the tests under coverage first, in pieces if need be, then this, in the same folder:

    coverage run -p --source=neuro_rtrl -m pytest tests/engine
    coverage combine
    python -m benchmarks.uncovered_raises
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "neuro_rtrl"


def raises(source: str) -> list[tuple[int, int]]:
    """First and last line of each `raise` of a source text.

    >>> raises("def f():\\n    raise ValueError(\\n        1)")
    [(2, 3)]
    """
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Raise)]
    return sorted((node.lineno, node.end_lineno or node.lineno) for node in nodes)


def uncovered(source: str, reached: set[int]) -> list[int]:
    """First lines of the `raise` statements of which no line was reached."""
    return [a for a, b in raises(source) if not reached & set(range(a, b + 1))]


def main(data: str = ".coverage", root: Path = PACKAGE) -> int:
    """Prints file, line and text of each; how many there are."""
    import coverage

    measured = coverage.CoverageData(data)
    measured.read()
    reached: dict[str, set[int]] = {}
    for name in measured.measured_files():
        # By the place in the package: a copy of the tree may have been measured.
        place = name.rpartition("/neuro_rtrl/")[2]
        reached.setdefault(place, set()).update(measured.lines(name) or ())
    total = missed = 0
    for file in sorted(root.rglob("*.py")):
        source, place = file.read_text(encoding="utf-8"), file.relative_to(root).as_posix()
        total += len(raises(source))
        for line in uncovered(source, reached.get(place, set())):
            missed += 1
            print(f"{place}:{line}: {source.splitlines()[line - 1].strip()}")
    print(f"{missed} of {total} raise statements were not reached")
    return missed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]) > 0)
