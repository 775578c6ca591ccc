"""What every peer's script shares. It runs in the peer's own environment: NumPy only.

    python SCRIPT PROBLEM.npz RESULT.npz --runs 5 [--sparse] [--variant NAME]

reads weights, inputs and targets, writes the gradient (g_in, g_rec, g_out) to RESULT.npz and one
JSON object to standard output: `{version, seconds: [...], peak_mb, form}`.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

# Seconds of runs after which none is added, so that slow peers are repeated less often.
BUDGET_S = 40.0


def arguments() -> argparse.Namespace:
    """The command line that all peers share; the process is kept on one core from here on."""
    if "sched_setaffinity" in dir(os):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    parser = argparse.ArgumentParser()
    parser.add_argument("problem", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--sparse", action="store_true", help="use the peer's sparse form")
    parser.add_argument("--variant", default="", help="which of the peer's methods or models")
    return parser.parse_args()


def load(path: Path) -> dict[str, np.ndarray]:
    """The problem's arrays, float32."""
    with np.load(path) as file:
        return {name: file[name].astype(np.float32) for name in file.files}


def memory(key: str) -> float:
    """Resident memory in MB now (VmRSS) or at its peak (VmHWM); 0 where this is not Linux."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    rows = dict(row.split(":", 1) for row in status.read_text(encoding="ascii").splitlines())
    return int(rows[key].split()[0]) * 1024 / 1e6


def report(
    job: Callable[[], dict[str, Any]], given: argparse.Namespace, version: str, form: str
) -> None:
    """Time `job` (which returns the gradient) and write what was found."""
    before = memory("VmRSS")
    gradient: dict[str, Any] = {name: np.asarray(value) for name, value in job().items()}
    seconds: list[float] = []
    while len(seconds) < given.runs and sum(seconds) < BUDGET_S:
        start = time.perf_counter()
        job()
        seconds.append(time.perf_counter() - start)
    write(given, gradient, seconds, version, form, before)


def write(
    given: argparse.Namespace,
    gradient: dict[str, Any],
    seconds: list[float],
    version: str,
    form: str,
    before: float,
    **more: int,
) -> None:
    """Gradient, times, and memory above the `before` MB."""
    np.savez(given.result, **gradient)
    found: dict[str, Any] = {
        "version": version,
        "seconds": seconds,
        "peak_mb": memory("VmHWM") - before,
        "form": form,
        "precision": str(next(iter(gradient.values())).dtype),
    }
    print(json.dumps(found | more))
