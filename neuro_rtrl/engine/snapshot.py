"""All that changes while something runs, as plain arrays and plain values, and back again.

A walk over the objects themselves: whatever a rule, a lane, an optimizer or a history keeps is
found without a list of names, and what is of a kind that cannot be kept is refused, never left out
in silence. What follows from the description of a network (masks, wiring, compiled functions) is
not walked: whoever puts a snapshot back builds it anew, and so does the walk back begin from a
fresh object of the same make.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np

from neuro_rtrl.engine.makeup import PLAIN, frozen, parts_of, place_names, settled
from neuro_rtrl.errors import RunFileError

_SEQUENCES = {"list": list, "tuple": tuple, "deque": deque}


@dataclass
class Snapshot:
    """What was found: place -> array, and place -> what else has to be known there.

    Attributes:
        arrays: "lanes/0/run/h" -> the array itself, not a copy.
        notes: place -> plain values, which `json` can keep.
    """

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)


def take(root: Any) -> Snapshot:
    """All that can change in `root`: an object, a mapping, a sequence.

    The arrays are those of `root`: copy or write them before it goes on.

    Raises:
        RunFileError: something in it is of a kind that cannot be kept.

    >>> found = take({"weights": np.zeros(2), "done": 3})
    >>> found.arrays["/weights"].tolist(), found.notes["/done"]
    ([0.0, 0.0], {'value': 3})
    """
    taker = _Taker()
    taker.add("", root)
    return taker.found


def put_back(root: Any, found: Snapshot) -> Any:
    """Brings `root` to where a snapshot was taken; arrays are filled in place where they fit.

    Args:
        root: made as the one that the snapshot was taken of.
        found: what was taken.

    Returns:
        `root` itself, unless it is of a kind that cannot be changed (a tuple, a number).

    Raises:
        RunFileError: the two are not of the same make.

    >>> weights = np.zeros(2)
    >>> put_back([weights], take([np.ones(2)]))[0] is weights, weights.tolist()
    (True, [1.0, 1.0])
    """
    with trusting_nothing():
        return _Giver(found).value("", root)


@contextmanager
def trusting_nothing() -> Iterator[None]:
    """Turns what goes wrong with notes and arrays that nobody has taken into a `RunFileError`."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        given = f"{type(error).__name__}: {error}"
        raise _another("checkpoint", given, "notes and arrays of a run") from error


class _Taker:
    """The walk that collects."""

    def __init__(self) -> None:
        self.found = Snapshot()
        # The objects are kept besides their places: a number of an object that is gone is reused.
        self._seen: dict[int, tuple[str, Any]] = {}

    def add(self, place: str, value: Any) -> None:
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, PLAIN):
            self.found.notes[place] = {"value": value}
        elif settled(value):
            self.found.notes[place] = {"settled": True}
        elif id(value) in self._seen:
            self.found.notes[place] = {"same": self._seen[id(value)][0]}
        else:
            self._seen[id(value)] = (place, value)
            self._add_whole(place, value)

    def _add_whole(self, place: str, value: Any) -> None:
        if isinstance(value, np.ndarray):
            if value.dtype.kind not in "fiub":
                raise _cannot(place, value.dtype)
            self.found.arrays[place] = value
        elif isinstance(value, np.random.Generator):
            self.found.notes[place] = {"generator": value.bit_generator.state}
        elif isinstance(value, Mapping):
            self._parts(place, {"keys": list(value)}, place_names(value), value.values())
        elif type(value) in _SEQUENCES.values():
            self._sequence(place, value)
        else:
            fields = parts_of(value)
            if fields is None:
                raise _cannot(place, type(value).__name__)
            note = {"object": type(value).__name__, "names": list(fields)}
            self._parts(place, note, fields, fields.values())

    def _sequence(self, place: str, value: Any) -> None:
        if all(isinstance(part, PLAIN) for part in value):
            # A loss for each iteration: one note, not a hundred thousand.
            self.found.notes[place] = {"plain": list(value), "kind": _kind(value)}
        else:
            note = {"count": len(value), "kind": _kind(value)}
            self._parts(place, note, range(len(value)), value)

    def _parts(
        self, place: str, note: dict[str, Any], names: Iterable[Any], parts: Iterable[Any]
    ) -> None:
        self.found.notes[place] = note
        for name, part in zip(names, parts, strict=True):
            self.add(f"{place}/{name}", part)


@runtime_checkable
class Preparing(Protocol):
    """What may have parts that a fresh one lacks."""

    def prepare_for(self, notes: Mapping[str, Any], place: str) -> None:
        """Makes those that a snapshot has, of which this is `place`."""
        ...


