"""Simulation without learning: CUBA and COBA here, in Brian2 and in NEST, in one sitting.

Each program runs in a process of its own, in one thread unless its name says otherwise. The first
start finds an empty cache (of Brian2's C++ code, too); ours starts a second time with the cache of
the first. The networks have no delays; NEST, which needs some, is compared with ours at two of
them: one step, and 1.5 ms, which lets NEST hand over its spikes once in 15 steps.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import peer_runs
from benchmarks.peers import balanced
from benchmarks.record import Record, line

ROOT = Path(__file__).parent.parent
SIZES = (4000, 20000)
STEPS, RUNS, THREADS = 10_000, 5, 2
LIMIT_S = 900
BRIAN = {"Brian2 C++ standalone": "cpp_standalone", "Brian2 Cython": "cython"}
OURS = "neuro_rtrl"
NEST = peer_runs.Peer("NEST", "nest", peer_runs.NEST, "nest_simulate.py")
BRIAN2 = "Brian2"
PROGRAMS = (BRIAN2, NEST.who)
NEST_KINDS = ("CUBA", "COBA")
# Steps of all delays, and threads of NEST.
NEST_FORMS = ((1, 1), (15, 1), (15, 2))


def child(
    script: str, arguments: Sequence[object], cache: str | None = None, python: Path | None = None
) -> dict[str, object] | str:
    """What a script of peers/ printed, or the last line of its error.

    Args:
        cache: folder of compiled kernels (default: the user's).
        python: interpreter of another environment, in which the script stands alone.
    """
    if python is None:
        command = [sys.executable, "-m", f"benchmarks.peers.{script}", *map(str, arguments)]
    else:
        command = [str(python), str(peer_runs.SCRIPTS / script), *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    if cache is not None:
        environment["NEURO_RTRL_CACHE"] = cache
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT_S,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"no result within {LIMIT_S} s"
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
    record.details["drawn"] = found.pop("drawn", None)
    record.details |= {f"{start}_{k}_s": v for k, v in found.items() if isinstance(v, float)}
    record.details["spikes"] = found["spikes"]
    record.version = str(found.get("version", record.version))
    if "going" in found:
        alone, going = float(found["going_alone"]), float(found["going"])  # type: ignore[arg-type]
        record.details["note"] = f"going on {going:.4f} s, one thread {alone:.4f}"
    return record.timed(seconds)


def one(kind: str, n: int, steps: int, runs: int, peers: bool) -> list[Record]:
    """All programs on one network."""
    made = []
    given = (kind, n, steps)
    with tempfile.TemporaryDirectory() as cache:
        ours = _record(OURS, "neuro_rtrl", kind, n, steps)
        filled(ours, child("simulate_ours", (*given, 0), cache), "cold")
        made.append(filled(ours, child("simulate_ours", (*given, runs), cache), "warm"))
        both = _record(OURS, "neuro_rtrl", kind, n, steps, f", {THREADS} threads")
        made.append(filled(both, child("simulate_ours", (*given, runs, 0, THREADS), cache), "warm"))
        for who, target in BRIAN.items() if peers else ():
            record = _record(who, "brian2", kind, n, steps)
            if importlib.util.find_spec("brian2") is None:
                record.details["absent"] = "not installed"
            else:
                filled(record, child("brian2_simulate", (*given, runs, target), cache), "cold")
            made.append(record)
    return made


def beside_nest(
    kind: str, n: int, steps: int, runs: int, python: Path | str, forms: Sequence[tuple[int, int]]
) -> list[Record]:
    """NEST, and ours with the same delays."""
    made: list[Record] = []
    for delay, threads in forms:
        note = f", delay {0.1 * delay:.1f} ms"
        if threads == 1:
            ours = _record(OURS, "neuro_rtrl", kind, n, steps, note)
            child("simulate_ours", (kind, n, steps, 0, delay))
            found = child("simulate_ours", (kind, n, steps, runs, delay))
            made.append(filled(ours, found, "warm"))
        note += f", {threads} threads" if threads > 1 else ""
        nest = _record(NEST.who, "nest", kind, n, steps, note)
        if isinstance(python, str):
            nest.details["absent"] = python
        else:
            given = (kind, n, steps, runs, delay, threads)
            filled(nest, child(NEST.script, given, python=python), "cold")
        made.append(nest)
    return made


def _record(who: str, package: str, kind: str, n: int, steps: int, note: str = "") -> Record:
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        version = ""
    record = Record("simulate", f"{who}, {kind}{note}", version, n, balanced.SYNAPSES / n, steps)
    record.details["case"] = f"{kind} {n}"
    return record


def measure(
    sizes: Sequence[int] = SIZES,
    steps: int = STEPS,
    runs: int = RUNS,
    peers: bool = False,
    folder: Path | None = None,
    kinds: Sequence[str] = balanced.KINDS,
    programs: Sequence[str] = PROGRAMS,
    say: Callable[[Record], None] = lambda r: print(line(r), flush=True),
) -> list[Record]:
    """All networks in all sizes.

    Args:
        peers: whether others are measured, too, and NEST is installed where it is absent.
        folder: where its environment is.
        kinds: which networks.
        programs: which others; without Brian2, ours is measured with NEST's delays alone.
    """
    python: Path | str = "not asked for"
    if peers and NEST.who in programs:
        python = peer_runs.python_of(NEST, folder or peer_runs.home(), True)
    found = []
    for n, kind in itertools.product(sizes, kinds):
        records = one(kind, n, steps, runs, peers) if BRIAN2 in programs else []
        if peers and NEST.who in programs and kind in NEST_KINDS:
            records += beside_nest(kind, n, steps, runs, python, NEST_FORMS)
        for record in records:
            say(record)
            found.append(record)
    return found


def chosen(words: Sequence[str] | None) -> dict[str, Any]:
    """Options of `measure` from a list of programs, kinds and sizes, in any order.

    >>> chosen(["NEST", "4000"])
    {'sizes': (4000,), 'programs': ('NEST',)}
    """
    given = {
        "sizes": tuple(int(word) for word in words or () if word.isdigit()),
        "kinds": tuple(word for word in words or () if word in balanced.KINDS),
        "programs": tuple(word for word in words or () if word in PROGRAMS),
    }
    return {name: values for name, values in given.items() if values}
