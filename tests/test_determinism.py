"""Same seed, same result: across numbers of threads, Python versions, and float formats of each.

Other interpreters are those named in the variable NEURO_RTRL_PYTHONS (separated as in PATH), or
python3.11 to python3.13 where they are found and have the package's libraries.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from neuro_rtrl.registry import files

ROOT = Path(__file__).parent.parent

RUN = """
import hashlib, json, sys
import numpy as np
from neuro_rtrl.experiment_text import load_experiment
from neuro_rtrl.experiment_training import make_job
from neuro_rtrl.registry import find

SPIRAL = ["task.batch=3", "populations.hidden.n=6", "populations.hidden.parameters.theta=-4"]
PATTERN = ["task.steps=60"]

def made_by(rule, precision):
    # rewards have no bce; the others want layers without recurrence between populations
    other = rule in ("reward-eprop", "ostl", "decolle")
    name, settings = ("lif_pattern", PATTERN) if other else ("spiral", SPIRAL)
    every = int(find("rules", rule).online) * 5
    update = repr("sequence") if every == 0 or precision == "float64" else every
    settings = [f"learning.precision='{precision}'", f"learning.rule='{rule}'",
                f"learning.update={update}", f"network.seed={sys.argv[1]}", *settings]
    job, found = make_job(load_experiment(name, settings), name), hashlib.sha256()
    for iteration in range(6):
        trial = job.task.train(iteration)
        result = job.learner.run(trial.inputs, trial.targets)
        found.update(np.float64(result.loss).tobytes())
    for name, values in sorted(job.learner.parameters.items()):
        found.update(name.encode() + values.tobytes())
    return found.hexdigest()

both = ("float32", "float64")
print(json.dumps({f"{r}, {p}": made_by(r, p) for r in sys.argv[2:] for p in both}))
"""
THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
FAMILIES = ("snap-2", "eprop-random", "eprop-adaptive", "ok-2", "tbptt-3", "sk-rtrl-2")
RULES = (*files("rules"), *FAMILIES)
PARTS = [RULES[at : at + 5] for at in range(0, len(RULES), 5)]
_NAMES = ("python3.11", "python3.12", "python3.13")


def digests(python: str, threads: int, rules: Sequence[str], seed: int = 1) -> dict[str, str]:
    """Of the losses and the learned values of a few iterations in a process of its own."""
    environment = os.environ | dict.fromkeys(THREADS, str(threads)) | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [python, "-W", "ignore", "-c", RUN, str(seed), *rules],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def interpreters() -> list[str]:
    """Other interpreters that can import what the package needs."""
    named = os.environ.get("NEURO_RTRL_PYTHONS", "").split(os.pathsep)
    found = [*filter(None, named), *filter(None, map(shutil.which, _NAMES))]
    others = [python for python in dict.fromkeys(found) if Path(python) != Path(sys.executable)]
    look = ["-c", "import numba, sympy, h5py, pint, scipy"]
    return [
        python
        for python in others
        if subprocess.run([python, *look], capture_output=True, check=False).returncode == 0
    ]


@pytest.mark.verification
@pytest.mark.parametrize("rules", PARTS, ids=str)
def test_the_number_of_threads_changes_nothing(rules: Sequence[str]) -> None:
    wanted = digests(sys.executable, 1, rules)
    assert len(wanted) == 2 * len(rules)
    for threads in (2, 4):
        assert digests(sys.executable, threads, rules) == wanted


@pytest.mark.verification
@pytest.mark.parametrize("rules", PARTS, ids=str)
def test_the_version_of_python_changes_nothing(rules: Sequence[str]) -> None:
    others = interpreters()
    if not others:
        pytest.skip("no other interpreter with the package's libraries: set NEURO_RTRL_PYTHONS")
    wanted = digests(sys.executable, 2, rules)
    for python in others:
        assert digests(python, 2, rules) == wanted, python


def test_the_digest_sees_another_seed() -> None:
    one, other = (digests(sys.executable, 1, ("rtrl",), seed) for seed in (1, 5))
    assert one.keys() == other.keys()
    assert not set(one.values()) & set(other.values())
