"""The one place that calls Numba: `jit` for kernels, `native` for generated per-unit functions.

Numba's own on-disk cache looks at one file only: it returns stale code when a *called* function in
another file has changed. Here the cache folder's name is a hash of every kernel's source and of the
versions involved, so a change anywhere starts afresh. `NEURO_RTRL_CACHE=0` switches the cache off;
any other value is taken as the folder to keep it in.

Only reassociation-free fast-math is allowed (`contract`: fused multiply-add, `nsz`), so results do
not depend on vector width or on the number of threads.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba import types

from neuro_rtrl.kernels.joining import Part, QuickPart, QuickWhole, Whole
from neuro_rtrl.kernels.plain import PLAIN, Function
from neuro_rtrl.kernels.without_blas import import_arrays

FAST = {"contract", "nsz"}
# Generated code says itself what is fused (compile/contraction.py).
NATIVE = {"nsz"}
_ADDRESS = types.CPointer(types.float64)
_FLAGS = types.CPointer(types.uint8)
_NUMBERS = types.CPointer(types.uint32)
_LIST = types.CPointer(types.int64)
if not PLAIN:
    import_arrays()


@functools.cache
def cache_folder() -> Path | None:
    """Folder of compiled code for this very source, or None if the cache is off."""
    choice = os.environ.get("NEURO_RTRL_CACHE", "")
    if choice == "0":
        return None
    base = Path(choice) if choice else Path.home() / ".cache" / "neuro_rtrl"
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    versions = (numba.__version__, llvmlite.__version__, platform.python_version())
    digest.update(repr(versions).encode())
    folder = base / digest.hexdigest()[:20]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def _in_cache(compile_now: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Run a Numba decorator with our cache folder; Numba's global setting is put back after."""
    folder = cache_folder()
    before = numba.config.CACHE_DIR
    try:
        if folder is not None:
            numba.config.CACHE_DIR = str(folder)
        return compile_now(*arguments, cache=folder is not None, **options)
    finally:
        numba.config.CACHE_DIR = before


def jit(function: Callable[..., Any]) -> Any:
    """Compile a part of a kernel, to be called by other kernels only.

    It gets no wrapper for calls from Python: with our long argument lists these wrappers are most
    of the compile time. Nor is it kept on disk: it becomes machine code, and goes into the cache,
    as a part of the kernels that call it (joining.py).

    LLVM chooses what it puts into callers. That has to be said: Numba would have a part put there
    because its caller is put into another, and a kernel was one function of 50,000 instructions.
    """
    return _part(function, pipeline_class=Part, forceinline=False)


def quick(function: Callable[..., Any]) -> Any:
    """As `jit`, for parts of simulations, whose kernels are to start soon: see joining.py."""
    return _part(function, pipeline_class=QuickPart, forceinline=False)


def leaf(function: Callable[..., Any]) -> Any:
    """As `jit`, for a short loop whose arrays never overlap, which the compiler need not ask then.

    Asking costs more than a row of some dozen entries.
    """
    made = jit(function)
    compiler = vars(made).get("_compiler")
    if compiler is not None:  # none where Numba is switched off
        vars(compiler)["_customize_flags"] = _without_overlap
    return made


def _without_overlap(flags: Any) -> Any:
    flags.noalias = True
    return flags


def inline(function: Callable[..., Any]) -> Any:
    """As `jit`, for parts that are to be a part of their callers' machine code, too.

    LLVM puts them there. Where Numba did, and copied its notes of the whole function for each of
    them, kernels of local rules took a third longer to compile, and had no better code.
    """
    return _part(function, pipeline_class=Part, forceinline=True)


def quick_inline(function: Callable[..., Any]) -> Any:
    """As `inline`, for parts of simulations."""
    return _part(function, pipeline_class=QuickPart, forceinline=True)


def inline_first(function: Callable[..., Any]) -> Any:
    """As `inline`, by Numba, before types are known: the one way for a part that gives an array."""
    return _part(function, inline="always")


def _part(function: Callable[..., Any], **options: Any) -> Any:
    return _numba(no_cpython_wrapper=True, no_cfunc_wrapper=True, **options)(function)


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a kernel that Python calls (lock released).

    C needs no way to call it: that would be a third of the compile time of a short kernel.
    """
    return _in_cache(_numba(no_cfunc_wrapper=True, pipeline_class=Whole), function)


def quick_kernel(function: Callable[..., Any]) -> Any:
    """As `kernel`, for simulations."""
    return _in_cache(_numba(no_cfunc_wrapper=True, pipeline_class=QuickWhole), function)


def _numba(**fixed: Any) -> Callable[..., Any]:
    """No Python objects, and no reference counting: kernels allocate nothing."""

    def now(function: Callable[..., Any], **options: Any) -> Any:
        return numba.njit(
            _nrt=False, nogil=True, fastmath=FAST, error_model="numpy", **fixed, **options
        )(function)

    return now


def native(signature: str) -> Callable[[Callable[..., Any]], Any]:
    """Compile a generated function to a C function; `signature` has one letter an argument.

    `i` a 64-bit integer, `f` an array of float64, `b` of flags (uint8), `u` of numbers (uint32),
    `l` of int64.
    """
    kinds = {"i": types.int64, "f": _ADDRESS, "b": _FLAGS, "u": _NUMBERS, "l": _LIST}
    c_signature = types.void(*(kinds[letter] for letter in signature))

    def decorate(function: Callable[..., Any]) -> Any:
        def now(inner: Callable[..., Any], **options: Any) -> Any:
            return numba.cfunc(
                c_signature, nopython=True, fastmath=NATIVE, error_model="numpy",
                pipeline_class=QuickWhole, **options,
            )(inner)  # fmt: skip

        return Function(signature, function) if PLAIN else _in_cache(now, function)

    return decorate
