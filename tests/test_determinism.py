"""Same seed, same result: across numbers of threads, Python versions, and float formats of each.

Other interpreters are those named in the variable NEURO_RTRL_PYTHONS (separated as in PATH), or
python3.11 to python3.13 where they are found and have the package's libraries.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

RUN = """
import hashlib, sys
import numpy as np
from neuro_rtrl.experiment_text import load_experiment
from neuro_rtrl.experiment_training import make_job

digest = hashlib.sha256()
for precision in ("float32", "float64"):
    for rule in sys.argv[2:]:
        settings = [f"learning.precision='{precision}'", f"learning.rule='{rule}'", "task.batch=3",
                    f"network.seed={sys.argv[1]}", "populations.hidden.n=6",
                    "populations.hidden.parameters.theta=-4"]
        job = make_job(load_experiment("spiral", settings), "spiral")
        for iteration in range(8):
            trial = job.task.train(iteration)
            result = job.learner.run(trial.inputs, trial.targets)
            digest.update(np.float64(result.loss).tobytes())
        for name, values in sorted(job.learner.parameters.items()):
            digest.update(name.encode() + values.tobytes())
print(digest.hexdigest())
"""
THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
RULES = ("rtrl", "eprop", "ok-2")
# The last asks NumPy for singular values, and LAPACK is another one in every NumPy.
OF_KERNELS = RULES[:2]
_NAMES = ("python3.11", "python3.12", "python3.13")


def digest(python: str, threads: int, rules: tuple[str, ...] = RULES, seed: int = 1) -> str:
    """Of the losses and the learned values of a few iterations in a process of its own."""
    environment = os.environ | dict.fromkeys(THREADS, str(threads)) | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [python, "-W", "ignore", "-c", RUN, str(seed), *rules],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


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
def test_the_number_of_threads_changes_nothing() -> None:
    assert len({digest(sys.executable, threads) for threads in (1, 2, 4)}) == 1


@pytest.mark.verification
def test_the_version_of_python_changes_nothing() -> None:
    others = interpreters()
    if not others:
        pytest.skip("no other interpreter with the package's libraries: set NEURO_RTRL_PYTHONS")
    wanted = digest(sys.executable, 2, OF_KERNELS)
    found = {python: digest(python, 2, OF_KERNELS) for python in others}
    assert found == dict.fromkeys(others, wanted)


def test_the_digest_sees_another_seed() -> None:
    assert digest(sys.executable, 1, ("rtrl",)) != digest(sys.executable, 1, ("rtrl",), seed=5)
