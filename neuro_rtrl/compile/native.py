"""Generated source -> C functions and their addresses; compiled once, kept on disk by its hash."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from neuro_rtrl.errors import BuildError
from neuro_rtrl.kernels.jit import cache_folder

FUNCTIONS = ("flow", "jacobian", "spike", "event", "reset", "gate", "advance", "settle", "look")


@dataclass(frozen=True)
class Native:
    """The compiled functions of one population: addresses in the order of `FUNCTIONS` (0: none)."""

    source: str
    addresses: tuple[int, ...]
    module: ModuleType


@functools.cache
def _scratch() -> Any:
    """A folder for generated source where the cache is off; it goes away with the process."""
    return tempfile.TemporaryDirectory(prefix="neuro_rtrl_")


@functools.lru_cache(maxsize=256)
def compile_source(source: str) -> Native:
    """Compile generated source (see `source.py`); the same text is compiled once."""
    name = "generated_" + hashlib.sha256(source.encode()).hexdigest()[:24]
    folder = cache_folder() or Path(_scratch().name)
    path = folder / f"{name}.py"
    if not path.exists() or path.read_text() != source:
        with tempfile.NamedTemporaryFile("w", dir=folder, delete=False, suffix=".tmp") as file:
            file.write(source)
        Path(file.name).replace(path)
    module = _load(name, path)
    found = vars(module)
    addresses = tuple(int(found[f].address) if f in found else 0 for f in FUNCTIONS)
    return Native(source, addresses, module)


def _load(name: str, path: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise BuildError(
            "generated code cannot be loaded",
            given=path.name,
            expected="a folder of compiled code that can be read",
            remedy="Set NEURO_RTRL_CACHE=0, or to another folder.",
        )
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module  # Numba's cache finds a function's module by its name
    specification.loader.exec_module(module)
    return module
