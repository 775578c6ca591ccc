"""What every test may use: Hypothesis profiles and a seeded generator."""

from __future__ import annotations

import os

import hypothesis
import numpy as np
import pytest

# Compiling a kernel takes longer than any sensible deadline. In CI the same examples are drawn
# every time, so that a failure is the fault of a change; elsewhere new ones are tried.
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("default", deadline=None, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator that starts the same way in every test."""
    return np.random.default_rng(20230305)
