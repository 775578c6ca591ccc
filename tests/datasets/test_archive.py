"""Files out of packages that are made here: zip, tar and ar."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from neuro_rtrl.datasets._archive import extract
from neuro_rtrl.errors import DataError

FILES = {"data/a.txt": b"first", "data/b.txt": b"second", "other": b""}


def tar(mode: str, prefix: str = "") -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode=mode) as file:  # type: ignore[call-overload]
        for name, content in FILES.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo(f"{prefix}data/link.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "a.txt"
        file.addfile(link)
    return held.getvalue()


def ar(**members: bytes) -> bytes:
    """A Debian package: `ar` with the names' `_` written as '.'."""
    package = b"!<arch>\n"
    for name, content in members.items():
        title = name.replace("_", ".").encode()
        header = title.ljust(16) + b"0".ljust(32) + b"%d" % len(content)
        package += header.ljust(58) + b"`\n" + content + b"\n" * (len(content) % 2)
    return package


@pytest.fixture(params=["whl", "tgz", "deb"])
def package(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file = tmp_path / f"package.{request.param}"
    if request.param == "whl":
        with zipfile.ZipFile(file, "w") as archive:
            for name, content in FILES.items():
                archive.writestr(name, content)
    elif request.param == "tgz":
        file.write_bytes(tar("w:gz"))
    else:
        # The control file has an odd length, so that padding has to be skipped.
        file.write_bytes(ar(control_tar_xz=b"odd", data_tar_xz=tar("w:xz", "./")))
    return file


def test_files_come_in_the_order_asked_for(package: Path) -> None:
    assert extract(package, ["data/b.txt", "data/a.txt"]) == [b"second", b"first"]


def test_a_missing_file_is_named(package: Path) -> None:
    with pytest.raises(DataError, match=r"lacks a file; given: no data/c\.txt"):
        extract(package, ["data/a.txt", "data/c.txt"])


def test_half_a_package_is_refused(package: Path) -> None:
    whole = package.read_bytes()
    package.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"cannot be read|lacks a file"):
        extract(package, list(FILES))


def test_what_is_no_package_is_refused(package: Path) -> None:
    package.write_bytes(b"<html>not found</html>" * 20)
    with pytest.raises(DataError, match="cannot be read"):
        extract(package, ["data/a.txt"])


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    file = tmp_path / "package.tgz"
    file.write_bytes(tar("w:gz"))
    with pytest.raises(DataError, match=r"no data/link\.txt"):
        extract(file, ["data/link.txt"])


def test_a_debian_package_without_data(tmp_path: Path) -> None:
    file = tmp_path / "package.deb"
    file.write_bytes(ar(debian_binary=b"2.0\n"))
    with pytest.raises(DataError, match="no data in the Debian package"):
        extract(file, ["a"])
