"""Reading a table of an experiment's text strictly: every value is checked where it stands.

A `Table` knows its place (`spiral.toml: populations.hidden`), so that each refusal names the file
and the key beside what was given and what was expected.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuro_rtrl.contracts import SECOND
from neuro_rtrl.equations.text_file import LONGEST_KEY, parse_toml, read_whole
from neuro_rtrl.equations.units import quantity
from neuro_rtrl.errors import DescriptionError, RunFileError, unknown


@dataclass(frozen=True)
class Table:
    """One table of a TOML text.

    Attributes:
        values: key -> value, as read.
        file: the file that it was read from.
        path: the dotted path of the table in the file; empty for the whole file.

    >>> Table({"n": 3}, Path("a.toml"), "populations.x").whole("n")
    3
    """

    values: Mapping[str, Any]
    file: Path
    path: str = ""

    @property
    def folder(self) -> Path:
        """Where the file lies."""
        return self.file.parent

    def place(self, key: str | int = "") -> str:
        """`file: path.key`."""
        return f"{self.file.name}: {'.'.join(part for part in (self.path, str(key)) if part)}"

    def refuse(self, key: str | int, problem: str, expected: str) -> DescriptionError:
        """The error for the value of `key`."""
        given = repr(self.values[str(key)]) if key in self.values else "nothing"
        return DescriptionError(problem, where=self.place(key), given=given, expected=expected)

    def only(self, known: Iterable[str], what: str = "key") -> None:
        """Refuses keys that are not `known`."""
        for key in self.values:
            if key not in known:
                raise unknown(what, key, known, where=self.place(key))

    def need(self, key: str, expected: str) -> None:
        """Refuses a table without `key`."""
        if key not in self.values:
            raise self.refuse(key, "a key is missing", expected)

    def whole(self, key: str, default: int | None = None, minimum: int = 1) -> int:
        """A whole number of at least `minimum`."""
        expected = f"a whole number of at least {minimum}"
        value = self._value(key, default, expected)
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            raise self.refuse(key, "not a count", expected)
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty."""
        value = self._value(key, default, "a text")
        if not isinstance(value, str) or not value.strip():
            raise self.refuse(key, "not a text", "a text in quotes")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self._value(key, default, "true or false")
        if not isinstance(value, bool):
            raise self.refuse(key, "not a truth value", "true or false")
        return value

    def fraction(self, key: str, default: float) -> float:
        """A number in [0, 1]."""
        value = self._value(key, default, "a number in [0, 1]")
        if not is_number(value) or not 0 <= value <= 1:
            raise self.refuse(key, "not a fraction", "a number in [0, 1]")
        return float(value)

    def time(self, key: str, default: str) -> str:
        """A time above 0 with its unit, as text."""
        value = self._value(key, default, "a time")
        expected = "a time above 0 with its unit, such as '1 ms'"
        try:
            positive = isinstance(value, str) and quantity(value, SECOND) > 0
        except DescriptionError as error:
            raise self.refuse(key, "not a time", expected) from error
        if not positive:
            raise self.refuse(key, "not a time", expected)
        return str(value)

    def choice(self, key: str, known: Iterable[str], default: str | None = None) -> str:
        """One of the `known` names."""
        value = self.text(key, default)
        if value not in known:
            raise unknown(key, value, known, where=self.place(key))
        return value

    def names(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty if the key is absent."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise self.refuse(key, "not a list of names", "a list of texts, such as ['v']")
        return tuple(value)

    def table(self, key: str, required: bool = False) -> Table:
        """The table under `key`; empty if the key is absent and not required."""
        value = self._value(key, None if required else {}, "a table")
        if not isinstance(value, Mapping):
            raise self.refuse(key, "not a table", f"a table, such as [{key}]")
        path = ".".join(part for part in (self.path, key) if part)
        return Table(value, self.file, path)

    def tables(self, key: str) -> list[Table]:
        """The array of tables under `key`; empty if the key is absent."""
        value = self._value(key, [], "an array of tables")
        if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
            raise self.refuse(key, "not an array of tables", f"one [[{key}]] for each")
        return [Table(row, self.file, f"{key}.{place}") for place, row in enumerate(value)]

    def _value(self, key: str, default: Any, expected: str) -> Any:
        if default is None:
            self.need(key, expected)
        return self.values.get(key, default)


def is_number(value: object) -> bool:
    """Whether a value of a TOML text is a finite number.

    >>> is_number(0.5), is_number(True), is_number(float("nan"))
    (True, False, False)
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) < float("inf")


def read_toml(file: Path) -> dict[str, Any]:
    """The contents of a TOML file.

    Raises:
        RunFileError: the file cannot be read.
        DescriptionError: it is not TOML (the error names the line).
    """
    try:
        text = read_whole(file)
        return parse_toml(text)
    except OSError as error:
        raise RunFileError(
            "the file cannot be read",
            where=f"{file.name}: the whole file",
            given=str(file),
            expected=f"a readable file ({error.strerror})",
        ) from error
    except UnicodeDecodeError as error:
        raise DescriptionError(
            "the file is not text",
            where=f"{file.name}: byte {error.start}",
            given=repr(error.object[error.start : error.start + 8]),
            expected="TOML in UTF-8",
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(file, text, str(error)) from error


def _not_toml(file: Path, text: str, reason: str) -> DescriptionError:
    """`reason` ends in '(at line 3, column 5)'; the line itself helps more than its number."""
    lines = text.splitlines()
    at = re.search(r"at line (\d+)", reason)
    number = min(int(at.group(1)), len(lines)) if at else len(lines)
    given = lines[number - 1] if lines else ""
    return DescriptionError(
        f"not TOML: {reason[:1].lower()}{reason[1:]}",
        where=f"{file.name}: line {number}",
        given=repr(given),
        expected="a line of TOML, such as key = 'value'",
    )


def apply_override(values: dict[str, Any], key: str, value: Any, *, where: str) -> None:
    """Sets `section.key` of a nested TOML value in place.

    Args:
        values: the whole text as read.
        key: dotted path; an element of an array of tables goes by its number or its `name`.
        value: what to put there.
        where: the place of the override, for errors.

    Raises:
        DescriptionError: the path does not lead through tables.

    >>> text = {"projections": [{"name": "in", "density": 1.0}]}
    >>> apply_override(text, "projections.in.density", 0.5, where="--set")
    >>> text["projections"][0]["density"]
    0.5
    """
    *parents, last = key.split(".")
    if len(parents) >= LONGEST_KEY:
        raise DescriptionError(
            "the path is too long",
            where=where,
            given=f"{len(parents) + 1} parts",
            expected=f"at most {LONGEST_KEY}",
        )
    place: Any = values
    for depth, part in enumerate(parents):
        if isinstance(place, dict):
            place = place.setdefault(part, {})
        else:
            place = _element(place, part, ".".join(parents[:depth]), where)
    if not isinstance(place, dict):
        raise DescriptionError(
            "the path does not end in a table",
            where=f"{where}: {key}",
            given=repr(place),
            expected="section.key",
        )
    place[last] = value


def _element(place: Any, part: str, path: str, where: str) -> Any:
    rows = place if isinstance(place, list) else []
    numbered = {str(number): row for number, row in enumerate(rows)}
    named = {str(row.get("name", "")): row for row in rows if isinstance(row, dict)}
    if part in numbered or part in named:
        return numbered.get(part, named.get(part))
    if not rows:
        raise DescriptionError(
            "the path leads through a value",
            where=f"{where}: {path}.{part}",
            given=repr(place),
            expected="a table",
        )
    known = [*numbered, *(name for name in named if name)]
    raise unknown(f"element of {path}", part, known, where=f"{where}: {path}.{part}")


def apply_settings(values: dict[str, Any], settings: Iterable[str]) -> None:
    """Sets what `--set` says, in place: `section.key=value` each.

    Raises:
        DescriptionError: a setting is not of this form, or names nothing that can be set.
    """
    for setting in settings:
        key, value = parse_override(setting)
        apply_override(values, key, value, where="--set")


def parse_override(text: str) -> tuple[str, Any]:
    """Key and value of a `section.key=value`; bare words are texts.

    >>> parse_override("learning.iterations=50")
    ('learning.iterations', 50)
    >>> parse_override("learning.rule=bptt")
    ('learning.rule', 'bptt')
    """
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or "." not in key or not all(key.split(".")):
        raise DescriptionError(
            "not an override", where=f"--set {text}", given=repr(text), expected="section.key=value"
        )
    try:
        return key, parse_toml(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError as error:
        if value.strip()[:1] in ("", "[", "{", '"', "'"):
            raise DescriptionError(
                "the value is not TOML",
                where=f"--set {key}",
                given=repr(value),
                expected="a TOML value, or a bare word",
            ) from error
        return key, value.strip()
