"""Finds what can be named: models, rules, tasks, optimizers, ways to rewire, data sets and so on.

A file is its registration: `tasks/spiral.py` is the task "spiral". Code files are read, not
imported, until one is asked for by name, so that a listing costs nothing.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from neuro_rtrl.equations.library import (
    experiment_files,
    model_files,
    simulation_files,
    synapse_files,
)
from neuro_rtrl.errors import DescriptionError, unknown

# What a code file of each kind has to offer.
OFFERS = {
    "rules": "RULE",
    "tasks": "make",
    "optimizers": "OPTIMIZER",
    "exporters": "EXPORTER",
    "datasets": "DATASET",
    "rewiring": "REWIRING",
}
_TEXTS: dict[str, Callable[[], dict[str, Path]]] = {
    "models": model_files,
    "synapses": synapse_files,
    "experiments": experiment_files,
    "simulations": simulation_files,
}
KINDS = (
    "models", "synapses", "rules", "tasks", "experiments", "simulations", "optimizers",
    "exporters", "datasets", "rewiring",
)  # fmt: skip

# Annotations of options -> the types accepted for them, in words and as types.
_ACCEPTED: dict[str, tuple[str, tuple[type, ...]]] = {
    "int": ("a whole number", (int,)),
    "float": ("a number", (int, float)),
    "bool": ("true or false", (bool,)),
    "str": ("a text", (str,)),
}


def files(kind: str) -> dict[str, Path]:
    """Name -> file of everything of a kind, sorted by name.

    Raises:
        DescriptionError: there is no such kind.

    >>> sorted(files("optimizers"))
    ['adam', 'adamw', 'delayed_sgd', 'rmsprop', 'sgd']
    """
    if kind not in KINDS:
        raise unknown("kind of thing", kind, KINDS)
    if kind in _TEXTS:
        return dict(sorted(_TEXTS[kind]().items()))
    folder = Path(__file__).parent / kind
    found = [m.name for m in pkgutil.iter_modules([str(folder)]) if not m.name.startswith("_")]
    return {_spoken(kind, name): folder / f"{name}.py" for name in sorted(found)}


def _spoken(kind: str, stem: str) -> str:
    """A file's name as users say it."""
    return stem.replace("_", "-") if kind == "rules" else stem


def _module(kind: str, file: Path) -> ModuleType:
    return importlib.import_module(f"neuro_rtrl.{kind}.{file.stem}")


def listing(kind: str) -> list[dict[str, str]]:
    """`{name, summary}` of everything of a kind; nothing is imported.

    >>> [row["name"] for row in listing("tasks")][-3:]
    ['spiral', 'store_recall', 'sum_of_sines']
    """
    return [{"name": name, "summary": _summary(file)} for name, file in files(kind).items()]


def listing_with_exactness() -> list[dict[str, str]]:
    """`{name, summary, exactness}` of every rule; their files are imported, which takes seconds.

    >>> [row["exactness"] for row in listing_with_exactness() if row["name"] == "rtrl"]
    ['drops nothing: the exact gradient, across populations, layers and delays']
    """
    rows = listing("rules")
    return [{**row, "exactness": find("rules", row["name"]).exactness} for row in rows]


def find(kind: str, name: str, *, where: str = "") -> Any:
    """What the file of that name offers: a rule, a task's `make`, a class, or the path of a text.

    Args:
        kind: one of `KINDS`.
        name: the file's name without its ending (of rules, with "-" for "_").
        where: the place that an error names.

    Raises:
        DescriptionError: there is no such name (the nearest is suggested), or the file does not
            offer what its kind has to.

    A rule file may offer a `family`: then "snap-2" is `family("2")` of `rules/snap.py`. Rules are
    named as in the papers, with dashes: "kf-rtrl" is the file `rules/kf_rtrl.py`.

    >>> find("optimizers", "adam").__name__
    'Adam'
    >>> find("rules", "snap-2").name
    'snap-2'
    """
    known = files(kind)
    if kind == "rules":
        stem = max((k for k in known if str(name).startswith(f"{k}-")), key=len, default="")
        if name not in known and stem:
            contents = vars(_module(kind, known[stem]))
            if "family" in contents:
                return _member(contents["family"], name[len(stem) + 1 :], where)
    if name not in known:
        raise unknown(kind.removesuffix("s"), name, known, where=where)
    if kind in _TEXTS:
        return known[name]
    contents = vars(_module(kind, known[name]))
    if OFFERS[kind] not in contents:
        raise DescriptionError(
            f"the file of {kind.removesuffix('s')} '{name}' does not offer {OFFERS[kind]}",
            where=str(known[name]),
            given="no such name in the module",
            expected=f"a module-level {OFFERS[kind]}",
        )
    return contents[OFFERS[kind]]


def _member(family: Callable[[str], Any], order: str, where: str) -> Any:
    try:
        return family(order)
    except DescriptionError as error:
        raise (error.at(where) if where else error) from error


def check_options(kind: str, name: str, options: dict[str, Any], *, where: str) -> None:
    """Refuses options that the named task or optimizer does not take, or of a wrong type.

    Args:
        kind: "tasks" or "optimizers".
        name: a registered name.
        options: what a user wrote.
        where: the table they were written in.

    Raises:
        DescriptionError: an option is unknown, missing, or of a wrong type.

    >>> check_options("optimizers", "adam", {"learning_rate": 1e-3}, where="")
    """
    signature = inspect.signature(find(kind, name, where=where)).parameters
    takes = {key: p for key, p in signature.items() if key != "rng"}
    for key, value in options.items():
        if key not in takes:
            raise unknown(f"option of '{name}'", key, takes, where=f"{where}.{key}")
        words, types = _accepted(takes[key])
        # To Python a truth value is a whole number; to a user it is not.
        if not isinstance(value, types) or (
            isinstance(value, bool) and not {bool, object} & {*types}
        ):
            raise DescriptionError(
                "the option has a wrong type",
                where=f"{where}.{key}",
                given=repr(value),
                expected=words,
            )
    for key, parameter in takes.items():
        if parameter.default is parameter.empty and key not in options:
            words, _ = _accepted(parameter)
            raise DescriptionError(
                f"an option of '{name}' is missing",
                where=f"{where}.{key}",
                given="nothing",
                expected=words,
            )


def _accepted(parameter: inspect.Parameter) -> tuple[str, tuple[type, ...]]:
    annotation = str(parameter.annotation).removesuffix(" | None")
    return _ACCEPTED.get(annotation, ("a value", (object,)))


def _summary(file: Path) -> str:
    """The first line of a module's docstring, or `summary` of a TOML text."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".toml":
        return str(tomllib.loads(text).get("summary", ""))
    docstring = ast.get_docstring(ast.parse(text)) or ""
    return docstring.split("\n\n")[0].replace("\n", " ")
