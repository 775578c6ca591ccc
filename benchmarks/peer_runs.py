"""Peers in environments of their own: install, run a script of `peers/`, compare the gradient."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.network import Problem
from benchmarks.ours import compared
from benchmarks.record import Record

SCRIPTS = Path(__file__).parent / "peers"
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "JAX_PLATFORMS": "cpu",
}
LIMIT_S = 1200


@dataclass(frozen=True)
class Peer:
    """A program to compare with.

    Attributes:
        who: as in tables.
        environment: name of its environment, shared by peers with the same requirements.
        requirements: what to install there.
        script: in `peers/`.
        sparse: whether to ask for its sparse form.
    """

    who: str
    environment: str
    requirements: tuple[str, ...]
    script: str
    sparse: bool = False


# BrainTrace multiplies sparse matrices with Numba.
XLA, TORCH = ("braintrace==0.2.6", "numba"), ("torch==2.13.0", "numpy")
PEERS = (
    Peer("BPTT in PyTorch", "torch", TORCH, "torch_bptt.py"),
    Peer("BPTT under XLA", "braintrace", XLA, "jax_bptt.py"),
    Peer("BPTT under XLA, sparse", "braintrace", XLA, "jax_bptt.py", sparse=True),
    Peer("BrainTrace D_RTRL", "braintrace", XLA, "braintrace_d_rtrl.py"),
    Peer("BrainTrace D_RTRL, sparse", "braintrace", XLA, "braintrace_d_rtrl.py", sparse=True),
)


def python_of(peer: Peer, folder: Path, install: bool) -> Path | str:
    """The interpreter of a peer's environment, made if asked; or why there is none."""
    home = folder / peer.environment
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = home / "installed"
    if ready.exists():
        return python
    if not install:
        return "not installed (use --peers)"
    print(f"installing {', '.join(peer.requirements)} into {home}", file=sys.stderr)
    venv.create(home, with_pip=True)
    command = [str(python), "-m", "pip", "install", "-q", *peer.requirements]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return "could not be installed: " + _last_line(done.stderr)
    ready.write_text("\n".join(peer.requirements) + "\n", encoding="utf-8")
    return python


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no message"


def run(
    peer: Peer, python: Path | str, problem: Problem, reference: list[np.ndarray], runs: int
) -> Record:
    """One peer on one problem; a record that says so if it is absent or fails."""
    case, steps = problem.case, len(problem.x)
    found = Record("learn", peer.who, "", case.n, case.density, steps)
    found.details = {"case": case.name, "rate": problem.rate, "live": problem.live}
    if isinstance(python, str):
        found.details["absent"] = python
        return found
    with tempfile.TemporaryDirectory() as folder:
        given, result = Path(folder) / "problem.npz", Path(folder) / "result.npz"
        problem.save(given)
        command = [str(python), str(SCRIPTS / peer.script), str(given), str(result)]
        command += ["--runs", str(runs)] + ["--sparse"] * peer.sparse
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=LIMIT_S,
                env=os.environ | ONE_THREAD,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            found.details["absent"] = f"no result within {LIMIT_S} s"
            return found
        if done.returncode:
            found.details["absent"] = "failed: " + _last_line(done.stderr)
            return found
        said = json.loads(_last_line(done.stdout))
        with np.load(result) as file:
            gradient = [np.asarray(file[f"g_{name}"], float) for name in ("in", "rec", "out")]
    found.version, found.peak_mb = said["version"], said["peak_mb"]
    found.details["form"] = said["form"]
    return compared(found.timed(said["seconds"]), gradient, reference)
