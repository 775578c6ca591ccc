"""What a run gives away: news while it goes on, and a folder guarded against overwriting."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuro_rtrl.errors import RunFileError, writing

RUN_FILE = "run.h5"
SUMMARY = "summary.json"
LEARNING_CURVE = "learning_curve.png"
RASTER = "raster.png"
WRITTEN = (SUMMARY, LEARNING_CURVE, RASTER)


@dataclass(frozen=True)
class News:
    """Where a run stands.

    Attributes:
        run: name of the run; a sweep has one for each of its points.
        done, iterations: iterations finished, and all of them.
        loss: loss of the last batch, mean over its sequences.
        score: the last test's score; None before the first.
        density: share of pairs that have a synapse, where synapses come and go.
    """

    run: str
    done: int
    iterations: int
    loss: float
    score: float | None
    density: float | None = None


Watcher = Callable[[News], None]


def run_folder(folder: Path, force: bool) -> Path:
    """Makes `folder` ready for a new run.

    Args:
        folder: where the run goes; it may exist if it holds no run.
        force: remove the run that is there. Files that no run writes are left alone.

    Raises:
        RunFileError: it holds a run and `force` is off, or it cannot be made.
    """
    named = [folder / name for name in (RUN_FILE, SUMMARY) if (folder / name).exists()]
    held = [*named, *_unfinished(folder)]
    if held and not force:
        raise RunFileError(
            "there is a run already",
            where=str(folder),
            given=f"{held[0].name} exists",
            expected="a folder without a run",
            remedy="Choose another with --out, go on with --resume, or replace it with --force.",
        )
    with writing("the folder of the run cannot be made", folder):
        folder.mkdir(parents=True, exist_ok=True)
        for file in (*_unfinished(folder), *(folder / n for n in (*WRITTEN, RUN_FILE))):
            file.unlink(missing_ok=True)
    return folder


def _unfinished(folder: Path) -> list[Path]:
    """What a run that goes on, or was interrupted, keeps besides its file."""
    names = ("run.part-*-*.h5", "run.new", "*.joined", "checkpoints/*.h5", "checkpoints/*.new")
    return sorted(file for name in names for file in folder.glob(name))


def write_json(file: Path, value: Any) -> None:
    """Writes plain values as JSON; numbers that are not finite become null.

    Raises:
        RunFileError: the file cannot be written.
    """
    text = json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False)
    with writing(
        "the file cannot be written", file, "a file in a folder that exists and can be written"
    ):
        file.write_text(text + "\n", encoding="utf-8")


def peak_bytes() -> int:
    """The largest memory this process has held so far; 0 where the system does not say.

    >>> peak_bytes() >= 0
    True
    """
    if sys.platform == "win32":
        return 0
    import resource

    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
