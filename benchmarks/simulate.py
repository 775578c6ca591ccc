"""Simulation without learning: CUBA and COBA here and in Brian2, one thread, in one sitting.

Each program runs in a process of its own. The first start finds an empty cache (of Brian2's C++
code, too); ours starts a second time with the cache of the first.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.peers import balanced
from benchmarks.record import Record, line

ROOT = Path(__file__).parent.parent
SIZES = (4000, 20000)
STEPS, RUNS = 10_000, 5
LIMIT_S = 900
BRIAN = {"Brian2 C++ standalone": "cpp_standalone", "Brian2 Cython": "cython"}
OURS = "neuro_rtrl"


def child(script: str, arguments: Sequence[object], cache: str) -> dict[str, object] | str:
    """What a script of peers/ printed, or the last line of its error."""
    command = [sys.executable, "-m", f"benchmarks.peers.{script}", *map(str, arguments)]
    environment = os.environ | {"NEURO_RTRL_CACHE": cache, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT_S,
        check=False,
    )  # fmt: skip
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no message"])[-1]
    found: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def filled(record: Record, found: dict[str, object] | str, start: str) -> Record:
    """The record with what a child found."""
    if isinstance(found, str):
        record.details["absent"] = found
        return record
    seconds = [float(s) for s in found.pop("seconds")]  # type: ignore[attr-defined]
    record.details |= {f"{start}_{k}_s": v for k, v in found.items() if k != "spikes"}
    record.details["spikes"] = found["spikes"]
    return record.timed(seconds)


def one(kind: str, n: int, steps: int, runs: int, peers: bool) -> list[Record]:
    """All programs on one network."""
    made = []
    given = (kind, n, steps)
    with tempfile.TemporaryDirectory() as cache:
        ours = _record(OURS, "neuro_rtrl", kind, n, steps)
        filled(ours, child("simulate_ours", (*given, 0), cache), "cold")
        made.append(filled(ours, child("simulate_ours", (*given, runs), cache), "warm"))
        for who, target in BRIAN.items() if peers else ():
            record = _record(who, "brian2", kind, n, steps)
            if importlib.util.find_spec("brian2") is None:
                record.details["absent"] = "not installed"
            else:
                filled(record, child("brian2_simulate", (*given, runs, target), cache), "cold")
            made.append(record)
    if peers:
        nest = _record("NEST", "nest", kind, n, steps)
        known = importlib.util.find_spec("nest") is not None
        nest.details["absent"] = "has no script here yet" if known else "not installed"
        made.append(nest)
    return made


def _record(who: str, package: str, kind: str, n: int, steps: int) -> Record:
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        version = ""
    record = Record("simulate", f"{who}, {kind}", version, n, balanced.SYNAPSES / n, steps)
    record.details["case"] = f"{kind} {n}"
    return record


def measure(
    sizes: Sequence[int] = SIZES,
    steps: int = STEPS,
    runs: int = RUNS,
    peers: bool = False,
    say: Callable[[Record], None] = lambda r: print(line(r), flush=True),
) -> list[Record]:
    """Both networks in all sizes."""
    found = []
    for n in sizes:
        for kind in balanced.KINDS:
            for record in one(kind, n, steps, runs, peers):
                say(record)
                found.append(record)
    return found