class _Giver:
    """The walk that puts back."""

    def __init__(self, found: Snapshot) -> None:
        self._found = found
        self._made: dict[str, Any] = {}

    def value(self, place: str, old: Any) -> Any:
        """What belongs at a place; `old` is what stands there now."""
        if place in self._found.arrays:
            made = _array(place, self._found.arrays[place], old)
        elif place in self._found.notes:
            made = self._noted(place, self._found.notes[place], old)
        else:
            raise _another(place, type(old).__name__, "nothing")
        self._made[place] = made
        return made

    def _noted(self, place: str, note: dict[str, Any], old: Any) -> Any:
        if "value" in note:
            return _plain(place, note["value"], old)
        if "settled" in note:
            return old
        if "same" in note:
            return self._made[note["same"]]
        if "generator" in note:
            if not isinstance(old, np.random.Generator):
                raise _another(place, type(old).__name__, "a random generator")
            old.bit_generator.state = note["generator"]
            return old
        if "keys" in note:
            return self._mapping(place, note["keys"], old)
        if "object" in note:
            return self._object(place, note, old)
        return self._sequence(place, note, old)

    def _mapping(self, place: str, keys: list[Any], old: Any) -> dict[Any, Any]:
        before = old if isinstance(old, dict) else {}
        named = zip(keys, place_names(keys), strict=True)
        made = {key: self.value(f"{place}/{name}", before.get(key)) for key, name in named}
        before.clear()
        before.update(made)
        return before

    def _sequence(self, place: str, note: dict[str, Any], old: Any) -> Any:
        if "plain" in note:
            parts = note["plain"]
        elif note["count"] > len(self._found.notes) + len(self._found.arrays):
            raise _another(place, note["count"], "a list of what is there")
        else:
            before = list(old) if isinstance(old, list | tuple | deque) else []
            before += [None] * (note["count"] - len(before))
            parts = [self.value(f"{place}/{i}", before[i]) for i in range(note["count"])]
        kind: Any = _SEQUENCES[note["kind"]]
        if kind is tuple or type(old) is not kind:
            return kind(parts)
        old.clear()
        old.extend(parts)
        return old

    def _object(self, place: str, note: dict[str, Any], old: Any) -> Any:
        if isinstance(old, Preparing):
            old.prepare_for(self._found.notes, place)
        fields = parts_of(old)
        if fields is None or type(old).__name__ != note["object"] or [*fields] != note["names"]:
            raise _another(place, f"{type(old).__name__} ({', '.join(fields or ())})", note)
        made = {name: self.value(f"{place}/{name}", fields[name]) for name in note["names"]}
        if isinstance(old, tuple):
            return type(old)(**made)
        for name, value in made.items():
            if frozen(old) and isinstance(fields[name], PLAIN):
                # A rule is one object for all learners of a process.
                if value != fields[name]:
                    raise _another(f"{place}/{name}", value, fields[name])
            elif value is not fields[name]:
                object.__setattr__(old, name, value)
        return old


def _kind(value: Any) -> str:
    return type(value).__name__


def _plain(place: str, saved: Any, old: Any) -> Any:
    """A plain value of the kind that stands there now, if one does."""
    kinds = (int, float) if type(old) in (int, float) else (type(old),)
    if old is None:
        kinds = (int, float)
    other = isinstance(old, PLAIN) and saved is not None
    if not isinstance(saved, PLAIN) or (other and type(saved) not in kinds):
        raise _another(place, type(saved).__name__, type(old).__name__)
    return saved


def _array(place: str, saved: np.ndarray, old: Any) -> np.ndarray:
    """In place where it fits: others may hold the same array."""
    array = isinstance(old, np.ndarray)
    if array and (old.dtype != saved.dtype or old.ndim != saved.ndim):
        given = f"{saved.dtype} of shape {saved.shape}"
        raise _another(place, given, f"{old.dtype} of {old.ndim} axes")
    if array and old.shape == saved.shape and old.flags.writeable:
        old[...] = saved
        return old
    return saved.copy()


def _cannot(place: str, kind: object) -> RunFileError:
    return RunFileError(
        "the state of a run cannot be kept",
        where=place,
        given=f"a value of the type {kind}",
        expected="arrays of numbers, plain values, random generators, and objects made of these",
        remedy="Keep the state of your rule or optimizer in such values.",
    )


def _another(place: str, given: object, expected: object) -> RunFileError:
    return RunFileError(
        "the kept state is not that of this run",
        where=place,
        given=given,
        expected=expected,
        remedy="Go on with the version of neuro_rtrl and the description that it was made with.",
    )
