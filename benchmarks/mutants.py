"""Changes one thing in a source file, runs its tests, and lists the changes that no test noticed.

    python -m benchmarks.mutants --count 150 --seed 1 neuro_rtrl/equations/parser.py=tests/equations

Each change is made in a copy of the tree; a test run that takes ten times as long as the first one
counts as noticed. Numba's kernels run as plain Python (NUMBA_DISABLE_JIT), where they can.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Lt: ast.LtE,
    ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or,
    ast.Or: ast.And,
}  # fmt: skip


def places(tree: ast.AST) -> Iterator[ast.AST]:
    """What can be changed: operators, comparisons, numbers, truth values, `not`."""
    for node in ast.walk(tree):
        kind = type(node)
        constant = isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float)
        negated = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
        if (
            (isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in SWAPS)
            or kind is ast.Compare
            or constant
            or negated
        ):
            yield node


def mutant(source: str, number: int) -> tuple[str, str]:
    """The source with change `number`, and what was changed.

    >>> mutant("a = b + 1", 0)[1]
    'line 1: b + 1 -> b - 1'
    """
    tree = ast.parse(source)
    node = [*places(tree)][number]
    line, before = getattr(node, "lineno", 0), ast.unparse(node)
    if isinstance(node, ast.BinOp | ast.BoolOp):
        node.op = SWAPS[type(node.op)]()  # type: ignore[assignment]
    elif isinstance(node, ast.Compare):
        node.ops = [SWAPS[type(op)]() for op in node.ops]  # type: ignore[misc]
    elif isinstance(node, ast.Constant):
        node.value = (not node.value) if isinstance(node.value, bool) else node.value + 1
    elif isinstance(node, ast.UnaryOp):
        node.op = ast.UAdd()
        node.operand = ast.Call(ast.Name("bool", ast.Load()), [node.operand], [])
    after = ast.unparse(node)
    return ast.unparse(ast.fix_missing_locations(tree)), f"line {line}: {before} -> {after}"


def survives(tree: Path, tests: list[str], limit: float) -> bool:
    """Whether all tests pass in a copy of the tree."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    environment = os.environ | {"PYTHONPATH": str(tree), "NUMBA_DISABLE_JIT": "1", "CI": "1"}
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def main() -> None:
    """Draws changes over all given files, and prints those that survive."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", nargs="+", metavar="SOURCE=TESTS", help="tests: with commas")
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    sources = dict(pair.split("=", 1) for pair in given.pairs)
    every = [
        (file, number)
        for file in sources
        for number in range(len([*places(ast.parse((ROOT / file).read_text("utf-8")))]))
    ]
    chosen = random.Random(given.seed).sample(every, min(given.count, len(every)))
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", "__pycache__", "runs"))
        limits = {}
        for tests in {*sources.values()}:
            begun = time.perf_counter()
            if not survives(tree, tests.split(","), 600.0):
                raise SystemExit(f"{tests} do not pass as they are")
            limits[tests] = 10.0 * (time.perf_counter() - begun) + 10.0
        survivors = 0
        for file, number in sorted(chosen):
            source, tests = (ROOT / file).read_text("utf-8"), sources[file]
            changed, what = mutant(source, number)
            (tree / file).write_text(changed, "utf-8")
            if survives(tree, tests.split(","), limits[tests]):
                survivors += 1
                print(f"{file}: {what}", flush=True)
            (tree / file).write_text(source, "utf-8")
    print(f"{survivors} of {len(chosen)} changes (of {len(every)} possible) were not noticed")


if __name__ == "__main__":
    main()
