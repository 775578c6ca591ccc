"""What a run file says of itself: origin, versions, checksum, what was recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neuro_rtrl.engine import checkpoint
from neuro_rtrl.engine.opening import RUN_FILE, parts
from neuro_rtrl.engine.run_file import open_run
from neuro_rtrl.engine.seal import checksum, sealed

SEALS = {True: "right", False: "wrong", None: "none"}


def information(path: Path) -> dict[str, Any]:
    """Plain values: root attributes (versions, seed, data and its licence), files, rows.

    Args:
        path: a run file, or the folder of a run.

    Raises:
        RunFileError: it cannot be read, or is damaged.
    """
    file = path / RUN_FILE if path.is_dir() else path
    with open_run(path) as run:
        weights = run.weights("start") if "start" in run.kept_weights else {}
        found = {
            **run.provenance,
            "complete": run.complete,
            "iterations": len(run.loss),
            "learned_values": sum(values.size for values in weights.values()),
            "rows": run.rows,
            "texts": ", ".join(run.texts),
        }
    if file.is_file():
        found |= {
            "bytes": file.stat().st_size,
            "sha256": checksum(file),
            "seal": SEALS[sealed(file)],
        }
    found["parts"] = len(parts(file.parent)) if file.name == RUN_FILE else 0
    found["checkpoints"] = ", ".join(kept.stem for kept in checkpoint.numbered(file.parent))
    return found
