"""Which file a name stands for, and what it says together with the files that it extends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neuro_rtrl import registry
from neuro_rtrl.errors import DescriptionError, unknown
from neuro_rtrl.experiment_keys import Table, read_toml

COMMANDS = {"experiments": "neuro-rtrl run", "simulations": "neuro-rtrl simulate"}


def named_file(kind: str, name: str | Path) -> Path:
    """A path is what ends in .toml or names a folder; the rest are names of shipped texts.

    Args:
        kind: "experiments" or "simulations".

    Raises:
        DescriptionError: there is no text of that name, or it is of the other kind.

    >>> named_file("experiments", "spiral").name
    'spiral.toml'
    """
    path = Path(name)
    if path.suffix == ".toml" or len(path.parts) > 1:
        return path
    for other, command in COMMANDS.items():
        if other != kind and str(name) in registry.files(other):
            raise DescriptionError(
                f"'{name}' is one of the {other}",
                where=kind.removesuffix("s"),
                given=f"{COMMANDS[kind]} {name}",
                expected=f"one of the {kind}",
                remedy=f"Use: {command} {name}",
            )
    found: Path = registry.find(kind, str(name), where=kind.removesuffix("s"))
    return found


def read_values(kind: str, file: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The contents of a text; where it extends another, tables are merged, other values replaced.

    Args:
        kind: "experiments" or "simulations": where a name behind `extends` is looked for, after
            the folder of the file itself.
        seen: files that extend this one.

    Raises:
        DescriptionError: not TOML, an unknown name, or a text that extends itself.
        RunFileError: the file cannot be read.
    """
    values = read_toml(file)
    if "extends" not in values:
        return values
    base = Table(values, file).text("extends")
    beside = file.parent / f"{base}.toml"
    known = registry.files(kind)
    found = beside if beside.is_file() else known.get(base)
    if found is None:
        raise unknown(kind.removesuffix("s"), base, known, where=f"{file.name}: extends")
    if found in (file, *seen):
        raise DescriptionError(
            "a text extends itself",
            where=f"{file.name}: extends",
            given=repr(base),
            expected=f"another of the {kind}",
        )
    del values["extends"]
    return _merged(read_values(kind, found, (file, *seen)), values)


def _merged(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    both = dict(base)
    for key, value in top.items():
        old = both.get(key)
        merge = isinstance(old, dict) and isinstance(value, dict)
        both[key] = _merged(old, value) if merge else value  # type: ignore[arg-type]
    return both
