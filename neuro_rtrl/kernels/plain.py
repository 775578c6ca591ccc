"""Plain Python in the place of what only compiled code has words for.

With NUMBA_DISABLE_JIT=1 kernels are plain functions, so that one can step through them, see which
lines a test reaches, and change them without compiling (`docs/mutation.md`). Numbers are those of
compiled code but for the last bits. It is some thousand times slower; threads are not for it.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numba import config
from numba.extending import intrinsic

from neuro_rtrl.kernels.diary import LANES

PLAIN = bool(config.DISABLE_JIT)
_FUNCTIONS: list[Callable[..., None]] = []
_POINTERS: dict[str, Any] = {
    "f": ctypes.c_double,
    "b": ctypes.c_uint8,
    "u": ctypes.c_uint32,
    "l": ctypes.c_int64,
}


def compiled_or(plain: Callable[..., Any]) -> Callable[[Any], Any]:
    """An intrinsic of Numba's, or `plain` where kernels are plain Python."""
    return lambda compiled: plain if PLAIN else intrinsic(compiled)


class Function:
    """A generated function where nothing is compiled; its `address` is a number from 1 on.

    Args:
        signature: as `jit.native` has it.
        work: the function, whose arrays come as pointers.
    """

    def __init__(self, signature: str, work: Callable[..., None]) -> None:
        self._signature, self._work = signature, work
        _FUNCTIONS.append(self)
        self.address = len(_FUNCTIONS)

    def __call__(self, *arguments: int) -> None:
        """Numbers as they are, addresses as pointers."""
        given = zip(self._signature, arguments, strict=True)
        self._work(*(self._read(kind, int(value)) for kind, value in given))

    def _read(self, kind: str, value: int) -> Any:
        if kind == "i":
            return value
        return ctypes.cast(value, ctypes.POINTER(_POINTERS[kind]))


def invoke(address: int, arguments: tuple[int, ...]) -> None:
    """Calls a `Function` by its address."""
    _FUNCTIONS[int(address) - 1](*arguments)


def at(array: np.ndarray, offset: int) -> np.int64:
    """Address of `array[offset]` of a flat array."""
    return np.int64(array.ctypes.data) + np.int64(offset) * np.int64(array.itemsize)


def nothing(*given: Any) -> None:
    """What only makes compiled code quicker."""


def bits(x: float) -> np.int64:
    """The bits of a float64 as a whole number."""
    return np.float64(x).view(np.int64)


def from_bits(x: int) -> np.float64:
    """The float64 with these bits."""
    return np.int64(x).view(np.float64)


def fma(x: float, y: float, z: float) -> float:
    """x y + z, rounded once.

    >>> fma(1 + 2**-52, 1 - 2**-52, -1.0) == -(2.0**-104)
    True
    """
    if not (np.isfinite(x) and np.isfinite(y) and np.isfinite(z)):
        return x * y + z
    exact = Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z))
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


def flags_of(flags: np.ndarray, start: int) -> int:
    """64 flags as the bits of one number, the first flag lowest."""
    return sum(1 << i for i, flag in enumerate(flags[start : start + 64]) if flag)


def lowest(number: int) -> int:
    """Place of the lowest bit that is set.

    >>> lowest(12)
    2
    """
    return (int(number) & -int(number)).bit_length() - 1


def ones(number: int) -> int:
    """How many bits are set.

    >>> ones(12)
    2
    """
    return int(number).bit_count()


def tell(array: np.ndarray, place: int, value: int) -> None:
    """array[place] = value."""
    array.flat[place] = value


def look(array: np.ndarray, place: int) -> int:
    """array[place]."""
    return int(array.flat[place])


def fall(worth: np.ndarray, place: int, nu: np.ndarray, start: int, tiny: float) -> None:
    """worth[place:] <- nu[start:], LANES of them; what is not above `tiny` has become zero."""
    lanes = nu[start : start + LANES]
    lanes[np.abs(lanes) <= tiny] = 0.0
    worth[place : place + LANES] = lanes


def times(
    out: np.ndarray, place: int, nu: np.ndarray, start: int, by: np.ndarray, line: int, more: bool
) -> None:
    """out[place:] <- nu[start:] by[line:], LANES of each; added to it if `more`."""
    product = nu[start : start + LANES] * by[line : line + LANES]
    out[place : place + LANES] = out[place : place + LANES] * more + product


def collect(
    sums: np.ndarray,
    place: int,
    low: int,
    high: int,
    step: np.ndarray,
    value: np.ndarray,
    worth: np.ndarray,
    first: int,
) -> None:
    """sums[place:] += sum over a in low..high of value[a] times row step[a] - first of worth.

    >>> sums, rows = np.zeros(LANES), np.repeat([1.0, 10.0], LANES)
    >>> collect(sums, 0, 0, 2, np.array([5, 4]), np.array([1.0, 2.0]), rows, 4)
    >>> float(sums[0])
    12.0
    """
    into = sums[place : place + LANES]
    for a in range(low, high):
        row = (int(step[a]) - first) * LANES
        into += value[a] * worth[row : row + LANES]
