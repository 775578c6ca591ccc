"""The habits of the house, counted on the syntax trees of the package's files."""

from __future__ import annotations

import ast
import statistics
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from neuro_rtrl.equations.library import model_files

PACKAGE = Path(__file__).parent.parent / "neuro_rtrl"
FILES = sorted(PACKAGE.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

# Models whose name is also a key of every model's text.
GENERIC = {"readout"}
LONGEST_FILE, MEDIAN_FILE, LONGEST_BODY = 300, 150, 40


def name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def docstring_of(node: ast.AST) -> ast.Constant | None:
    """The constant that is the docstring of a module, class or function."""
    if not isinstance(node, (ast.Module, ast.ClassDef, *FUNCTIONS)) or not node.body:
        return None
    first = node.body[0]
    value = first.value if isinstance(first, ast.Expr) else None
    return value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if docstring_of(function) else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def nodes() -> Iterator[tuple[Path, ast.AST]]:
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            yield path, node


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [node.module or ""]
    return []


def place(path: Path, node: ast.AST) -> str:
    return f"{name(path)}:{getattr(node, 'lineno', 0)}"


def test_there_is_a_house_to_look_at() -> None:
    assert len(FILES) > 10
    assert any(isinstance(node, FUNCTIONS) for _, node in nodes())


def test_files_are_short() -> None:
    long = {name(path): lines(path) for path in FILES if lines(path) > LONGEST_FILE}
    assert not long


def test_the_median_file_is_short() -> None:
    assert statistics.median(lines(path) for path in FILES) <= MEDIAN_FILE


def test_function_bodies_are_short() -> None:
    long = {
        f"{place(path, node)} {node.name}": body_lines(node)
        for path, node in nodes()
        if isinstance(node, FUNCTIONS) and body_lines(node) > LONGEST_BODY
    }
    assert not long


def test_every_file_says_what_it_is_for() -> None:
    assert not [name(path) for path, tree in TREES.items() if not ast.get_docstring(tree)]


def test_functions_are_annotated() -> None:
    bare = [
        f"{place(path, node)} {node.name}"
        for path, node in nodes()
        if isinstance(node, FUNCTIONS) and node.returns is None
    ]
    assert not bare


def test_no_code_from_text_and_no_guessing_at_types() -> None:
    """`exec` is how generated kernels come to life, so `compile/` alone may use it."""
    banned = {"hasattr", "eval", "exec"}
    found = [
        f"{place(path, node)} {node.func.id}"
        for path, node in nodes()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id in banned and not (node.func.id == "exec" and room(path) == "compile")
    ]
    assert not found


def test_no_pickle() -> None:
    banned = ("pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve")
    found = [
        place(path, node)
        for path, node in nodes()
        if any(module.split(".")[0] in banned for module in imported(node))
        or (isinstance(node, ast.keyword) and node.arg == "allow_pickle")
    ]
    assert not found


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]


def test_numba_stays_in_two_rooms() -> None:
    users = {
        room(path)
        for path, node in nodes()
        if any(module.split(".")[0] in ("numba", "llvmlite") for module in imported(node))
    }
    assert users <= {"kernels", "compile"}


def test_nothing_is_left_for_later() -> None:
    marks = ("TODO", "FIXME", "XXX")
    for path in FILES:
        with tokenize.open(path) as source:
            for token in tokenize.generate_tokens(source.readline):
                if token.type in (tokenize.COMMENT, tokenize.STRING):
                    assert not [m for m in marks if m in token.string], f"{name(path)}: {token}"


def test_no_bare_not_implemented() -> None:
    found = [
        place(path, node)
        for path, node in nodes()
        if isinstance(node, ast.Name) and node.id == "NotImplementedError"
    ]
    assert not found


def test_no_neuron_model_is_known_by_name() -> None:
    """Models are data: code that asks for one by name would have to change with the data.

    Docstrings may name models: an example has to use one.
    """
    models = set(model_files()) - GENERIC
    assert models
    docstrings = {id(docstring_of(node)) for _, node in nodes()}
    found = [
        f"{place(path, node)} {node.value!r}"
        for path, node in nodes()
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if id(node) not in docstrings and node.value.removesuffix(".toml") in models
    ]
    assert not found


def abstract(method: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a method has no more than a docstring and `...`."""
    return all(
        isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) for line in method.body
    )


def methods(owner: ast.ClassDef) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    return {node.name: node for node in owner.body if isinstance(node, FUNCTIONS)}


def test_no_implemented_method_is_overridden() -> None:
    classes = {node.name: node for _, node in nodes() if isinstance(node, ast.ClassDef)}
    overridden = [
        f"{child.name}.{method} overrides {base.id}.{method}"
        for child in classes.values()
        for base in child.bases
        if isinstance(base, ast.Name) and base.id in classes
        for method in methods(child)
        if method in (parents := methods(classes[base.id])) and not abstract(parents[method])
    ]
    assert not overridden


@pytest.mark.parametrize(
    ("source", "length"),
    [
        ("def f():\n    '''doc\n\n    more'''\n    a = 1\n    # why\n    return a", 3),
        ("def f():\n    '''only a docstring'''", 0),
        ("def f():\n    return (1,\n      2)", 2),
    ],
)
def test_the_counter_counts(source: str, length: int) -> None:
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert body_lines(function) == length
