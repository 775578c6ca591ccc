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
from typing import Any

import numpy as np

from benchmarks.network import Problem
from benchmarks.ours import compared
from benchmarks.ours import gradient as gradient_of
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
        variant: which of the script's methods or models.
        steps: of its runs, from the start of the stream; 0: all.
        largest: units of the largest network that it is given.
    """

    who: str
    environment: str
    requirements: tuple[str, ...]
    script: str
    sparse: bool = False
    variant: str = ""
    steps: int = 0
    largest: int = 1 << 30


# BrainTrace multiplies sparse matrices with Numba.
XLA, TORCH = ("braintrace==0.2.6", "numba"), ("torch==2.13.0", "numpy")
NEST = ("nest-simulator==3.10.0", "numpy")
RULES = "braintrace_rules.py"
PEERS = (
    Peer("BPTT in PyTorch", "torch", TORCH, "torch_bptt.py"),
    Peer("BPTT under XLA", "braintrace", XLA, "jax_bptt.py"),
    Peer("BPTT under XLA, sparse", "braintrace", XLA, "jax_bptt.py", sparse=True),
    Peer("BrainTrace D_RTRL", "braintrace", XLA, RULES, variant="D_RTRL"),
    Peer("BrainTrace D_RTRL, sparse", "braintrace", XLA, RULES, True, "D_RTRL"),
    Peer("BrainTrace ES_D_RTRL", "braintrace", XLA, RULES, variant="ES_D_RTRL"),
    Peer("BrainTrace ES_D_RTRL, sparse", "braintrace", XLA, RULES, True, "ES_D_RTRL"),
    Peer("BrainTrace SnAp-2, sparse", "braintrace", XLA, RULES, True, "SnAp-2", 20, 256),
)


def home() -> Path:
    """Where environments are if nobody says."""
    return Path.home() / ".cache" / "neuro_rtrl" / "peers"


def python_of(peer: Peer, folder: Path, install: bool) -> Path | str:
    """The interpreter of a peer's environment, made if asked; or why there is none."""
    place = folder / peer.environment
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = place / "installed"
    if ready.exists():
        return python
    if not install:
        return "not installed (use --peers)"
    print(f"installing {', '.join(peer.requirements)} into {place}", file=sys.stderr)
    venv.create(place, with_pip=True)
    command = [str(python), "-m", "pip", "install", "-q", *peer.requirements]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return "could not be installed: " + _last_line(done.stderr)
    ready.write_text("\n".join(peer.requirements) + "\n", encoding="utf-8")
    return python


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no message"


def answer(
    peer: Peer, python: Path | str, problem: Problem, runs: int
) -> tuple[dict[str, Any], list[np.ndarray]] | str:
    """What a peer's script said, and its gradient (in, rec, out); or why there is nothing."""
    if isinstance(python, str):
        return python
    if problem.case.n > peer.largest:
        return f"not run: it would take hours (more than {peer.largest} units)"
    with tempfile.TemporaryDirectory() as folder:
        given, result = Path(folder) / "problem.npz", Path(folder) / "result.npz"
        problem.save(given)
        command = [str(python), str(SCRIPTS / peer.script), str(given), str(result)]
        command += ["--runs", str(runs), "--variant", peer.variant] + ["--sparse"] * peer.sparse
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=LIMIT_S,
                env=os.environ | ONE_THREAD,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"no result within {LIMIT_S} s"
        if done.returncode:
            return "failed: " + _last_line(done.stderr)
        with np.load(result) as file:
            gradient = [np.asarray(file[f"g_{name}"], float) for name in ("in", "rec", "out")]
        return json.loads(_last_line(done.stdout)), gradient


def filled(
    found: Record, got: tuple[dict[str, Any], list[np.ndarray]] | str
) -> list[np.ndarray] | None:
    """A record <- what `answer` gave; the gradient, if there is one."""
    if isinstance(got, str):
        found.details["absent"] = got
        return None
    said, gradient = got
    found.version, found.peak_mb = said.pop("version"), said.pop("peak_mb")
    found.timed(said.pop("seconds"))
    found.details |= said
    return gradient


def run(
    peer: Peer, python: Path | str, problem: Problem, reference: list[np.ndarray], runs: int
) -> Record:
    """One peer on one problem; a record that says so if it is absent or fails."""
    if peer.steps and peer.steps < len(problem.x):
        problem = problem.cut(peer.steps)
        reference = gradient_of(problem, "bptt")
    case = problem.case
    found = Record("learn", peer.who, "", case.n, case.density, len(problem.x))
    found.details = {"case": case.name, "rate": problem.rate, "live": problem.live}
    gradient = filled(found, answer(peer, python, problem, runs))
    return found if gradient is None else compared(found, gradient, reference)
