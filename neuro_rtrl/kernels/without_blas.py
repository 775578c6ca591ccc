"""Numba's arrays without SciPy's linear algebra, which no kernel calls.

Numba imports it, a tenth of a second, before it compiles anything: only to know whether it is
there. SciPy is a dependency of this package, so the answer is known. Who compiles a product of
matrices in the same process makes Numba import it then.
"""

from __future__ import annotations

import importlib
import sys

from numba.np import linalg

_ARRAYS = "numba.np.arraymath"


def _is_there() -> None:
    """Numba's question, which is an ImportError where the answer is no."""


def import_arrays() -> None:
    """What Numba would import itself, with the answer given.

    A Numba that asks in another way imports what it likes.
    """
    asks = vars(linalg).get("ensure_blas")
    if asks is None or _ARRAYS in sys.modules:
        return
    vars(linalg)["ensure_blas"] = _is_there
    try:
        importlib.import_module(_ARRAYS)
    finally:
        vars(linalg)["ensure_blas"] = asks
