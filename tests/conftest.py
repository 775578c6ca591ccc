"""What every test may use: Hypothesis profiles and a seeded generator."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from neuro_rtrl.datasets._store import FOLDER_VARIABLE, folder
from tests.made_data import keep_all

# Compiling a kernel takes longer than any sensible deadline. In CI the same examples are drawn
# every time, so that a failure is the fault of a change; elsewhere new ones are tried.
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("default", deadline=None, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


# Each loads the compiler and compiles the kernels it is the first to need.
MOST_PROCESSES = 4


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """The whole suite goes to all cores, file by file; what is named or printed to one process."""
    asked = config.args_source is not pytest.Config.ArgsSource.TESTPATHS
    worker = "PYTEST_XDIST_WORKER" in os.environ
    # With numprocesses an int, the user has decided; without the plugin there is no such option.
    free = getattr(config.option, "numprocesses", 0) is None and config.option.capture != "no"
    if free and not asked and not worker and not config.option.usepdb:
        config.option.numprocesses = "auto"
        config.option.maxprocesses = config.option.maxprocesses or MOST_PROCESSES
        config.option.dist = "loadfile"


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator that starts the same way in every test."""
    return np.random.default_rng(20230305)


REAL_DATA = folder()


@pytest.fixture(scope="session", autouse=True)
def made_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Tests never see the user's data: a folder with small made ones takes its place."""
    made = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(made))
        keep_all()
        yield made


@pytest.fixture
def real_data(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own folder of data."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(REAL_DATA))
    return REAL_DATA
