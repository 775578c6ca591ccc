"""Imports point downwards, and rooms of one layer do not know each other.

The layers are those of `docs/architecture.md`. Every import counts, wherever it stands: at the top,
inside a function, for annotations only, or by a name given to `import_module`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "neuro_rtrl"
ROOT = "neuro_rtrl"

LAYERS: list[set[str]] = [
    {"contracts", "errors"},
    {"equations", "kernels"},
    {"compile", "network"},
    {"engine", "datasets"},
    {"rules", "tasks", "exporters", "optimizers", "rewiring"},
    {"registry"},
    {"learner"},
    {"validation", "outputs", "data"},
    {"experiment"},
    {"checks", "compare", "console", "simulation"},
    {"cli"},
    {"__init__", "__main__"},
]
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}


def room_of(parts: tuple[str, ...]) -> str:
    """The room of `neuro_rtrl.a.b`; files at the top share the room of their first word.

    So `experiment_keys.py` is a part of `experiment`.
    """
    if not parts:
        return "__init__"
    return parts[0] if parts[0] in LEVEL else parts[0].split("_")[0]


def modules_named(node: ast.AST, package: tuple[str, ...]) -> Iterator[str]:
    """The full names of the modules that a node imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package[: len(package) - node.level + 1] if node.level else ()
        base = ".".join((*above, *([node.module] if node.module else [])))
        # `from neuro_rtrl import engine` names a room behind the word `import`.
        yield from (f"{base}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
        text = node.args[0] if node.args else None
        if isinstance(text, ast.JoinedStr):
            text = text.values[0]
        if isinstance(text, ast.Constant) and isinstance(text.value, str):
            yield text.value


def rooms_used(source: str, package: tuple[str, ...]) -> set[str]:
    used = set()
    for node in ast.walk(ast.parse(source)):
        for module in modules_named(node, package):
            parts = tuple(module.split("."))
            if parts[0] == ROOT:
                used.add(room_of(tuple(part for part in parts[1:] if part)))
    return used


def edges() -> list[tuple[str, str, str]]:
    """(file, its room, a room it imports from), for all files and all other rooms."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        room = room_of(parts)
        used = rooms_used(path.read_text(encoding="utf-8"), (ROOT, *parts[:-1]))
        found += [("/".join(parts), room, other) for other in sorted(used - {room})]
    return found


def test_every_room_has_a_layer() -> None:
    rooms = {room_of(p.relative_to(PACKAGE).with_suffix("").parts) for p in PACKAGE.rglob("*.py")}
    assert rooms <= set(LEVEL)


def test_there_are_imports_to_look_at() -> None:
    assert len(edges()) > 10


def test_imports_point_downwards() -> None:
    # The registry is handed a kind and a name, so it reaches any room of extensions, and no other.
    wrong = [
        f"{file}: {room} (layer {LEVEL[room]}) imports {other} (layer {LEVEL[other]})"
        for file, room, other in edges()
        if (room, other) != ("registry", "__init__") and LEVEL[other] >= LEVEL[room]
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("source", "room"),
    [
        ("import neuro_rtrl.rules.rtrl", "rules"),
        ("from neuro_rtrl.rules import rtrl", "rules"),
        ("from neuro_rtrl import rules", "rules"),
        ("def f():\n    from neuro_rtrl.rules.rtrl import RULE", "rules"),
        ("from ..rules import rtrl", "rules"),
        ("from .. import rules", "rules"),
        ("importlib.import_module('neuro_rtrl.rules.rtrl')", "rules"),
        ("import_module(f'neuro_rtrl.rules.{name}')", "rules"),
        ("import neuro_rtrl", "__init__"),
        ("from neuro_rtrl.experiment_keys import Table", "experiment"),
    ],
)
def test_no_import_escapes(source: str, room: str) -> None:
    assert rooms_used(source, (ROOT, "engine")) == {room}


def test_foreign_and_own_imports_are_no_edges() -> None:
    assert rooms_used("import numpy as np\nfrom collections import abc", (ROOT, "engine")) == set()
    assert rooms_used("from . import loop", (ROOT, "engine")) == {"engine"}
