"""The cache of compiled code: its place follows the sources, and it can be switched off."""

from __future__ import annotations

import ctypes
import shutil
from collections.abc import Iterator
from pathlib import Path

import numba
import numpy as np
import pytest

from neuro_rtrl.kernels import jit


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """The answer is kept for the process: forgotten before and after."""
    jit.cache_folder.cache_clear()
    yield
    jit.cache_folder.cache_clear()


def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURO_RTRL_CACHE", "0")
    assert jit.cache_folder() is None

    @jit.kernel
    def double(x: float) -> float:
        return 2 * x

    assert double(1.5) == 3.0
    assert double.stats.cache_path is None


def test_a_folder_of_ones_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEURO_RTRL_CACHE", str(tmp_path / "mine"))
    folder = jit.cache_folder()
    assert folder is not None and folder.is_dir()
    assert folder.parent == tmp_path / "mine"

    @jit.kernel
    def double(x: float) -> float:
        return 2 * x

    assert double(1.5) == 3.0
    assert list(folder.rglob("*.nbi"))


def test_the_home_folder_is_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NEURO_RTRL_CACHE", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    folder = jit.cache_folder()
    assert folder is not None and folder.is_relative_to(tmp_path / ".cache" / "neuro_rtrl")


def test_a_folder_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("NEURO_RTRL_CACHE", str(tmp_path / "file"))
    assert jit.cache_folder() is None


def test_a_change_of_any_kernel_starts_afresh(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Numba's own cache would not see that a function in another file has changed."""
    kernels = tmp_path / "kernels"
    shutil.copytree(Path(jit.__file__).parent, kernels)
    monkeypatch.setattr(jit, "__file__", str(kernels / "jit.py"))
    monkeypatch.setenv("NEURO_RTRL_CACHE", str(tmp_path))
    before = jit.cache_folder()
    jit.cache_folder.cache_clear()
    assert jit.cache_folder() == before
    with (kernels / "losses.py").open("a") as file:
        file.write("# another line\n")
    jit.cache_folder.cache_clear()
    assert jit.cache_folder() != before


def test_numbas_setting_is_put_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEURO_RTRL_CACHE", str(tmp_path))
    before = numba.config.CACHE_DIR

    @jit.kernel
    def one() -> int:
        return 1

    assert one() == 1
    after = numba.config.CACHE_DIR
    assert after == before


def test_parts_of_kernels_are_for_kernels() -> None:
    @jit.jit
    def part(x: float) -> float:
        return x + 1.0

    @jit.inline
    def inlined(x: float) -> float:
        return part(x) * 2.0

    @jit.kernel
    def whole(x: float) -> float:
        return inlined(x)

    assert whole(1.0) == 4.0


def test_kernels_allocate_nothing() -> None:
    """Without reference counting an array made inside would never be freed: it is refused."""

    @jit.kernel
    def allocates(n: int) -> float:
        return np.zeros(n).sum()

    with pytest.raises(numba.TypingError, match=r"No implementation of function .*zeros"):
        allocates(3)


def test_native_functions_have_an_address() -> None:
    @jit.native("ifb")
    def fill(n: int, values: np.ndarray, flags: np.ndarray) -> None:
        for i in range(n):
            values[i] = 2.0 * values[i]
            flags[i] = 1

    values, flags = np.array([1.0, 2.0, 3.0]), np.zeros(3, np.uint8)
    call = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)(fill.address)
    call(2, values.ctypes.data, flags.ctypes.data)
    np.testing.assert_array_equal(values, [2.0, 4.0, 3.0])
    np.testing.assert_array_equal(flags, [1, 1, 0])


def test_kernels_are_kept_and_their_parts_are_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEURO_RTRL_CACHE", str(tmp_path))

    @jit.quick
    def general(x: float) -> float:
        return x + 1.0

    @jit.jit
    def part(x: float) -> float:
        return general(x) * 2.0

    @jit.kernel
    def whole(x: float) -> float:
        return part(x)

    assert whole(1.0) == 4.0
    kept = {file.name.split("-")[0].rpartition(".")[2] for file in tmp_path.rglob("*.nbi")}
    assert kept == {"whole"}
