"""Where a result comes from: versions, seed, git state and time, as plain values for a run file."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from neuro_rtrl.errors import RunFileError

PACKAGE_ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = ("numpy", "numba", "sympy", "h5py")


def collect(seed: int, **extra: str | int | float) -> dict[str, str | int | float]:
    """The provenance of a run that starts now.

    Args:
        seed: the one seed from which all random draws of the run derive.
        extra: further values to keep, such as `experiment="spiral"` or `rule="rtrl"`.

    Returns:
        `seed`, `package_version`, `python`, the versions of the libraries, `platform` (system and
        processor type; no name of a machine or a user), `created` (UTC, ISO 8601), `git_commit`
        and `git_state` ("clean" or "dirty"; both are empty if the package does not lie in a git
        checkout of its own), and `extra`. A library that is not installed has the version "".

    Raises:
        RunFileError: a name of `extra` is one of those above.

    >>> facts = collect(3, rule="rtrl")
    >>> facts["seed"], facts["rule"], facts["created"].endswith("+00:00")
    (3, 'rtrl', True)
    """
    commit, state = git_state(PACKAGE_ROOT)
    facts: dict[str, str | int | float] = {
        "seed": int(seed),
        "package_version": version("neuro_rtrl") or "unknown",
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        "platform": f"{platform.system()} {platform.machine()}",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_commit": commit,
        "git_state": state,
    }
    taken = sorted(set(extra) & set(facts))
    if taken:
        raise RunFileError(
            "a name of the provenance is taken",
            where="collect()",
            given=", ".join(taken),
            expected=f"names other than {', '.join(facts)}",
            remedy="Rename the value.",
        )
    return facts | extra


def version(distribution: str) -> str:
    """The installed version, without importing anything; "" if it is not installed.

    >>> version("no-such-distribution")
    ''
    """
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def git_state(root: Path) -> tuple[str, str]:
    """Commit and "clean" or "dirty" of the checkout whose top folder is `root`, or ("", "").

    Files that git does not track do not count. A folder inside somebody else's checkout (a virtual
    environment, say) is not a checkout of its own.
    """
    if not (root / ".git").exists():
        return "", ""
    commit = _git(root, "rev-parse", "HEAD")
    changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    if not commit or changes is None:
        return "", ""
    return commit, "dirty" if changes else "clean"


def _git(root: Path, *arguments: str) -> str | None:
    # Variables such as GIT_DIR, set while a hook runs, would point git at another repository.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    command = ["git", "--no-optional-locks", "-C", str(root), *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=10, env=environment, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
