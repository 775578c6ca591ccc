"""Kernels do without SciPy's linear algebra; what needs it gets it."""

from __future__ import annotations

import subprocess
import sys

SIMULATE = """
import sys
import neuro_rtrl as nr
net = nr.Network(dt="1 ms")
net.neurons(1, "lif", name="unit", bias=2.0, tau_m="5 ms")
assert nr.simulate(net, steps=10)["unit"].step.size
print("scipy.linalg" in sys.modules)
"""
MULTIPLY = """
import numba
import numpy as np
from numba.np import arraymath, linalg
assert arraymath._HAVE_BLAS
linalg.ensure_blas()
eye = np.eye(2)
print(numba.njit(lambda a: np.dot(a, a))(2 * eye).tolist())
"""


def printed(source: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=300
    )
    return done.stdout.strip()


def test_a_simulation_does_not_import_it() -> None:
    assert printed(SIMULATE) == "False"


def test_products_of_matrices_still_compile() -> None:
    assert printed(SIMULATE + MULTIPLY).endswith("[[4.0, 0.0], [0.0, 4.0]]")


def test_another_numba_is_left_alone() -> None:
    """Where it asks in another way, or has asked before, nothing is put in its place."""
    source = """
from numba.np import linalg
asks = vars(linalg).pop("ensure_blas")
from neuro_rtrl.kernels import without_blas
without_blas.import_arrays()
import sys
assert "numba.np.arraymath" not in sys.modules
vars(linalg)["ensure_blas"] = asks
without_blas.import_arrays()
print(linalg.ensure_blas is asks)
"""
    assert printed(source) == "True"
