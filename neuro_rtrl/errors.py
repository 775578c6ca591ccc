"""One family of errors: what was given, what was expected, what to do about it.

Every error a user can cause is a `NeuroRtrlError`. Its text is one paragraph that names the place
(file, key, line), the value given, what was expected there and a remedy; unknown names get the
nearest known one.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any


class NeuroRtrlError(Exception):
    """Base of all errors that the package raises on purpose.

    Args:
        problem: one sentence that says what is wrong.
        where: the place: file, key, line or object (`"lif.toml: parameters.tau_m"`).
        given: what was found there.
        expected: what would have been accepted.
        remedy: what the user can do.

    >>> print(NeuroRtrlError("the time constant is not positive", where="lif.toml: tau_m",
    ...                      given="-2 ms", expected="a time above 0 ms"))
    lif.toml: tau_m: the time constant is not positive; given: -2 ms; expected: a time above 0 ms.
    """

    def __init__(
        self,
        problem: str,
        *,
        where: str = "",
        given: object = None,
        expected: object = None,
        remedy: str = "",
    ) -> None:
        self.problem, self.where, self.remedy = problem, where, remedy
        self.given, self.expected = given, expected
        super().__init__(self._text())

    def _text(self) -> str:
        parts = [self.problem]
        if self.given is not None:
            parts.append(f"given: {shorten(self.given)}")
        if self.expected is not None:
            parts.append(f"expected: {self.expected}")
        text = "; ".join(parts) + "."
        if self.where:
            text = f"{self.where}: {text}"
        return f"{text} {self.remedy}".rstrip()

    def __reduce__(self) -> tuple[Any, ...]:
        fields = {k: vars(self)[k] for k in ("where", "given", "expected", "remedy")}
        return _again, (type(self), self.problem, fields)

    def at(self, where: str) -> NeuroRtrlError:
        """The same error with `where` put before its place (outer context: a file name, say)."""
        place = f"{where}: {self.where}" if self.where else where
        return type(self)(
            self.problem,
            where=place,
            given=self.given,
            expected=self.expected,
            remedy=self.remedy,
        )


def _again(kind: type[NeuroRtrlError], problem: str, fields: dict[str, Any]) -> NeuroRtrlError:
    return kind(problem, **fields)


class DescriptionError(NeuroRtrlError):
    """A model text, an experiment file or an argument is wrong as it stands."""


class BuildError(NeuroRtrlError):
    """Each part is right by itself, but they cannot be put together."""


class SimulationError(NeuroRtrlError):
    """Something went wrong while the network ran (a state that is not finite, say)."""


class RunFileError(NeuroRtrlError):
    """A run directory or a file of a run cannot be read or written."""


class DataError(NeuroRtrlError):
    """Data that were recorded elsewhere are missing, damaged, or not in the expected form."""


class NeuroRtrlWarning(UserWarning):
    """Base of all warnings of the package: a run goes on, but not as one may think."""


class DamagedWarning(NeuroRtrlWarning):
    """A file of a run cannot be used, and an older one is."""


def shorten(value: object, limit: int = 120) -> str:
    """`value` as one line of at most `limit` characters.

    >>> shorten("a" * 200, 10)
    'aaaaaaa...'
    """
    text = " ".join(str(value).split())
    return text if len(text) <= limit else text[: limit - 3] + "..."


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence that names the closest of the `known` names, or lists them all.

    Where none is close, names are alike whatever their capitals.

    >>> nearest("tau", ["tau_m", "v_th"])
    "Did you mean 'tau_m'?"
    >>> nearest("SGD", ["Adam", "Sgd"])
    "Did you mean 'Sgd'?"
    >>> nearest("xyz", ["b", "a"])
    'Known names: a, b.'
    """
    names = sorted(set(known))
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    if not close:
        alike = {one.casefold(): one for one in reversed(names)}
        found = difflib.get_close_matches(str(name).casefold(), alike, n=1, cutoff=0.5)
        close = [alike[one] for one in found]
    if close:
        return f"Did you mean '{close[0]}'?"
    return f"Known names: {', '.join(names)}." if names else "There are no names to choose from."


def unknown(what: str, name: object, known: Iterable[str], *, where: str = "") -> DescriptionError:
    """The error for a name that is not one of the `known` names."""
    names = sorted(set(known))
    return DescriptionError(
        f"unknown {what}",
        where=where,
        given=repr(name),
        expected=f"one of {', '.join(names)}" if names else "no name at all here",
        remedy=nearest(str(name), names) if names else "Remove it.",
    )


def one_of(what: str, given: str, known: tuple[str, ...]) -> str:
    """`given`, if it is known.

    Raises:
        DescriptionError: it is not; the nearest name is told.
    """
    if given not in known:
        raise unknown(what, given, known)
    return given


@contextmanager
def writing(
    problem: str, where: object, expected: str = "a folder that can be written"
) -> Iterator[None]:
    """Turns what the system says against writing into a `RunFileError`.

    Args:
        problem: one sentence that says what could not be done.
        where: the file or folder.
        expected: what would have been accepted.

    >>> try:
    ...     with writing("no file", "a.txt"):
    ...         raise PermissionError(13, "Permission denied")
    ... except RunFileError as error:
    ...     print(error)
    a.txt: no file; given: Permission denied; expected: a folder that can be written.
    """
    try:
        yield
    except OSError as error:
        given = error.strerror or error
        raise RunFileError(problem, where=str(where), given=given, expected=expected) from error


@contextmanager
def enough_memory(where: object) -> Iterator[None]:
    """Turns a lack of memory into a `BuildError`.

    Args:
        where: what was going on.

    >>> try:
    ...     with enough_memory("spiral"):
    ...         raise MemoryError("Unable to allocate 7 TiB")
    ... except BuildError as error:
    ...     print(error)  # doctest: +ELLIPSIS
    spiral: there is not enough memory; given: Unable to allocate 7 TiB; expected: less than...
    """
    try:
        yield
    except (MemoryError, ValueError) as error:
        # NumPy's words for an array of more bytes than a whole number can count.
        huge = str(error).startswith(("array is too big", "Maximum allowed dimension exceeded"))
        if isinstance(error, ValueError) and not huge:
            raise
        raise BuildError(
            "there is not enough memory",
            where=str(where),
            given=shorten(error) or "an array that did not fit",
            expected="less than this machine has, or lets a process have",
            remedy="Use fewer steps, shorter batches, fewer units or sparser synapses.",
        ) from error


def check_option(owner: str, name: str, given: object, good: bool, expected: str) -> None:
    """Refuses the value of an option of an optimizer or another part that has some.

    Raises:
        DescriptionError: it is not `good`.
    """
    if not good:
        raise DescriptionError(
            f"{name} is out of range", where=f"{owner}: {name}", given=given, expected=expected
        )
