"""What a data set is: where it comes from, how it is read, and the file in which it is kept."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neuro_rtrl.datasets._archive import extract
from neuro_rtrl.datasets._carrier import Carrier, check_sum, megabytes
from neuro_rtrl.errors import DataError, NeuroRtrlError

FOLDER_VARIABLE = "NEURO_RTRL_DATA"
Arrays = dict[str, np.ndarray]
_SUM = 64
"""Letters of a SHA-256."""


@dataclass(frozen=True)
class Member:
    """A file inside a carrier: its path there and the SHA-256 of its contents."""

    path: str
    sha256: str


@dataclass(frozen=True)
class DataSet:
    """Recorded data that a package of a public index carries.

    Attributes:
        name: the registered name.
        content: what it is, in a few words, with counts.
        carrier: the package.
        members: the files wanted of it.
        licence: of the data; where it differs, of the package, too.
        origin: who recorded them, and where they were published.
        read: contents of the members -> named arrays.
        instead: names of data sets that serve a similar purpose.
        edition: a higher number whenever `read` gives other arrays than before.
    """

    name: str
    content: str
    carrier: Carrier
    members: tuple[Member, ...]
    licence: str
    origin: str
    read: Callable[[Sequence[bytes]], Arrays]
    instead: tuple[str, ...] = ()
    edition: int = 1

    @property
    def digest(self) -> str:
        """SHA-256 over the sums of the members: it names the data in a run's file."""
        sums = "\n".join(member.sha256 for member in self.members)
        return hashlib.sha256(sums.encode()).hexdigest()

    @property
    def file(self) -> Path:
        """Where the arrays are kept."""
        return folder() / f"{self.name}-{self.digest[:12]}-{self.edition}.npz"

    def is_kept(self) -> bool:
        """Whether a file is there; `load` sees whether it is whole."""
        return self.file.is_file()

    def load(self) -> Arrays:
        """The named arrays, from the file in which they are kept; nothing is downloaded.

        Raises:
            DataError: they have not been fetched, or the file is damaged.
        """
        if not self.is_kept():
            raise self._absent("the data are not on this machine", f"no file {self.file}")
        try:
            return read_arrays(self.file)
        except (OSError, ValueError) as error:
            raise self._absent("the kept file is damaged", f"{self.file}: {error}") from error

    def download(self) -> Arrays:
        """The named arrays, from a fresh download of the carrier; they are kept.

        Raises:
            DataError: the download fails, or what comes is not what was expected.
        """
        try:
            with tempfile.TemporaryDirectory(prefix="neuro_rtrl_") as scratch:
                package = self.carrier.download(Path(scratch))
                contents = extract(package, [member.path for member in self.members])
        except NeuroRtrlError as error:
            raise error.at(f"data set '{self.name}'") from error
        for member, content in zip(self.members, contents, strict=True):
            check_sum(content, member.sha256, f"data set '{self.name}': {member.path}")
        return self.keep(contents)

    def keep(self, contents: Sequence[bytes]) -> Arrays:
        """Reads the contents of the members and writes the arrays to the file, all or nothing.

        Raises:
            DataError: the folder cannot be written.
        """
        arrays = self.read(contents)
        try:
            write_arrays(self.file, arrays)
        except OSError as error:
            raise DataError(
                "the data cannot be kept",
                where=f"data set '{self.name}'",
                given=f"{error.strerror or error} ({self.file})",
                expected="a folder that can be written",
                remedy=f"Set {FOLDER_VARIABLE} to one.",
            ) from error
        return arrays

    def provenance(self) -> dict[str, str]:
        """What a run's file says about data it used."""
        return {
            "data": self.name,
            "data_carrier": str(self.carrier),
            "data_sha256": self.digest,
            "data_licence": self.licence,
            "data_origin": self.origin,
        }

    def _absent(self, problem: str, given: str) -> DataError:
        return DataError(
            problem,
            where=f"data set '{self.name}'",
            given=given,
            expected="the data, fetched once",
            remedy=f"Fetch them ({megabytes(self.carrier.size)}): "
            f"neuro-rtrl data fetch {self.name}",
        )


@dataclass(frozen=True)
class UserFiles:
    """A reader of files that the user has; nothing is fetched.

    Attributes:
        read: (path, options...) -> named arrays or a value that holds them.
    """

    name: str
    content: str
    read: Callable[..., object]


def folder() -> Path:
    """Where data are kept: the folder that NEURO_RTRL_DATA names, or the user's cache."""
    chosen = os.environ.get(FOLDER_VARIABLE, "")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", "") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME", "") or Path.home() / ".cache")
    return base / "neuro_rtrl" / "data"


def write_arrays(file: Path, arrays: Arrays) -> None:
    """Writes an `.npz` file; a reader finds the whole of it or nothing.

    Its last bytes, a comment to readers of zip files, are the SHA-256 of all before them.
    """
    held = io.BytesIO()
    np.savez_compressed(held, **arrays)  # type: ignore[arg-type]
    with zipfile.ZipFile(held, "a") as archive:
        archive.comment = b"0" * _SUM
    contents = held.getvalue()[:-_SUM]
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, suffix=".tmp")
    os.close(handle)
    written = Path(name)
    try:
        written.write_bytes(contents + hashlib.sha256(contents).hexdigest().encode())
        # A temporary file is the user's alone; the kept one has the usual rights.
        written.chmod(0o644)
        written.replace(file)
    except BaseException:
        written.unlink(missing_ok=True)
        raise


def read_arrays(file: Path) -> Arrays:
    """Reads a file that `write_arrays` wrote.

    Raises:
        ValueError: it is damaged.
        OSError: it cannot be read.
    """
    contents = file.read_bytes()
    if hashlib.sha256(contents[:-_SUM]).hexdigest().encode() != contents[-_SUM:]:
        raise ValueError("its checksum is another")
    with np.load(io.BytesIO(contents)) as arrays:
        return {name: arrays[name] for name in arrays.files}
