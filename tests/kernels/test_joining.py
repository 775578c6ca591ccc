"""Parts of kernels become machine code with the kernels that call them, not by themselves."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from numba.core.compiler import Flags

from neuro_rtrl.kernels import jit, joining


def kernel_of_parts() -> tuple[Any, Any]:
    """A kernel whose part has a part."""

    @jit.jit
    def inner(x: float) -> float:
        return x + 1.0

    @jit.jit
    def part(x: float) -> float:
        return inner(x) * 2.0

    @jit.kernel
    def whole(x: float) -> float:
        return part(x) + inner(x)

    return whole, part


def machine_code(function: Any) -> bool:
    """Whether a compiled function has an address of its own."""
    (made,) = function.overloads.values()
    name = made.fndesc.llvm_func_name
    return bool(made.library.get_pointer_to_function(name))


def test_a_part_becomes_machine_code_with_its_kernel_alone() -> None:
    whole, part = kernel_of_parts()
    assert whole(1.0) == 6.0
    assert machine_code(whole)
    assert not machine_code(part)


def test_parts_serve_several_kernels() -> None:
    _, part = kernel_of_parts()

    @jit.kernel
    def first(x: float) -> float:
        return part(x)

    @jit.kernel
    def second(x: float) -> float:
        return -part(x)

    assert (first(1.0), second(1.0)) == (4.0, -4.0)


def test_with_other_books_parts_are_compiled_as_numba_does_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(joining, "_BOOKS", {"_shelf"})
    whole, part = kernel_of_parts()
    assert whole(1.0) == 6.0
    assert machine_code(part)


@pytest.mark.parametrize(
    ("apart", "within", "whole"),
    [(jit.jit, jit.inline, jit.kernel), (jit.quick, jit.quick_inline, jit.quick_kernel)],
)
def test_parts_of_a_part_that_is_put_into_its_callers_are_not_put_there_for_that(
    apart: Any, within: Any, whole: Any
) -> None:
    @apart
    def inner(x: float) -> float:
        return x + 1.0

    @within
    def part(x: float) -> float:
        return inner(x) * 2.0

    @whole
    def run(x: float) -> float:
        return part(x)

    assert run(1.0) == 4.0
    (made,) = inner.overloads.values()
    (caller,) = part.overloads.values()
    assert "alwaysinline" in caller.library.get_llvm_str()
    assert "alwaysinline" not in made.library.get_llvm_str()


def sums(jit_part: Any, jit_kernel: Any) -> Any:
    """A kernel with a loop that can be vector code."""

    @jit_part
    def part(x: np.ndarray, y: np.ndarray) -> None:
        for i in range(x.shape[0]):
            x[i] += 0.1 * y[i]

    @jit_kernel
    def whole(x: np.ndarray, y: np.ndarray) -> float:
        for _ in range(3):
            part(x, y)
        return x[0]

    return whole


@pytest.mark.parametrize("known", [True, False])
def test_what_is_optimised_once_gives_the_same_bits(
    monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    """With a Numba that has other names it is optimised as all else."""
    monkeypatch.setattr(jit, "cache_folder", lambda: None)
    if not known:
        monkeypatch.setattr(joining, "_PASSES", {"_polish"})
    rng = np.random.default_rng(0)
    x, y = rng.random((2, 999))
    z = x.copy()
    quick = sums(jit.quick, jit.quick_kernel)
    assert quick(x, y) == sums(jit.jit, jit.kernel)(z, y)
    np.testing.assert_array_equal(x, z)
    (code,) = quick.inspect_llvm().values()
    assert re.search(r"<\d+ x double>", code)


def test_settings_are_those_of_numba() -> None:
    plain = Flags()
    plain.nrt = True
    ours = joining._Settings(plain)
    assert ours == plain and plain == ours and hash(ours) == hash(plain)
    assert ours == ours.copy() and isinstance(ours.copy(), joining._Settings)
    plain.release_gil = True
    assert ours != plain
    assert ours != "settings"


def test_code_is_the_same_without_idle_passes_and_an_analysis_after_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def count(x: int) -> float:
        total = 0.0
        for i in range(x):
            if i % 3 == 0:
                continue
            while total < i:
                total += 0.5
        return total

    def code() -> str:
        made = jit.kernel(count)
        assert made(10) == 8.0
        (text,) = made.inspect_llvm().values()
        return re.sub(r"v\d+|0x[0-9a-f]+|\d{8,}", "", text)

    monkeypatch.setattr(jit, "cache_folder", lambda: None)
    quick = code()
    monkeypatch.setattr(joining, "_lean", lambda passes: passes)
    assert quick == code()
