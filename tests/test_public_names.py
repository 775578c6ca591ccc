"""The public names: all there, documented, and imported only when they are used."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import neuro_rtrl as nr

ROOT = Path(__file__).parent.parent
HEAVY = ("numba", "sympy", "pint", "matplotlib", "h5py", "brian2", "scipy")


def heavy_modules_after(program: str) -> str:
    """Which heavy packages a fresh interpreter has loaded after a program, as one line."""
    report = f"print(sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{program}\n{report}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("name", nr.__all__)
def test_every_name_is_there_and_documented(name: str) -> None:
    value = getattr(nr, name)
    assert callable(value)
    documentation = inspect.getdoc(value)
    assert documentation, f"{name} has no docstring"
    assert value.__name__ == name


@pytest.mark.parametrize("name", nr.__all__)
def test_a_name_is_where_the_table_says(name: str) -> None:
    assert getattr(nr, name).__module__ == nr._HOME[name]


def test_table_list_and_annotations_agree() -> None:
    """Type checkers read the imports under TYPE_CHECKING, Python reads the table."""
    tree = ast.parse(Path(nr.__file__).read_text(encoding="utf-8"))
    block = next(n for n in tree.body if isinstance(n, ast.If))
    seen = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == nr._HOME
    assert list(nr.__all__) == sorted(nr._HOME)
    assert set(nr.__all__) <= set(dir(nr))


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(AttributeError, match="Did you mean 'Network'"):
        nr.Netwrok  # noqa: B018 - the access is the test


def test_the_version_is_a_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", nr.__version__)


def test_the_package_itself_loads_nothing_heavy() -> None:
    assert heavy_modules_after("import neuro_rtrl") == "[]"


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import neuro_rtrl.cli\n"
        "sys.argv = ['neuro-rtrl', '--help']\n"
        "try:\n    neuro_rtrl.cli.main()\n"
        "except SystemExit as end:\n    assert not end.code\n"
    )
    assert heavy_modules_after(program) == "[]"


def test_the_probe_sees_heavy_modules() -> None:
    assert heavy_modules_after("import h5py") == "['h5py']"
